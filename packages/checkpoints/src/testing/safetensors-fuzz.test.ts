import { describe, expect, it } from 'vitest';
import { runSafetensorsCase, safetensorsFuzzCase } from './safetensors-fuzz.js';

describe('hostile safetensors files', () => {
  it('are read within their bounds or refused: 3000 cases', () => {
    const outcomes = new Map<string, number>();
    for (let index = 0; index < 3000; index++) {
      const outcome = runSafetensorsCase(safetensorsFuzzCase(20261126, index));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    expect([...outcomes.keys()].sort()).toEqual(['SAFETENSORS', 'ok']);
    expect(outcomes.get('ok')).toBeGreaterThan(200);
  });

  it('are the same for the same seed', () => {
    expect(safetensorsFuzzCase(1, 7)).toEqual(safetensorsFuzzCase(1, 7));
    expect(safetensorsFuzzCase(1, 7)).not.toEqual(safetensorsFuzzCase(2, 7));
  });
});
