/**
 * @module
 * Runs an engine request on behalf of an HTTP request: the one place where latencies are observed.
 */
import type { FinishReason, GenerateEvent, GenerateRequest, TextEngineLike, Usage } from '@triptych/llm';
import type { ServerMetrics } from '../metrics/metrics.js';

/** What a generation tells besides its events. */
export interface GenerationObserver {
  readonly metrics: ServerMetrics;
  readonly onUsage: (usage: Usage) => void;
}

/** The engine's events, observed. Throws what the engine throws; an aborted call throws the signal's reason. */
export async function* generate(
  engine: TextEngineLike,
  request: GenerateRequest,
  signal: AbortSignal,
  { metrics, onUsage }: GenerationObserver,
): AsyncGenerator<GenerateEvent> {
  const observer = metrics.observe(engine.info.id);
  try {
    signal.throwIfAborted();
    for await (const event of engine.generate(request, { signal })) {
      if (event.type === 'start') observer.admitted(event.promptTokens);
      else if (event.type === 'text') observer.tokens(event.tokens.length);
      else onUsage(event.usage);
      yield event;
    }
  } finally {
    observer.ended();
  }
}

export interface Generated {
  readonly text: string;
  readonly reason: FinishReason;
  readonly usage: Usage;
}

/** Waits for the end of a generation and joins its text. */
export async function collect(events: AsyncIterable<GenerateEvent>): Promise<Generated> {
  const parts: string[] = [];
  for await (const event of events) {
    if (event.type === 'text') parts.push(event.text);
    if (event.type === 'finish') return { text: parts.join(''), reason: event.reason, usage: event.usage };
  }
  throw new Error('The engine ended a generation without a finish event.');
}

export function toUsage(usages: readonly Usage[]): {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
} {
  const prompt = usages.reduce((sum, usage) => sum + usage.promptTokens, 0);
  const completion = usages.reduce((sum, usage) => sum + usage.completionTokens, 0);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
