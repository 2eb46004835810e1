/**
 * @module
 * Reads a multipart form: fields as text, files as bytes. Also decides which pages may send one.
 */
import { ApiError, invalidField } from '../errors.js';
import type { AppContext } from './context.js';
import { readBytes } from './json-body.js';

/** A form's values by name, in order; a file is its bytes, wherever it came from. */
export type FormFields = ReadonlyMap<string, readonly (string | Uint8Array)[]>;

/** More parts than any form here has; counted before parsing, so that a million tiny ones cost nothing. */
const maxParts = 64;

/** True when the body announces itself as a form. */
export function isForm(c: AppContext): boolean {
  return /^multipart\/form-data\s*(;|$)/i.test(c.req.header('content-type') ?? '');
}

/**
 * The fields of a multipart form. Throws `ApiError`: 413 beyond `maxBytes`, 400 for a body that is no such form, 403 for
 * a page on another site (see `refuseForeignPages`).
 */
export async function readForm(
  c: AppContext,
  maxBytes: number,
  origins: readonly string[] = [],
): Promise<FormFields> {
  refuseForeignPages(c, origins);
  const contentType = c.req.header('content-type') ?? '';
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i.exec(contentType);
  const separator = boundary?.[1] ?? boundary?.[2];
  if (separator === undefined) throw badForm("The content type has no usable 'boundary'.");
  const bytes = await readBytes(c, maxBytes);
  checkPartCount(bytes, `--${separator}`);
  let form: FormData;
  try {
    // A copy of the view: TypeScript's Response wants a buffer that is not shared.
    form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw badForm('The body is not a valid multipart form.');
  }
  const fields = new Map<string, (string | Uint8Array)[]>();
  for (const [name, value] of form.entries()) {
    const read = typeof value === 'string' ? value : new Uint8Array(await value.arrayBuffer());
    const earlier = fields.get(name);
    if (earlier === undefined) fields.set(name, [read]);
    else earlier.push(read);
  }
  return fields;
}

/**
 * Browsers send forms to other sites without asking first (no preflight), so a page on the internet could start edits
 * here. A browser names the page in `Origin` and says in `Sec-Fetch-Site` whether it is ours; programs send neither.
 */
function refuseForeignPages(c: AppContext, origins: readonly string[]): void {
  const origin = c.req.header('origin');
  if (origin !== undefined && (origins.includes('*') || origins.includes(origin))) return;
  const site = c.req.header('sec-fetch-site');
  const isForeign = site !== undefined && site !== 'same-origin' && site !== 'none';
  if (!isForeign && (origin === undefined || hostOf(origin) === c.req.header('host'))) return;
  throw new ApiError(
    'Pages of other sites may not send forms here. Start the server with --cors-origin <origin> to allow one.',
    { status: 403, type: 'permission_error', code: 'origin_not_allowed' },
  );
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function checkPartCount(bytes: Uint8Array, separator: string): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = buffer.indexOf(separator); at >= 0; at = buffer.indexOf(separator, at + separator.length)) {
    count += 1;
    if (count > maxParts + 1) throw invalidField(undefined, `The form has more than ${maxParts} parts.`);
  }
}

function badForm(message: string): ApiError {
  return new ApiError(message, { status: 400, type: 'invalid_request_error', code: 'invalid_form' });
}
