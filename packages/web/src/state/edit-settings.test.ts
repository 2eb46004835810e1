import { describe, expect, it } from 'vitest';
import type { ImageModel } from '../api/images.js';
import {
  DEFAULT_EDIT_SETTINGS,
  LARGEST_SEED,
  loadEditSettings,
  modelInUse,
  nextSeed,
  nudgeGuidance,
  randomSeed,
  recallSettings,
  resolveSettings,
  saveEditSettings,
} from './edit-settings.js';

const model: ImageModel = {
  id: 'toy',
  hash: 'ab',
  nativeSide: 64,
  isDefault: true,
  description: '',
  defaults: { steps: 20, sampler: 'ddim', textGuidance: 2, imageGuidance: 1.2 },
  samplers: ['ddim', 'euler'],
  limits: { steps: [1, 100], textGuidance: [1, 20], imageGuidance: [1, 5], instructionCharacters: 2000 },
};

function memory(text?: string) {
  const entries = new Map<string, string>(text === undefined ? [] : [['triptych.edit', text]]);
  return {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
  };
}

describe('settings', () => {
  it('follow the model where nothing is set, and stay within its limits', () => {
    expect(resolveSettings(DEFAULT_EDIT_SETTINGS, model)).toEqual(model.defaults);
    const settings = { ...DEFAULT_EDIT_SETTINGS, textGuidance: 99, steps: 0, sampler: 'unknown' };
    expect(resolveSettings(settings, model)).toEqual({ ...model.defaults, textGuidance: 20, steps: 1 });
  });

  it('nudge both knobs, and come back', () => {
    const more = nudgeGuidance(DEFAULT_EDIT_SETTINGS, model, 1);
    expect([more.textGuidance, more.imageGuidance]).toEqual([2.5, 1.1]);
    const back = nudgeGuidance(more, model, -1);
    expect([back.textGuidance, back.imageGuidance]).toEqual([2, 1.2]);
    let most = DEFAULT_EDIT_SETTINGS;
    for (let time = 0; time < 30; time++) most = nudgeGuidance(most, model, 1);
    expect([most.textGuidance, most.imageGuidance]).toEqual([20, 1]);
  });

  it('choose the named model, the default, or the first', () => {
    const other = { ...model, id: 'other', isDefault: false };
    expect(modelInUse([other, model], { model: undefined })?.id).toBe('toy');
    expect(modelInUse([other, model], { model: 'other' })?.id).toBe('other');
    expect(modelInUse([other], { model: 'gone' })?.id).toBe('other');
    expect(modelInUse([], { model: undefined })).toBeUndefined();
  });

  it('take over what a picture was made with, and lock its seed', () => {
    const recalled = recallSettings(DEFAULT_EDIT_SETTINGS, { instruction: 'x', seed: 5, textGuidance: 3 });
    expect(recalled).toMatchObject({ seed: 5, seedLocked: true, textGuidance: 3, imageGuidance: undefined });
    expect(recallSettings(recalled, { instruction: 'y' })).toMatchObject({ seed: 5, textGuidance: 3 });
  });
});

describe('seeds', () => {
  it('are drawn whole and wrap at the end', () => {
    expect(randomSeed(() => 0.123456789)).toBe(123456);
    expect([nextSeed(7), nextSeed(LARGEST_SEED)]).toEqual([8, 0]);
  });
});

describe('storage', () => {
  it('gives back what was stored; an unlocked seed is drawn anew', () => {
    const store = memory();
    const settings = {
      ...DEFAULT_EDIT_SETTINGS,
      seed: 77,
      negative: 'blur',
      steps: 9,
      outputFormat: 'webp' as const,
    };
    saveEditSettings(store, settings);
    expect(loadEditSettings(store, () => 0.5)).toEqual({ ...settings, seed: 500_000 });
    saveEditSettings(store, { ...settings, seedLocked: true });
    expect(loadEditSettings(store).seed).toBe(77);
  });

  it('falls back for anything odd', () => {
    const odd = '{"seed":-1,"seedLocked":true,"steps":"many","outputFormat":"bmp","textGuidance":null}';
    for (const text of [odd, 'not json', '[]', 'null']) {
      expect(loadEditSettings(memory(text), () => 0)).toEqual({ ...DEFAULT_EDIT_SETTINGS, seed: 0 });
    }
    expect(loadEditSettings(undefined, () => 0)).toEqual({ ...DEFAULT_EDIT_SETTINGS, seed: 0 });
    const full = {
      setItem: () => {
        throw new Error('full');
      },
    };
    expect(() => saveEditSettings(full, DEFAULT_EDIT_SETTINGS)).not.toThrow();
  });
});
