/**
 * @module
 * Turns the errors of a rating study or review into answers. They are known by their field `problem`, not by class:
 * the packages that throw them are above the server.
 */
import { ApiError, invalidField } from '../errors.js';

/** Status by problem; anything else about the request is 400, about files 500. */
const statuses: Readonly<Record<string, number>> = {
  'bad-name': 400,
  'bad-score': 400,
  'bad-text': 400,
  'name-taken': 409,
  'not-current': 409,
  'nothing-to-undo': 409,
  'unknown-person': 404,
  'unknown-item': 404,
  'bad-image': 500,
};

/** Runs a call of a source; its errors become `ApiError`s whose code is the problem with `_` for `-`. */
export async function asking<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw toPeopleError(error) ?? error;
  }
}

function toPeopleError(error: unknown): ApiError | undefined {
  if (!(error instanceof Error) || !('problem' in error) || typeof error.problem !== 'string')
    return undefined;
  const status = statuses[error.problem];
  if (status === undefined) return undefined;
  const field = 'field' in error && typeof error.field === 'string' ? error.field : undefined;
  const code = error.problem.replaceAll('-', '_');
  if (status === 400) return invalidField(field, `${error.message}.`, code);
  return new ApiError(`${error.message}.`, {
    status,
    type: status === 500 ? 'server_error' : 'invalid_request_error',
    code,
    param: field,
    cause: error,
  });
}
