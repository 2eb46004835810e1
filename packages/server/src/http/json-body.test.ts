import { describe, expect, it } from 'vitest';
import { appWith, chatPath, errorOf, hello, post } from '../testing/requests.js';

describe('bodies', () => {
  it('checks type, size, encoding and syntax', async () => {
    const { app } = appWith({}, { limits: { maxBodyBytes: 1000 } });
    const cases: [Promise<Response> | Response, number, string][] = [
      [post(app, chatPath, hello, { 'content-type': 'text/plain' }), 415, 'unsupported_media_type'],
      [post(app, chatPath, hello, { 'content-encoding': 'gzip' }), 415, 'unsupported_media_type'],
      [
        post(app, chatPath, hello, { 'content-type': 'application/json; charset=latin1' }),
        415,
        'unsupported_media_type',
      ],
      [post(app, chatPath, 'x'.repeat(1001)), 413, 'body_too_large'],
      [post(app, chatPath, '{"a":'), 400, 'invalid_json'],
      [post(app, chatPath, ''), 400, 'empty_body'],
      [post(app, chatPath, new Uint8Array([0x7b, 0xff, 0x7d])), 400, 'invalid_utf8'],
    ];
    for (const [response, status, code] of cases) {
      expect(await errorOf(await response)).toMatchObject({ status, code });
    }
    expect(
      (await post(app, chatPath, hello, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status,
    ).toBe(200);
  });

  it('counts bodies that announce no length', async () => {
    const { app } = appWith({}, { limits: { maxBodyBytes: 1000 } });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 100;
        controller.enqueue(new Uint8Array(100).fill(32));
      },
    });
    const request = new Request(`http://localhost${chatPath}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit);
    expect(await errorOf(await app.request(request))).toMatchObject({ status: 413, code: 'body_too_large' });
    expect(sent).toBeLessThan(2000);
  });
});
