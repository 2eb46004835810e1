import { add, attention, type Tensor } from '@triptych/graph';
import { ACTIVATIONS, layerNormLayer, linearLayer } from '../module/layers.js';
import type { ParameterScope } from '../module/scope.js';
import type { ClipTowerConfig } from './config.js';

/**
 * The transformer that both towers share: pre-norm layers of attention and a two-layer perceptron.
 * @param scope the module `encoder`
 * @param x [batch, tokens, hidden_size]
 */
export function clipEncoder(
  scope: ParameterScope,
  x: Tensor,
  config: ClipTowerConfig,
  { isCausal }: { readonly isCausal: boolean },
): Tensor {
  for (let index = 0; index < config.num_hidden_layers; index++) {
    const layer = scope.in(`layers.${index}`);
    const attended = layerNormLayer(layer.in('layer_norm1'), x, config.layer_norm_eps);
    x = add(x, selfAttention(layer.in('self_attn'), attended, config, isCausal));
    const normed = layerNormLayer(layer.in('layer_norm2'), x, config.layer_norm_eps);
    const inner = linearLayer(layer.in('mlp.fc1'), normed, config.intermediate_size);
    const activated = ACTIVATIONS[config.hidden_act](inner);
    x = add(x, linearLayer(layer.in('mlp.fc2'), activated, config.hidden_size));
  }
  return x;
}

function selfAttention(scope: ParameterScope, x: Tensor, config: ClipTowerConfig, isCausal: boolean): Tensor {
  const projected = (name: string): Tensor => linearLayer(scope.in(name), x, config.hidden_size);
  const [query, key, value] = [projected('q_proj'), projected('k_proj'), projected('v_proj')];
  const mixed = attention(query, key, value, { heads: config.num_attention_heads, isCausal });
  return linearLayer(scope.in('out_proj'), mixed, config.hidden_size);
}
