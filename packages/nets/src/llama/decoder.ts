import {
  add,
  constant,
  gatherRows,
  linear,
  matmul,
  mul,
  parameter,
  type RopeTables,
  reshape,
  rmsNorm,
  rope,
  ropeTables,
  scale,
  silu,
  softmax,
  type Tensor,
  transpose,
} from '@triptych/graph';
import { NetworkError } from '../errors.js';
import type { LlamaConfig } from './config.js';

/** Added to the attention scores of future tokens. Finite, so that no row can become NaN. */
const MASKED = -1e30;

/** A llama decoder as a graph over a whole batch of sequences. */
export interface LlamaDecoder {
  /** Next-token logits of every position: [batch * tokens, vocab_size]. */
  readonly logits: Tensor;
  /** Hidden states after the final norm: [batch * tokens, hidden_size]. */
  readonly lastHidden: Tensor;
  /** Trainable tensors by their name in transformers' checkpoints. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/** Names and shapes of all weights, as transformers stores them. */
export function llamaParameterShapes(config: LlamaConfig): Map<string, readonly number[]> {
  const { hidden_size: width, intermediate_size: inner, vocab_size: vocabulary } = config;
  const queryWidth = config.num_attention_heads * config.head_dim;
  const keyWidth = config.num_key_value_heads * config.head_dim;
  const shapes = new Map<string, readonly number[]>([['model.embed_tokens.weight', [vocabulary, width]]]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    shapes.set(`${prefix}.input_layernorm.weight`, [width]);
    shapes.set(`${prefix}.self_attn.q_proj.weight`, [queryWidth, width]);
    shapes.set(`${prefix}.self_attn.k_proj.weight`, [keyWidth, width]);
    shapes.set(`${prefix}.self_attn.v_proj.weight`, [keyWidth, width]);
    shapes.set(`${prefix}.self_attn.o_proj.weight`, [width, queryWidth]);
    shapes.set(`${prefix}.post_attention_layernorm.weight`, [width]);
    shapes.set(`${prefix}.mlp.gate_proj.weight`, [inner, width]);
    shapes.set(`${prefix}.mlp.up_proj.weight`, [inner, width]);
    shapes.set(`${prefix}.mlp.down_proj.weight`, [width, inner]);
  }
  shapes.set('model.norm.weight', [width]);
  if (!config.tie_word_embeddings) shapes.set('lm_head.weight', [vocabulary, width]);
  return shapes;
}

/**
 * Builds the decoder (Touvron et al. 2023: pre-norm, RMSNorm, rotary positions, grouped-query attention, SwiGLU).
 * @param ids int32 token ids [batch, tokens]; positions are 0..tokens-1 in every row.
 */
export function llamaDecoder(config: LlamaConfig, ids: Tensor): LlamaDecoder {
  const [batch, tokens] = ids.shape;
  if (ids.shape.length !== 2 || batch === undefined || tokens === undefined) {
    throw new NetworkError(
      'invalid_config',
      `token ids must have the shape [batch, tokens], got [${ids.shape}]`,
    );
  }
  const parameters = new Map<string, Tensor>();
  for (const [name, shape] of llamaParameterShapes(config)) parameters.set(name, parameter(name, shape));
  const weight = (name: string): Tensor => {
    const tensor = parameters.get(name);
    if (tensor === undefined) throw new NetworkError('invalid_weights', `there is no weight "${name}"`);
    return tensor;
  };
  const layout: AttentionLayout = {
    config,
    batch,
    tokens,
    tables: ropeTables(tokens, config.head_dim, config.rope_theta),
    mask: causalMask(tokens, config.num_attention_heads / config.num_key_value_heads),
  };

  const embedding = weight('model.embed_tokens.weight');
  let x = reshape(gatherRows(embedding, ids), [batch * tokens, config.hidden_size]);
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const own = (name: string): Tensor => weight(`model.layers.${layer}.${name}.weight`);
    x = add(x, attention(rmsNorm(x, own('input_layernorm'), config.rms_norm_eps), own, layout));
    x = add(x, swiGlu(rmsNorm(x, own('post_attention_layernorm'), config.rms_norm_eps), own));
  }
  const lastHidden = rmsNorm(x, weight('model.norm.weight'), config.rms_norm_eps);
  const head = config.tie_word_embeddings ? embedding : weight('lm_head.weight');
  return { logits: linear(lastHidden, head), lastHidden, parameters };
}

interface AttentionLayout {
  readonly config: LlamaConfig;
  readonly batch: number;
  readonly tokens: number;
  readonly tables: RopeTables;
  /** [group * tokens, tokens], 0 or {@link MASKED}. */
  readonly mask: Tensor;
}

/**
 * Grouped-query attention over x [batch * tokens, hidden]. The query heads that share one key head are laid one after
 * the other along the token axis, so that keys and values are never repeated in memory.
 */
function attention(x: Tensor, own: (name: string) => Tensor, layout: AttentionLayout): Tensor {
  const { config, batch, tokens, tables, mask } = layout;
  const { num_attention_heads: heads, num_key_value_heads: keyHeads, head_dim: width } = config;
  const perHead = (projected: Tensor, count: number): Tensor =>
    transpose(reshape(projected, [batch, tokens, count, width]), [0, 2, 1, 3]);
  const queries = rope(perHead(linear(x, own('self_attn.q_proj')), heads), tables);
  const keys = rope(perHead(linear(x, own('self_attn.k_proj')), keyHeads), tables);
  const values = perHead(linear(x, own('self_attn.v_proj')), keyHeads);

  const grouped = reshape(scale(queries, width ** -0.5), [
    batch,
    keyHeads,
    (heads / keyHeads) * tokens,
    width,
  ]);
  const weights = softmax(add(matmul(grouped, keys, { transposeB: true }), mask));
  const mixed = reshape(matmul(weights, values), [batch, heads, tokens, width]);
  const joined = reshape(transpose(mixed, [0, 2, 1, 3]), [batch * tokens, heads * width]);
  return linear(joined, own('self_attn.o_proj'));
}

function swiGlu(x: Tensor, own: (name: string) => Tensor): Tensor {
  const gate = silu(linear(x, own('mlp.gate_proj')));
  return linear(mul(gate, linear(x, own('mlp.up_proj'))), own('mlp.down_proj'));
}

function causalMask(tokens: number, group: number): Tensor {
  const mask = new Float32Array(group * tokens * tokens);
  for (let row = 0; row < group * tokens; row++) {
    mask.fill(MASKED, row * tokens + (row % tokens) + 1, (row + 1) * tokens);
  }
  return constant(mask, [group * tokens, tokens]);
}
