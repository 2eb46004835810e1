import { writeDataset } from '@triptych/world';
import type { PartOptions } from './data.js';

// A process of its own: rendering and encoding are synchronous, and two processes keep two cores busy.

process.once('message', async (options: PartOptions) => {
  await writeDataset(options);
  process.disconnect();
});
