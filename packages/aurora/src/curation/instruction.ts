/**
 * Captions as edit instructions. Labels of Something-Something v2 describe what a clip shows ("Covering a bottle with
 * a cloth"); AURORA uses them as instructions after dropping the kinds whose first and last frame show no edit.
 *
 * @module
 */

/** Labels with any of these are dropped, whatever their case (Krojer et al. 2024, appendix E). */
export const droppedWords = [
  'pretend',
  'holding',
  'fail',
  'roll',
  'then letting it',
  'until it falls down',
  'spin',
  'nothing happens',
  'show',
  'falling like',
  'squeezing',
  'throwing',
  'slightly',
] as const;

/**
 * Why a label gives no edit, or undefined when it does: the first of {@link droppedWords} in it, or `falls off`
 * without a `but`. Given the label's template ("Putting [something] next to [something]"), that is searched instead,
 * so that a thing called "toilet roll" drops nothing.
 */
export function droppedBy(label: string, template?: string): string | undefined {
  const text = (template ?? label).toLowerCase();
  const word = droppedWords.find((dropped) => text.includes(dropped));
  if (word !== undefined) return word;
  return text.includes('falls off') && !/\bbut\b/.test(text) ? 'falls off' : undefined;
}

/** Verbs whose -ing form hides a final e, without it. */
const withE = new Set(
  (
    'activat arrang assembl bak bit bounc brak carv chang circl clos collid com combin compos creat danc decorat ' +
    'deflat dissolv divid driv enclos exchang expos giv glu grat handl hid ignit illuminat inflat invit juggl lac ' +
    'leav liv lov mak measur merg mov operat past pav pierc pil plac pok prepar produc prun rais reduc releas remov ' +
    'replac rescu rid rotat scor scrap scribbl separat serv settl shak shap shav shin slic slid smil sprinkl squeez ' +
    'stapl stor strok swip tackl tak tast tickl tim toggl tumbl tun typ untangl us vibrat wav whittl wip wir wriggl ' +
    'wrinkl writ'
  ).split(' '),
);
/** Consonants that stand double before -ing without standing double in the verb. */
const doubled = /([bdgkmnprt])\1$/;
/** Verbs that keep a double consonant of those. */
const keepsDouble = new Set(['add', 'purr', 'err', 'egg']);
/** Words in -ing that are no verbs, or not of this kind. */
const noVerb = new Set([
  'something',
  'nothing',
  'anything',
  'everything',
  'string',
  'ring',
  'spring',
  'king',
  'being',
]);

/** The imperative of an -ing form: `covering` gives `cover`; undefined for words that are none. */
export function imperativeOf(word: string): string | undefined {
  const lower = word.toLowerCase();
  if (!/^[a-z]{2,}ing$/.test(lower) || noVerb.has(lower)) return undefined;
  const stem = lower.slice(0, -3);
  if (!/[aeiouy]/.test(stem)) return undefined; // thing, bring, sing
  if (stem === 'ly') return 'lie';
  if (stem === 'ty') return 'tie';
  if (withE.has(stem)) return `${stem}e`;
  if (doubled.test(stem) && !keepsDouble.has(stem)) return stem.slice(0, -1);
  return stem;
}

/** True when a text reads like a label of an action: one of its first three words is the -ing form of a verb. */
export function isLabel(text: string): boolean {
  return text
    .split(/\s+/)
    .slice(0, 3)
    .some((word) => imperativeOf(word.replace(/[^A-Za-z]/g, '')) !== undefined);
}

/**
 * A caption as an instruction: brackets of templates and outer space go; when the first word is the -ing form of a
 * verb it becomes an imperative, and so do others joined by "and" or "then". Anything else stays as it is: AURORA has
 * imperatives and descriptions of the result side by side.
 */
export function instructionOf(caption: string): string {
  const text = caption.replace(/[[\]]/g, '').replace(/\s+/g, ' ').trim();
  const [first = '', ...rest] = text.split(' ');
  const verb = imperativeOf(first);
  if (verb === undefined) return text;
  const words = rest.map((word, i) => {
    const joins = i > 0 && /^(and|then)$/i.test(rest[i - 1]!);
    return (joins ? imperativeOf(word) : undefined) ?? word;
  });
  return [verb[0]!.toUpperCase() + verb.slice(1), ...words].join(' ');
}
