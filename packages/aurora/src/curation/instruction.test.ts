import fc from 'fast-check';
import { expect, test } from 'vitest';
import { droppedBy, droppedWords, imperativeOf, instructionOf, isLabel } from './instruction.js';

test('labels with a dropped word fall, whatever their case; template words count, not those of things', () => {
  for (const word of droppedWords)
    for (const text of [word, word.toUpperCase(), word[0]!.toUpperCase() + word.slice(1)])
      expect(droppedBy(`${text} a bottle`), text).toBeDefined();
  expect(droppedBy('Pretending to pour water out of cup')).toBe('pretend');
  expect(droppedBy('Holding pen next to book')).toBe('holding');
  expect(droppedBy('Putting a toilet roll onto table')).toBe('roll');
  expect(
    droppedBy('Putting a toilet roll onto table', 'Putting [something] onto [something]'),
  ).toBeUndefined();
  expect(droppedBy('Pushing glass so that it falls off the table')).toBe('falls off');
  expect(droppedBy('Pushing glass so that it almost FALLS OFF but does not')).toBeUndefined();
  expect(droppedBy('Covering a water bottle with a cloth')).toBeUndefined();
});

test('labels become imperatives, other captions stay', () => {
  const examples = {
    'Covering a water bottle with a cloth': 'Cover a water bottle with a cloth',
    'Putting [a pen] into [a cup]': 'Put a pen into a cup',
    'Picking a book up and moving it  closer': 'Pick a book up and move it closer',
    'Taking one of many coins out of box': 'Take one of many coins out of box',
    'Tearing paper into two pieces': 'Tear paper into two pieces',
    'Rolling it up': 'Roll it up',
    'Digging key out of sand': 'Dig key out of sand',
    'Squeezing and wiping it': 'Squeeze and wipe it',
    'Lying down': 'Lie down',
    ' push the red ball into the cube ': 'push the red ball into the cube',
    'The woman has placed the shoe on her foot.': 'The woman has placed the shoe on her foot.',
    'something colliding with something': 'something colliding with something',
    'String of beads': 'String of beads',
  };
  for (const [label, instruction] of Object.entries(examples)) expect(instructionOf(label)).toBe(instruction);
  expect(isLabel('Covering a bottle')).toBe(true);
  expect(isLabel('push the ring onto the peg')).toBe(false);
});

test('no text breaks it, and what was turned stays', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const once = instructionOf(text);
      expect(instructionOf(once).length).toBeLessThanOrEqual(once.length + 1);
      droppedBy(text);
      imperativeOf(text);
    }),
  );
});
