import { describe, expect, it } from 'vitest';
import { advanceRun, isActive, type RunEvent, runFigures, startRun } from './run.js';

const text = (nowMs: number): RunEvent => ({ type: 'text', text: 'x', nowMs });

describe('run', () => {
  it('goes from waiting through streaming to done and keeps the figures', () => {
    let run = startRun(1000);
    expect(run.status).toBe('waiting');
    expect(runFigures(run)).toEqual({
      tokens: 0,
      exact: false,
      firstTokenMs: undefined,
      tokensPerSecond: undefined,
    });
    run = advanceRun(run, text(1250));
    expect(runFigures(run)).toEqual({
      tokens: 1,
      exact: false,
      firstTokenMs: 250,
      tokensPerSecond: undefined,
    });
    run = advanceRun(run, text(1350));
    run = advanceRun(run, text(1450));
    expect(runFigures(run).tokensPerSecond).toBeCloseTo(10);
    run = advanceRun(run, {
      type: 'finish',
      reason: 'length',
      usage: { promptTokens: 4, completionTokens: 5 },
      nowMs: 1460,
    });
    expect(run.status).toBe('done');
    expect(runFigures(run)).toMatchObject({ tokens: 5, exact: true });
    expect(runFigures(run).tokensPerSecond).toBeCloseTo(20);
  });

  it('ignores whatever comes after its end', () => {
    const stopped = advanceRun(advanceRun(startRun(0), text(5)), { type: 'stopped' });
    expect(isActive(stopped)).toBe(false);
    expect(advanceRun(stopped, text(9))).toBe(stopped);
    const failed = advanceRun(startRun(0), {
      type: 'failed',
      error: { message: 'm', code: 'c', status: 500 },
    });
    expect(failed.status).toBe('error');
    expect(advanceRun(failed, { type: 'stopped' })).toBe(failed);
    expect(isActive(undefined)).toBe(false);
  });
});
