/**
 * @module
 * The messages of a conversation and what one can do with them.
 */
import type { ChatMessage } from '@triptych/llm';

export class Conversation {
  #system: string;
  #turns: ChatMessage[] = [];

  constructor(system = '') {
    this.#system = system;
  }

  get messages(): readonly ChatMessage[] {
    if (this.#system === '') return this.#turns;
    return [{ role: 'system', content: this.#system }, ...this.#turns];
  }

  ask(content: string): void {
    this.#turns.push({ role: 'user', content });
  }

  /** An empty answer leaves no trace, and neither does its question. */
  answered(content: string): void {
    if (content === '') this.#turns.pop();
    else this.#turns.push({ role: 'assistant', content });
  }

  /** Takes the last answer back so that the question is open again; false when there is none. */
  retry(): boolean {
    if (this.#turns.at(-1)?.role !== 'assistant') return false;
    this.#turns.pop();
    return true;
  }

  clear(): void {
    this.#turns = [];
  }

  system(content: string): void {
    this.#system = content;
    this.clear();
  }
}
