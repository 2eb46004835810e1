import { Interpreter, type JinjaEnvironment, type JinjaValue } from './jinja.js';

const maxWork = 400_000; // a long conversation takes some 100 units a message
const maxListLength = 100_000;
const maxTextLength = 64_000_000;

/** What one evaluation costs: a unit, plus a share for building or walking a long result. */
function workOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / 1024;
  return Array.isArray(value) ? 1 + value.length / 16 : 1;
}

function isTooLarge(value: unknown): boolean {
  if (typeof value === 'string') return value.length > maxTextLength;
  return Array.isArray(value) && value.length > maxListLength;
}

/**
 * Runs a template with a budget: templates come with the model file, and nested loops or doubling lists could
 * otherwise keep a server busy or eat its memory. The budget is used up in a few seconds at most.
 */
export class BoundedInterpreter extends Interpreter {
  #work = 0;

  override evaluate(node: unknown, environment: JinjaEnvironment): JinjaValue {
    const result = super.evaluate(node, environment);
    if (isTooLarge(result.value)) throw new Error('the template builds a value that is too large');
    this.#work += workOf(result.value);
    if (this.#work > maxWork) throw new Error('the template runs too long');
    return result;
  }
}

/** Jinja's `range`, refused where the list would be absurdly long. */
export function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= maxListLength)) throw new Error(`range() of ${length} items is too long`);
  return Array.from({ length }, (_, i) => start + i * step);
}
