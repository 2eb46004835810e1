/** Draws pairs of every kind of edit into docs/world.png: `node packages/world/scripts/contact-sheet.mjs`. */
import path from 'node:path';
import { writeImage } from '@triptych/media';
import { editKinds, makePair } from '@triptych/world';

const size = 128;
const columns = 4;
const rows = Math.ceil(editKinds.length / columns);
const width = columns * (2 * size + 6);
const height = rows * (size + 6);
const data = new Uint8Array(width * height * 3).fill(255);
for (const [k, kind] of editKinds.entries()) {
  let pair;
  for (let seed = 40 * k + 23; !pair; seed++)
    pair = await makePair(seed, { kinds: [kind], size, scene: { count: 4 } });
  console.log(`${kind}: ${pair.edit.instruction}`);
  const x = (k % columns) * (2 * size + 6);
  const y = Math.floor(k / columns) * (size + 6);
  for (const [i, frame] of [pair.first, pair.last].entries())
    for (let line = 0; line < size; line++)
      data.set(
        frame.data.subarray(3 * size * line, 3 * size * (line + 1)),
        3 * ((y + line) * width + x + i * size),
      );
}
await writeImage(path.resolve(import.meta.dirname, '../../../docs/world.png'), {
  width,
  height,
  channels: 3,
  data,
});
