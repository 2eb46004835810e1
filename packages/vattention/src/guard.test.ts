/** Proof that nothing reads past a sequence's length: with guard pages such a read kills the process. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const child = path.join(import.meta.dirname, '..', 'test', 'fixtures', 'guard-child.mjs');
const backings = process.platform === 'linux' ? ['memfd', 'anonymous'] : ['anonymous'];

function readToken(backing: string, tokens: number, token: number, tensor = 'V', blockTokens = 1) {
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath,
    [child, backing, tensor, `${blockTokens}`, `${tokens}`, `${token}`],
    {
      encoding: 'utf8',
      timeout: 30_000,
    },
  );
  return { signal, status, lines: stdout.trim().split('\n'), stderr };
}

// 512 bytes a row, so a page of 4096 bytes holds 8 tokens.
describe.each(backings)('guard mode over %s memory', (backing) => {
  it('lets the last token be read', () => {
    expect(readToken(backing, 16, 15)).toEqual({
      signal: null,
      status: 0,
      lines: ['reading', '0'],
      stderr: '',
    });
  });

  it('kills a read right behind the length, although look-ahead has committed it', () => {
    const { signal, lines } = readToken(backing, 16, 16);
    expect(lines).toEqual(['reading']);
    expect(['SIGSEGV', 'SIGBUS']).toContain(signal);
  });

  it('shows NaN between the length and the end of its page, and dies after that', () => {
    expect(readToken(backing, 13, 12).lines).toEqual(['reading', '0']);
    expect(readToken(backing, 13, 13).lines).toEqual(['reading', '255']);
    expect(readToken(backing, 13, 16).signal).not.toBeNull();
  });

  it('lets the last block of interleaved keys be read, and of values the last token', () => {
    expect(readToken(backing, 3, 15, 'K', 16).lines).toEqual(['reading', '0']);
    expect(readToken(backing, 3, 16, 'K', 16).signal).not.toBeNull();
    expect(readToken(backing, 3, 2, 'V', 16).lines).toEqual(['reading', '0']);
    expect(readToken(backing, 3, 3, 'V', 16).lines).toEqual(['reading', '255']);
    expect(readToken(backing, 3, 8, 'V', 16).signal).not.toBeNull();
  });
});
