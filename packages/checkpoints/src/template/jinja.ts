/**
 * The parts of @huggingface/jinja that we use, with types: its declarations import each other without file
 * extensions, which TypeScript does not resolve in Node's module mode.
 *
 * @module
 */
import * as jinja from '@huggingface/jinja';

/** A parsed template. */
export interface JinjaProgram {
  readonly body: readonly unknown[];
}

/** A value while a template runs. */
export interface JinjaValue {
  readonly type: string;
  readonly value: unknown;
}

/** The variables of a template. */
export interface JinjaEnvironment {
  set(name: string, value: unknown): unknown;
}

/** Walks the syntax tree; every node passes through `evaluate`. */
export interface JinjaInterpreter {
  run(program: JinjaProgram): JinjaValue;
  evaluate(node: unknown, environment: JinjaEnvironment): JinjaValue;
}

interface Library {
  readonly Template: new (source: string) => { readonly parsed: JinjaProgram };
  readonly Environment: new () => JinjaEnvironment;
  readonly Interpreter: new (environment: JinjaEnvironment) => JinjaInterpreter;
}

export const { Template, Environment, Interpreter } = jinja as unknown as Library;
