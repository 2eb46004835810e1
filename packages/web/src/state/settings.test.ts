import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DEFAULT_SAMPLING,
  DEFAULT_SETTINGS,
  formatStopStrings,
  type KeyValueStore,
  loadSettings,
  parseStopStrings,
  type Settings,
  saveSettings,
} from './settings.js';

function memoryStore(
  entries: Record<string, string> = {},
): KeyValueStore & { readonly map: Map<string, string> } {
  const map = new Map(Object.entries(entries));
  return {
    map,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}

describe('settings', () => {
  it('starts with the defaults and without a store', () => {
    expect(loadSettings(memoryStore())).toEqual(DEFAULT_SETTINGS);
    expect(loadSettings(undefined)).toEqual(DEFAULT_SETTINGS);
  });

  it('comes back as it was saved, empty fields included', () => {
    const settings: Settings = {
      sampling: { ...DEFAULT_SAMPLING, temperature: 0, maxTokens: undefined, seed: 7, stop: ['\n\n', 'END'] },
      systemPrompt: 'Be brief.',
      apiKey: 'secret',
      theme: 'dark',
    };
    const store = memoryStore();
    saveSettings(store, settings);
    expect(loadSettings(store)).toEqual(settings);
    saveSettings(store, DEFAULT_SETTINGS);
    expect([...store.map.keys()]).toEqual(['triptych.sampling']);
  });

  it('falls back from malformed and out-of-range entries', () => {
    const sampling = '{"temperature":9,"topP":"x","topK":-1,"minP":null,"seed":1.5,"stop":[1,"","a"]}';
    const settings = loadSettings(memoryStore({ 'triptych.sampling': sampling, 'triptych.theme': 'pink' }));
    expect(settings.sampling).toEqual({ ...DEFAULT_SAMPLING, maxTokens: undefined, stop: ['a'] });
    expect(settings.theme).toBe('system');
    for (const text of ['', '3', 'null', '[', '[]']) {
      expect(loadSettings(memoryStore({ 'triptych.sampling': text })).sampling.temperature).toBe(0.8);
    }
  });

  it('does not throw when storage is full', () => {
    const store = memoryStore();
    const full = {
      ...store,
      setItem: () => {
        throw new Error('full');
      },
    };
    expect(() => saveSettings(full, DEFAULT_SETTINGS)).not.toThrow();
  });
});

describe('stop strings', () => {
  it('are one per line with escapes', () => {
    expect(parseStopStrings('END\n\n\\n\\n\na\\\\nb\n\\t')).toEqual(['END', '\n\n', 'a\\nb', '\t']);
  });

  it('survive the round trip', () => {
    const stops = fc.array(fc.string({ minLength: 1 }), { maxLength: 16 });
    fc.assert(
      fc.property(stops, (stop) => {
        expect(parseStopStrings(formatStopStrings(stop))).toEqual(stop);
      }),
    );
  });

  it('are at most 16', () => {
    expect(parseStopStrings('x\n'.repeat(40))).toHaveLength(16);
  });
});
