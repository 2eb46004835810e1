import { PeopleError } from './errors.js';

/** Longest name of a rater or annotator, characters. */
export const maxNameCharacters = 60;

/** A name as it is kept, and the key by which two names are the same: Unicode form, case and spaces do not matter. */
export interface PersonName {
  readonly name: string;
  readonly key: string;
}

/**
 * Checks and tidies the name a person gives.
 * @throws PeopleError `bad-name`
 */
export function personName(given: string): PersonName {
  const name = given.normalize('NFC').trim().replaceAll(/\s+/gu, ' ');
  const problem =
    name === ''
      ? 'must not be empty'
      : [...name].length > maxNameCharacters
        ? `must have at most ${maxNameCharacters} characters`
        : /[\p{Cc}\p{Cf}\p{Surrogate}]/u.test(name)
          ? 'must not have control characters'
          : undefined;
  if (problem !== undefined) throw new PeopleError('bad-name', `name ${problem}`, { field: 'name' });
  return { name, key: name.normalize('NFKC').toLowerCase() };
}

/**
 * A comment or instruction, tidied: no spaces around, line ends as \n.
 * @throws PeopleError `bad-text` naming `field`
 */
export function freeText(given: string, field: string, maxCharacters: number): string {
  const text = given.normalize('NFC').replaceAll(/\r\n?/g, '\n').trim();
  if ([...text].length > maxCharacters)
    throw new PeopleError('bad-text', `${field} must have at most ${maxCharacters} characters`, { field });
  if (/(?![\t\n])[\p{Cc}\p{Surrogate}]/u.test(text))
    throw new PeopleError('bad-text', `${field} must not have control characters`, { field });
  return text;
}
