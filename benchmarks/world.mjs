/** Rendering the small world: frames a second at 64x64 with four objects, two worker threads. */
import { RenderPool, sampleScene } from '@triptych/world';
import { measureQuietly } from './quiet.mjs';

export async function run({ row, only, quick, signal }) {
  const name = 'world/frames';
  if (only !== undefined && !name.includes(only)) return;
  const scenes = Array.from({ length: quick ? 100 : 400 }, (_, i) => sampleScene(i, { count: 4 }));
  const pool = new RenderPool(2);
  try {
    await Promise.all(scenes.slice(0, 100).map((scene) => pool.render(scene)));
    const { results, otherLoad } = await measureQuietly({ count: quick ? 1 : 3, signal }, async () => {
      const start = performance.now();
      await Promise.all(scenes.map((scene) => pool.render(scene)));
      return (1000 * scenes.length) / (performance.now() - start);
    });
    const value = results.sort((a, b) => a - b)[results.length >> 1];
    row({ name, value, unit: 'frames/s', otherLoad, limit: '64x64, four objects, two workers' });
  } finally {
    await pool.close();
  }
}
