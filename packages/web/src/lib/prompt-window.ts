/**
 * @module
 * Which part of a long text is sent to be continued. A text may grow past the model's context; then only its end
 * is sent, short enough to leave half of the context for what comes.
 */

/** English text in common vocabularies has 3 to 4.5 characters per token. Replaced by a measurement when there is one. */
export const USUAL_CHARACTERS_PER_TOKEN = 3;

/**
 * The end of `text` that is likely to take up to half of the context; all of it if it fits.
 * @param charactersPerToken measured on this text, or a guess: the server has the last word
 */
export function promptWindow(text: string, contextTokens: number, charactersPerToken: number): string {
  const room = Math.floor((contextTokens / 2) * charactersPerToken);
  return text.length <= room ? text : fromWordStart(text, text.length - room);
}

/** The later half, for when the server still finds the text too long. */
export function laterHalf(text: string): string {
  return fromWordStart(text, Math.ceil(text.length / 2));
}

/** The end of `text` from `start` on; a word that is cut in two there is left out, unless nothing else is left. */
function fromWordStart(text: string, start: number): string {
  const end = text.slice(start);
  if (!/\S/.test(text.charAt(start - 1))) return end;
  const next = end.search(/\s\S/);
  return next < 0 ? end.replace(/^[\uDC00-\uDFFF]/, '') : end.slice(next + 1);
}
