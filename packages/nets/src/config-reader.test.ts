import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClipTextConfig, parseClipVisionConfig } from './clip/config.js';
import { type ConfigJson, ConfigReader } from './config-reader.js';
import { NetworkError } from './errors.js';
import { parseSchedulerConfig } from './schedulers/config.js';
import { fixtureConfig } from './testing/golden.js';
import { SCHEDULER_CONFIG } from './testing/model-folder.js';
import { parseUnetConfig } from './unet/config.js';
import { parseVaeConfig } from './vae/config.js';

describe('ConfigReader', () => {
  const reader = new ConfigReader({ none: null, many: [1, 2], text: 'a', half: 0.5 }, 'some config.json');

  it('takes defaults for absent and null keys', () => {
    expect(reader.count('none', 3)).toBe(3);
    expect(reader.flag('absent', true)).toBe(true);
    expect(reader.perBlock('absent', 2, 7)).toEqual([7, 7]);
    expect(reader.perBlock('many', 2)).toEqual([1, 2]);
  });

  it('names configuration and key', () => {
    expect(() => reader.count('half')).toThrow(
      'some config.json: half must be a whole number from 1 to 16777216, got 0.5',
    );
    expect(() => reader.count('absent')).toThrow(/absent must be .* got undefined/);
    expect(() => reader.choice('text', ['b', 'c'])).toThrow(
      'some config.json: text "a" is not supported; supported: b, c',
    );
    expect(() => reader.perBlock('many', 3)).toThrow(/many has 2 entries for 3 blocks/);
    expect(() => reader.flag('text', true)).toThrow(/must be true or false/);
  });
});

describe('configurations from outside', () => {
  it.each<[string, string, (json: ConfigJson) => unknown]>([
    ['unet', 'unet', parseUnetConfig],
    ['vae', 'vae', parseVaeConfig],
    ['text encoder', 'clip-text', parseClipTextConfig],
    ['vision tower', 'clip-vision', parseClipVisionConfig],
    ['scheduler', '', parseSchedulerConfig],
  ])('are read or refused with a NetworkError: %s', async (_, fixture, parse) => {
    const base = fixture === '' ? SCHEDULER_CONFIG : await fixtureConfig(fixture);
    parse(base);
    const strange = fc.oneof(
      fc.jsonValue(),
      fc.integer(),
      fc.double(),
      fc.array(fc.integer(), { maxLength: 4 }),
    );
    const property = fc.property(fc.constantFrom(...Object.keys(base)), strange, (key, value) => {
      try {
        parse({ ...base, [key]: value });
      } catch (error) {
        expect(error).toBeInstanceOf(NetworkError);
      }
    });
    fc.assert(property, { numRuns: 2000 });
  });
});
