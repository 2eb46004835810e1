/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

type Part = string | number | Html | undefined | readonly Part[];

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(part: Part): string {
  if (part === undefined) return '';
  if (Array.isArray(part)) return (part as readonly Part[]).map(textOf).join('');
  if (typeof part === 'object') return (part as Html).html;
  return String(part).replace(/[&<>"']/g, (c) => escapes[c]!);
}

/** Builds HTML; whatever is put in is escaped unless it was made by this function. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: strings.reduce((text, string, i) => text + textOf(parts[i - 1]) + string) };
}

/** Marks trusted text, such as our own style sheet, as HTML. */
export function trusted(text: string): Html {
  return { html: text };
}
