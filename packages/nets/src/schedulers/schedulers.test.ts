import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@triptych/checkpoints';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ConfigJson } from '../config-reader.js';
import { NetworkError } from '../errors.js';
import { parseSchedulerConfig } from './config.js';
import { alphasCumprod } from './noise-schedule.js';
import { addNoise, createSampler } from './scheduler.js';
import { roundHalfEven } from './timesteps.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/schedulers/io.safetensors', import.meta.url));
const stableDiffusion = {
  num_train_timesteps: 1000,
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
};
const cases: readonly [name: string, json: ConfigJson][] = [
  ['ddim', { _class_name: 'DDIMScheduler', clip_sample: false, set_alpha_to_one: false }],
  ['euler', { _class_name: 'EulerDiscreteScheduler' }],
  ['euler_a', { _class_name: 'EulerAncestralDiscreteScheduler' }],
  ['dpmpp_2m', { _class_name: 'DPMSolverMultistepScheduler' }],
];

let golden: Record<string, Float32Array>;
beforeAll(async () => {
  const { tensors } = await readSafetensors(FIXTURE);
  golden = Object.fromEntries([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
});

/** Largest difference over the largest magnitude. */
function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [difference, magnitude] = [0, 1e-12];
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? Number.NaN)));
    magnitude = Math.max(magnitude, Math.abs(expected[i] ?? 0));
  }
  return difference / magnitude;
}

describe('the clean sample of a step', () => {
  const types = ['epsilon', 'sample', 'v_prediction'];
  for (const [name, json] of cases) {
    it.each(types)(`${name}, %s: is what was mixed with noise`, (prediction_type) => {
      const sampler = createSampler(parseSchedulerConfig({ ...stableDiffusion, ...json, prediction_type }), {
        steps: 4,
      });
      const [clean, noise] = [Float32Array.of(0.5, -1.25), Float32Array.of(-0.75, 2)];
      sampler.timesteps.forEach((timestep, index) => {
        const alpha =
          sampler.sigmas === undefined
            ? (alphasCumprod(parseSchedulerConfig({ ...stableDiffusion, ...json }))[timestep] ?? 0)
            : 1 / ((sampler.sigmas[index] ?? 0) ** 2 + 1);
        const [signal, deviation] = [Math.sqrt(alpha), Math.sqrt(1 - alpha)];
        // Euler's samples are not scaled down: x = x0 + sigma noise.
        const scale = name.startsWith('euler') ? 1 / signal : 1;
        const mixed = clean.map((x, i) => scale * (signal * x + deviation * (noise[i] ?? 0)));
        const prediction =
          prediction_type === 'epsilon'
            ? noise
            : prediction_type === 'sample'
              ? clean
              : clean.map((x, i) => signal * (noise[i] ?? 0) - deviation * x);
        expect(relativeError(sampler.clean({ index, prediction, sample: mixed }), clean)).toBeLessThan(1e-4);
      });
    });
  }
});

describe('schedulers against diffusers', () => {
  for (const [name, json] of cases) {
    for (const steps of [5, 20]) {
      it(`${name}, ${steps} steps: trajectory within 1e-5`, () => {
        const sampler = createSampler(parseSchedulerConfig({ ...stableDiffusion, ...json }), { steps });
        const wanted = (key: string): Float32Array => golden[`${name}.${steps}.${key}`] ?? new Float32Array();
        expect(relativeError(sampler.timesteps, wanted('timesteps'))).toBeLessThan(1e-6);
        if (sampler.sigmas !== undefined) {
          expect(relativeError(sampler.sigmas, wanted('sigmas'))).toBeLessThan(1e-6);
        }
        const trajectory = wanted('trajectory');
        const width = trajectory.length / (steps + 1);
        let sample: Float32Array = trajectory.slice(0, width);
        let worst = 0;
        sampler.timesteps.forEach((timestep, index) => {
          const scaled = sampler.scaleInput(sample, index);
          const prediction = scaled.map((x) => 0.3 * x + 0.1 * Math.sin(timestep / 100));
          const noise = wanted('noise').slice(index * width, (index + 1) * width);
          sample = sampler.advance({ index, prediction, sample, noise });
          const expected = trajectory.subarray((index + 1) * width, (index + 2) * width);
          worst = Math.max(worst, relativeError(sample, expected));
        });
        expect(worst).toBeLessThan(1e-5);
      });
    }
  }
});

describe('a clipped solver', () => {
  it('says so when too few timesteps are left', () => {
    const config = parseSchedulerConfig({
      ...stableDiffusion,
      _class_name: 'DPMSolverMultistepScheduler',
      lambda_min_clipped: 3,
    });
    expect(() => createSampler(config, { steps: 20 })).toThrow(
      /lambda_min_clipped 3 leaves \d+ of 1000 timesteps, fewer than 20 steps/,
    );
  });
});

describe('sampling a known distribution', () => {
  // For data x0 ~ N(0, s^2) the best prediction is linear in x, and the probability flow keeps x / deviation constant.
  const deviation = 0.7;
  const settings: readonly ConfigJson[] = [
    { _class_name: 'DDIMScheduler', clip_sample: false },
    { _class_name: 'DDIMScheduler', clip_sample: false, prediction_type: 'v_prediction' },
    {
      _class_name: 'DDIMScheduler',
      clip_sample: false,
      prediction_type: 'sample',
      timestep_spacing: 'trailing',
    },
    { _class_name: 'EulerDiscreteScheduler' },
    { _class_name: 'EulerDiscreteScheduler', prediction_type: 'v_prediction', use_karras_sigmas: true },
    { _class_name: 'EulerDiscreteScheduler', prediction_type: 'sample', use_exponential_sigmas: true },
    { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'trailing' },
    { _class_name: 'DPMSolverMultistepScheduler' },
    { _class_name: 'DPMSolverMultistepScheduler', solver_order: 3, prediction_type: 'v_prediction' },
    { _class_name: 'DPMSolverMultistepScheduler', solver_type: 'heun', use_karras_sigmas: true },
    { _class_name: 'DPMSolverMultistepScheduler', prediction_type: 'sample', timestep_spacing: 'leading' },
    {
      _class_name: 'DPMSolverMultistepScheduler',
      beta_schedule: 'squaredcos_cap_v2',
      lambda_min_clipped: -5.1,
    },
  ];
  it.each(settings.map((json) => [JSON.stringify(json), json] as const))('%s', (_, json) => {
    const config = parseSchedulerConfig({ ...stableDiffusion, ...json });
    const alphas = alphasCumprod(config);
    const steps = 200;
    const sampler = createSampler(config, { steps });
    const isVariancePreserving = sampler.initialNoiseScale === 1;
    const alphaAt = (t: number): number => alphas[Math.round(t)] ?? 0;
    const first = alphaAt(sampler.timesteps[0] ?? 0);
    let sample: Float32Array = Float32Array.of(
      isVariancePreserving
        ? Math.sqrt(first * deviation ** 2 + 1 - first)
        : Math.sqrt(deviation ** 2 + (1 - first) / first),
    );
    sampler.timesteps.forEach((timestep, index) => {
      // Fractional timesteps stand between two alphas: take the one of the noise level itself.
      const ratio = sampler.sigmas?.[index];
      const alpha = ratio === undefined ? alphaAt(timestep) : 1 / (1 + ratio ** 2);
      const prediction = sampler.scaleInput(sample, index).map((x) => {
        const variance = alpha * deviation ** 2 + 1 - alpha;
        const clean = (Math.sqrt(alpha) * deviation ** 2 * x) / variance;
        const epsilon = (Math.sqrt(1 - alpha) * x) / variance;
        if (config.prediction_type === 'sample') return clean;
        if (config.prediction_type === 'epsilon') return epsilon;
        return Math.sqrt(alpha) * epsilon - Math.sqrt(1 - alpha) * clean;
      });
      sample = sampler.advance({ index, prediction, sample });
    });
    expect(sample[0]).toBeGreaterThan(deviation * 0.96);
    expect(sample[0]).toBeLessThan(deviation * 1.04);
  });
});

describe('scheduler configurations', () => {
  it.each<[string, RegExp, ConfigJson]>([
    [
      'an unknown class',
      /_class_name "PNDMScheduler" is not supported; supported: DDIM/,
      { _class_name: 'PNDMScheduler' },
    ],
    ['dynamic thresholding', /thresholding true/, { thresholding: true }],
    ['beta sigmas', /use_beta_sigmas/, { use_beta_sigmas: true }],
    ['an unknown schedule', /beta_schedule "sigmoid"/, { beta_schedule: 'sigmoid' }],
    ['no steps', /num_train_timesteps/, { num_train_timesteps: 0 }],
    ['an unknown prediction', /prediction_type "flow"/, { prediction_type: 'flow' }],
    ['an unknown spacing', /timestep_spacing "log"/, { timestep_spacing: 'log' }],
    [
      'another algorithm',
      /algorithm_type/,
      { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'sde-dpmsolver++' },
    ],
  ])('refuse %s', (_, message, json) => {
    expect(() => parseSchedulerConfig({ _class_name: 'DDIMScheduler', ...json })).toThrow(message);
  });

  it('are read as another class when asked', () => {
    const config = parseSchedulerConfig({ _class_name: 'PNDMScheduler', steps_offset: 1 }, 'DDIMScheduler');
    expect(config).toMatchObject({
      _class_name: 'DDIMScheduler',
      steps_offset: 1,
      timestep_spacing: 'leading',
    });
  });

  it('refuse more solver steps than there are distinct noise levels', () => {
    for (const spacing of ['leading', 'linspace']) {
      const json = { _class_name: 'DPMSolverMultistepScheduler', timestep_spacing: spacing };
      const config = parseSchedulerConfig(json);
      expect(() => createSampler(config, { steps: 1000 })).toThrow(/too many for distinct noise levels/);
    }
    expect(() => parseSchedulerConfig({ _class_name: 'DDIMScheduler', beta_end: 5 })).toThrow(
      /between 0 and 1/,
    );
  });

  it('refuse runs and steps that do not exist', () => {
    const config = parseSchedulerConfig({ _class_name: 'DDIMScheduler', steps_offset: 1 });
    expect(() => createSampler(config, { steps: 0 })).toThrow(NetworkError);
    expect(() => createSampler(config, { steps: 1001 })).toThrow(/1 to num_train_timesteps = 1000/);
    expect(() => createSampler(config, { steps: 1000 })).toThrow(/steps_offset 1/);
    const sampler = createSampler(config, { steps: 2, eta: 1 });
    const one = Float32Array.of(1);
    expect(() => sampler.advance({ index: 0, prediction: one, sample: one })).toThrow(/noise/);
    expect(() => sampler.advance({ index: 2, prediction: one, sample: one, noise: one })).toThrow(/step 2/);
  });

  it('take as many trailing timesteps as there are steps, the last above 0', () => {
    for (const name of ['DDIMScheduler', 'EulerDiscreteScheduler', 'DPMSolverMultistepScheduler']) {
      const config = parseSchedulerConfig({ _class_name: name, timestep_spacing: 'trailing' });
      for (const steps of [1, 7, 61, 206, 1000]) {
        const { timesteps } = createSampler(config, { steps });
        expect(timesteps).toHaveLength(steps);
        expect(timesteps[0]).toBe(999);
        expect(Math.min(...timesteps)).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it('end with zero SNR when rescaled', () => {
    const json = { _class_name: 'DDIMScheduler', rescale_betas_zero_snr: true };
    const alphas = alphasCumprod(parseSchedulerConfig({ ...stableDiffusion, ...json }));
    expect(alphas[999]).toBeLessThan(1e-6);
    expect(alphas[0]).toBeCloseTo(1 - 0.00085, 6);
    expect(Math.min(...alphas)).toBeGreaterThanOrEqual(0);
    const trailing = parseSchedulerConfig({ ...stableDiffusion, ...json, timestep_spacing: 'trailing' });
    expect(() => createSampler(trailing, { steps: 5 })).toThrow(/use v_prediction/);
  });

  it('mix signal and noise for training', () => {
    const config = parseSchedulerConfig({ _class_name: 'DDIMScheduler', ...stableDiffusion });
    const [mixed] = addNoise(config, Float32Array.of(1), Float32Array.of(0), 999);
    expect((mixed ?? 0) ** 2).toBeCloseTo(0.00466, 4); // alpha-bar at the end of Stable Diffusion's schedule
  });
});

describe('roundHalfEven', () => {
  it('rounds as numpy', () => {
    expect([166.5, 499.5, 832.5, 0.49, 2.51].map(roundHalfEven)).toEqual([166, 500, 832, 0, 3]);
  });
});
