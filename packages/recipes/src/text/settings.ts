import type { TrapezoidSchedule } from '@triptych/graph';
import { type LlamaConfig, parseLlamaConfig } from '@triptych/nets';

/** Name of the exported model and of its file. */
export const MODEL_NAME = 'triptych-text-5m';

export const SEED = 1;

/** Tokens a training sequence has, and the longest context the exported model claims. */
export const CONTEXT = 256;

/** Sequences per step. */
export const BATCH = 16;

/** The network: a llama decoder of 5.5 M parameters. All widths are multiples of 32, as Q8_0 needs. */
export const NETWORK: LlamaConfig = parseLlamaConfig({
  vocab_size: 4096,
  hidden_size: 256,
  intermediate_size: 704,
  num_hidden_layers: 6,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  max_position_embeddings: CONTEXT,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
});

export const ADAMW = { beta1: 0.9, beta2: 0.95, weightDecay: 0.1, clipNorm: 1 } as const;

/** The schedule for a run of so many steps. */
export function scheduleFor(totalSteps: number): TrapezoidSchedule {
  return { kind: 'trapezoid', peak: 3e-3, warmupSteps: 60, totalSteps, fallFraction: 0.3 };
}
