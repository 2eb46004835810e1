/** Texts for the pictures, written by hand. */

export const CONTIGUOUS = `It is easier than it sounds, because **addresses and memory are two things**.

When a conversation starts, it gets one long range of *addresses*, enough for the whole context. That costs nothing. Memory arrives a page at a time, just before a token is written to it:

\`\`\`ts
const slot = memory.acquire(prompt.length);
lengths[slot] = prompt.length;
memory.step(lengths); // every token below its length is now backed
\`\`\`

To the attention kernel the keys of a conversation are one straight line:

- no block table to look up for every token,
- the same kernel that runs over a plain buffer,
- and when the conversation ends, the pages go back to the system.`;

export const REPLIES: readonly (readonly [string, string])[] = [
  ['contiguous', CONTIGUOUS],
  [
    'bicycle',
    `Three things decide whether it is a good buy:

1. **The frame.** Look for cracks at the joints and for paint that has been renewed in one place only.
2. **The drive.** Lift the chain from the front ring. If it comes away by more than half a tooth, plan for a new chain and perhaps a new cassette.
3. **The wheels.** Spin them and watch the rim against the brake: a wobble of a few millimetres can be trued, a dent cannot.

Then ride it for ten minutes, downhill too. What you hear there is what you will pay for.`,
  ],
  [
    'bookshop',
    `- **The Tide Table**: what a harbour town reads every morning, and a table to read at.
- **Salt & Spine**: for the air, and for what holds a book together.
- **Low Water Books**: the hour when there is time to walk, and to read.`,
  ],
  [
    'reverse',
    `Split at the spaces, turn the list around, join it again:

\`\`\`ts
function reverseWords(sentence: string): string {
  return sentence.split(' ').reverse().join(' ');
}
\`\`\`

With \`split(/\\s+/)\` it also copes with tabs and double spaces, but then the original spacing is lost.`,
  ],
  [
    'clockmaker',
    ` lived above the market square, and who was known in three towns for a clock that had never once been wound. People came on Saturdays to look at it. They stood before the window with their baskets, and compared it with the tower, and it was the tower that was late.

"It goes by itself," he would say, when they asked him; and since he said no more, they supposed that he was either very honest or very proud.`,
  ],
];
