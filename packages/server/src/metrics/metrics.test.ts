import { describe, expect, it } from 'vitest';
import { createApp } from '../app.js';
import { Models } from '../models.js';
import { FakeEngine, type FakeEngineOptions } from '../testing/index.js';
import { ServerMetrics } from './metrics.js';
import { counters, gatewayAliases, gauges, histograms, requestSuccess } from './names.js';

/** `name{labels}` -> value of a scrape. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

function setUp(options: FakeEngineOptions = {}) {
  const engine = new FakeEngine(options);
  const app = createApp({ engines: [engine] });
  const scrape = async () => parse(await (await app.request('/metrics')).text());
  const generate = (body: object) =>
    app.request('/v1/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a b', ...body }),
    });
  return { engine, app, scrape, generate };
}

const label = 'model_name="fake"';

describe('/metrics', () => {
  it('exports exactly the names in names.ts, each with help and the model label', async () => {
    const { app, generate } = setUp();
    await generate({ max_tokens: 2 });
    const text = await (await app.request('/metrics')).text();
    const exported = [...text.matchAll(/^# HELP (\S+) /gm)].map((match) => match[1]);
    const groups = [gauges, gatewayAliases, counters, histograms, { requestSuccess }];
    const named = groups.flatMap((group) => Object.values(group).map((info) => info.name));
    expect(exported.sort()).toEqual(named.sort());
    for (const key of parse(text).keys()) expect(key).toContain(label);
  });

  it('counts tokens and finished requests', async () => {
    const { generate, scrape } = setUp({ naturalEnd: 4 });
    await generate({ max_tokens: 3 });
    await generate({ max_tokens: 9 });
    const metrics = await scrape();
    expect(metrics.get(`triptych:prompt_tokens_total{${label}}`)).toBe(4);
    expect(metrics.get(`triptych:generation_tokens_total{${label}}`)).toBe(7);
    expect(metrics.get(`triptych:request_success_total{${label},finished_reason="length"}`)).toBe(1);
    expect(metrics.get(`triptych:request_success_total{${label},finished_reason="stop"}`)).toBe(1);
    expect(metrics.get(`triptych:time_to_first_token_seconds_count{${label}}`)).toBe(2);
    expect(metrics.get(`triptych:inter_token_latency_seconds_count{${label}}`)).toBe(5);
    expect(metrics.get(`triptych:e2e_request_latency_seconds_count{${label}}`)).toBe(2);
    expect(metrics.get(`triptych:request_queue_time_seconds_count{${label}}`)).toBe(2);
    expect(metrics.get(`triptych:request_generation_tokens_sum{${label}}`)).toBe(7);
    // A second scrape shows the same totals, not their sum.
    expect((await scrape()).get(`triptych:prompt_tokens_total{${label}}`)).toBe(4);
  });

  it('shows running requests, waiting ones and KV memory, also to gateways', async () => {
    const { engine, generate, scrape } = setUp();
    const signal = new AbortController();
    const held = engine.generate({ prompt: 'a b c d', maxTokens: 5 }, { signal: signal.signal });
    await held.next();
    const metrics = await scrape();
    expect(metrics.get(`triptych:num_requests_running{${label}}`)).toBe(1);
    expect(metrics.get(`vllm:num_requests_running{${label}}`)).toBe(1);
    expect(metrics.get(`triptych:num_requests_waiting{${label}}`)).toBe(0);
    expect(metrics.get(`triptych:kv_needed_bytes{${label}}`)).toBe(4096);
    expect(metrics.get(`triptych:kv_active_slots{${label}}`)).toBe(1);
    const usage = metrics.get(`triptych:kv_cache_usage_perc{${label}}`);
    expect(usage).toBeCloseTo(4 / (4 * 2048), 10);
    expect(metrics.get(`vllm:kv_cache_usage_perc{${label}}`)).toBe(usage);
    await held.return(undefined);
    await generate({ max_tokens: 1 });
    expect((await scrape()).get(`triptych:kv_active_slots{${label}}`)).toBe(0);
  });
});

it('measures on the clock it is given', async () => {
  let nowMs = 0;
  const metrics = new ServerMetrics(new Models([]), () => nowMs);
  const observer = metrics.observe('m');
  nowMs = 100;
  observer.admitted(7);
  nowMs = 300;
  observer.tokens(1);
  nowMs = 500;
  observer.tokens(2);
  nowMs = 600;
  observer.ended();
  const values = parse(await metrics.registry.metrics());
  const sum = (name: string) => values.get(`triptych:${name}_sum{model_name="m"}`);
  expect(sum('request_queue_time_seconds')).toBeCloseTo(0.1);
  expect(sum('time_to_first_token_seconds')).toBeCloseTo(0.3);
  expect(sum('inter_token_latency_seconds')).toBeCloseTo(0.2);
  expect(sum('e2e_request_latency_seconds')).toBeCloseTo(0.6);
  expect(sum('request_prompt_tokens')).toBe(7);
  expect(sum('request_generation_tokens')).toBe(3);
});
