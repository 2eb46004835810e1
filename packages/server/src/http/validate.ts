/**
 * @module
 * Turns schema failures into errors that name the field, what it may be, and nothing of its content.
 */
import type { z } from '@hono/zod-openapi';
import { type ApiError, invalidField } from '../errors.js';

/**
 * `body` as the schema's output. Throws `ApiError` 400 naming the first field that is wrong; when that one is not
 * supported yet, all such fields, so that a client need not find them one request at a time.
 */
export function validate<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw toFieldError(result.error.issues);
}

type Issue = z.core.$ZodIssue;

function toFieldError(issues: readonly Issue[]): ApiError {
  const issue = mostSpecific(issues[0]);
  if (issue === undefined) return invalidField(undefined, 'The request is not valid.');
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const param = joinPath([...path, issue.keys[0] ?? '']);
    return invalidField(param, `'${param}' is not a field this server knows.`, 'unknown_parameter');
  }
  const code = codeOf(issue);
  if (code === unsupported) return notSupported(issue, issues);
  const param = path.length === 0 ? undefined : joinPath(path);
  const subject = param === undefined ? 'The request body' : `'${param}'`;
  return invalidField(param, `${subject}: ${issue.message}.`, code);
}

const unsupported = 'unsupported_parameter';
/** A long conversation can hold thousands; nobody reads more names than these. */
const mostNamed = 20;

/** `first` says what to send instead when it is alone. */
function notSupported(first: Issue, issues: readonly Issue[]): ApiError {
  const all = issues
    .flatMap((issue) => mostSpecific(issue) ?? [])
    .filter((issue) => codeOf(issue) === unsupported);
  const names = all.slice(0, mostNamed).map((issue) => `'${joinPath(issue.path)}'`);
  if (all.length > mostNamed) names.push(`${all.length - mostNamed} more`);
  const message =
    all.length === 1
      ? `${names[0]} ${first.message}.`
      : `${names.slice(0, -1).join(', ')} and ${names.at(-1)} are not supported yet; leave them out.`;
  return invalidField(joinPath(first.path), message, unsupported);
}

/** A union fails with one list per alternative: the one that got furthest is the one that was meant. */
function mostSpecific(issue: Issue | undefined): Issue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  let best: Issue | undefined;
  for (const [first] of issue.errors) {
    if (first === undefined || first.path.length === 0) continue;
    if (best === undefined || first.path.length > best.path.length) best = first;
  }
  if (best === undefined) return issue;
  return mostSpecific({ ...best, path: [...issue.path, ...best.path] });
}

function codeOf(issue: Issue): string {
  if (issue.code === 'custom' && typeof issue.params?.code === 'string') return issue.params.code;
  if (issue.code === 'invalid_type') return 'invalid_type';
  return 'invalid_value';
}

/** `['messages', 0, 'content']` -> `messages[0].content`; long names (a client's own) are cut. */
function joinPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
