import path from 'node:path';
import { encodeImage, type Raster, writeFileAtomically } from '@triptych/media';

/** A picture of one colour with a darker square. */
export function picture(side: number, [r, g, b]: readonly [number, number, number], square = 0): Raster {
  const data = new Uint8Array(side * side * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const dim = x >= square && x < square + side / 4 && y < side / 4 ? 0.4 : 1;
      data.set([r * dim, g * dim, b * dim], 3 * (y * side + x));
    }
  return { width: side, height: side, channels: 3, data };
}

/** Writes a little folder in AURORA-Bench's layout with its oddities: lists, `image` for `input`, empty `pos`. */
export async function writeAuroraLayout(root: string): Promise<void> {
  const json = (file: string, value: unknown) =>
    writeFileAtomically(path.join(root, file), JSON.stringify(value));
  const image = async (file: string, raster: Raster) =>
    writeFileAtomically(path.join(root, file), await encodeImage(raster));
  await image('data/magicbrush/images/0-input.png', picture(96, [200, 120, 90]));
  await image('data/magicbrush/images/0-output.png', picture(96, [200, 120, 90], 40));
  await image('data/emu/images/7.png', picture(80, [90, 120, 200]));
  await image('data/whatsup/images/bowl_under_table.png', picture(64, [90, 160, 90]));
  await image('data/ag/images/a_left.png', picture(64, [90, 60, 90], 30));
  await json('test.json', [
    {
      input: 'data/magicbrush/images/0-input.png',
      output: 'data/magicbrush/images/0-output.png',
      instruction: ['move the square', 'another wording'],
      task: 'magicbrush',
    },
    { input: '7.png', instruction: 'make it <b>night</b>', task: 'emu', type: 'style' },
  ]);
  await json('disc_edit_data/ag/valid.json', [
    { input: 'images/a_left.png', pos: 'keep her standing', prompt: 'make her sit down' },
    { input: 'images/a_left.png', pos: '', prompt: 'no question' },
  ]);
  await json('disc_edit_data/whatsup/itm_test.json', [
    {
      image: 'bowl_under_table.png',
      pos: 'move the bowl under the table',
      neg: 'move the bowl on the table',
    },
  ]);
}
