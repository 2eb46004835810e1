/**
 * @module
 * Server-sent events from chunks of text, as in the WHATWG HTML standard, section 9.2.6. `EventSource` cannot
 * send a POST or an Authorization header, so the page reads its streams with fetch and this parser.
 */

/** One dispatched event: `event` is "message" unless the server named it. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/** Feed it decoded text in any pieces; every call returns the events those pieces completed. */
export class SseParser {
  #line = '';
  #data: string[] = [];
  #event = '';
  #started = false;
  /** The last chunk ended in CR: an LF at the start of the next one belongs to the same line end. */
  #skipLineFeed = false;

  push(chunk: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let from = 0;
    if (chunk.length > 0 && !this.#started) {
      this.#started = true;
      if (chunk.charCodeAt(0) === 0xfeff) from = 1;
    }
    if (this.#skipLineFeed && from < chunk.length) {
      if (chunk[from] === '\n') from++;
      this.#skipLineFeed = false;
    }
    for (let at = from; at < chunk.length; at++) {
      const character = chunk[at];
      if (character !== '\n' && character !== '\r') continue;
      this.#endLine(this.#line + chunk.slice(from, at), events);
      this.#line = '';
      if (character === '\r') {
        if (at + 1 === chunk.length) this.#skipLineFeed = true;
        else if (chunk[at + 1] === '\n') at++;
      }
      from = at + 1;
    }
    this.#line += chunk.slice(from);
    return events;
  }

  #endLine(line: string, events: ServerEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0)
        events.push({ event: this.#event || 'message', data: this.#data.join('\n') });
      this.#data = [];
      this.#event = '';
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, which servers send to keep a connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
  }
}

/** The events of a response body. An unfinished event at the end is dropped, as the standard says. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Leaving the loop early must close the connection, or the server would go on generating.
    await reader.cancel().catch(() => undefined);
  }
}
