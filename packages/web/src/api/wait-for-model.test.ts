import { afterEach, describe, expect, it, vi } from 'vitest';
import { waitForModel } from './wait-for-model.js';

afterEach(() => vi.unstubAllGlobals());

const loading = { error: { message: 'The model is still loading.', code: 'model_loading' } };

/** Answers one path after another from lists; the last one stays. */
function answer(answers: Record<string, (() => Response)[]>): void {
  vi.stubGlobal('fetch', async (path: string) => {
    const list = answers[path] ?? [];
    return (list.length > 1 ? list.shift() : list[0])?.() ?? new Response('', { status: 404 });
  });
}

describe('waitForModel', () => {
  it('reports progress until the model is there', async () => {
    const busy = () => Response.json(loading, { status: 503 });
    answer({
      'api/info': [busy, busy, () => Response.json({ id: 'm' })],
      health: [
        () => Response.json({ status: 'loading' }, { status: 503 }),
        () => Response.json({ progress: { loadedBytes: 1, totalBytes: 4 } }, { status: 503 }),
      ],
    });
    const shares: (number | undefined)[] = [];
    const signal = new AbortController().signal;
    const info = await waitForModel({ apiKey: '', signal }, (share) => shares.push(share), 1);
    expect(info).toEqual({ id: 'm' });
    expect(shares).toEqual([undefined, 0.25]);
  });

  it('does not wait for a failure, and ends when aborted', async () => {
    answer({
      'api/info': [
        () => Response.json({ error: { message: 'broken', code: 'model_failed' } }, { status: 503 }),
      ],
    });
    const signal = new AbortController().signal;
    await expect(waitForModel({ apiKey: '', signal }, () => undefined, 1)).rejects.toMatchObject({
      message: 'broken',
    });
    answer({ 'api/info': [() => Response.json(loading, { status: 503 })] });
    const abort = new AbortController();
    const waiting = waitForModel(
      { apiKey: '', signal: abort.signal },
      () => abort.abort(new Error('left')),
      1,
    );
    await expect(waiting).rejects.toThrow('left');
  });
});
