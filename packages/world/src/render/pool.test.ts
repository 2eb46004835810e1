import { expect, test } from 'vitest';
import { sampleScene } from '../sample-scene.js';
import { RenderPool } from './pool.js';
import { render } from './render.js';

test('workers give the bytes this thread gives, and errors come back', async () => {
  const pool = new RenderPool(2);
  const scene = sampleScene(5);
  const frames = await Promise.all([pool.render(scene), pool.render(scene)]);
  for (const frame of frames) expect(frame).toEqual(render(scene));
  await expect(pool.render(scene, { width: 1 })).rejects.toThrow(/width/);
  await pool.close();
});
