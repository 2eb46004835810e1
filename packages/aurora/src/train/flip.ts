/** Words that a mirror exchanges. */
const MIRRORED: Readonly<Record<string, string>> = {
  left: 'right',
  right: 'left',
  leftmost: 'rightmost',
  rightmost: 'leftmost',
  leftward: 'rightward',
  rightward: 'leftward',
  leftwards: 'rightwards',
  rightwards: 'leftwards',
  clockwise: 'counterclockwise',
  counterclockwise: 'clockwise',
  anticlockwise: 'clockwise',
};

/** The instruction that does to the mirrored picture what this one does to the picture. */
export function mirrorInstruction(instruction: string): string {
  return instruction.replace(/[a-z]+/gi, (word) => MIRRORED[word.toLowerCase()] ?? word);
}

/** An RGB picture of bytes, mirrored left to right. */
export function mirrorPicture(rgb: Uint8Array, width: number): Uint8Array {
  const mirrored = new Uint8Array(rgb.length);
  const pixels = rgb.length / 3;
  for (let from = 0; from < pixels; from++) {
    const to = from - 2 * (from % width) + width - 1;
    mirrored.set(rgb.subarray(3 * from, 3 * from + 3), 3 * to);
  }
  return mirrored;
}
