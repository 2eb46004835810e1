/**
 * @module
 * Pictures of the made-up world to try edits on, with instructions that fit them.
 */
import type { EditKind, Random, RenderPool, Scene } from '@triptych/world';
import { loadImageModules, loadWorldModule } from './modules.js';

/** A seed may have no room for its objects; the next ones are tried. */
const maxAttempts = 50;
const maxSuggestions = 8;
/** Kinds whose text needs a draft that says what is possible; those of physics need only names. */
const drafted = [
  'recolour',
  'move',
  'remove',
  'relate',
  'resize',
  'swap',
  'rematerial',
  'floor',
] as const satisfies readonly EditKind[];

export interface SceneRequest {
  readonly seed: number;
  readonly count?: number;
  /** Side in pixels. */
  readonly size: number;
}

export interface ScenePicture {
  readonly bytes: Uint8Array;
  readonly seed: number;
  readonly suggestions: readonly string[];
}

/** Makes scenes; the renderer's thread starts with the first one. */
export class SceneMaker {
  #pool: RenderPool | undefined;

  /** @throws WorldError; the signal's reason */
  async make({ seed, count, size }: SceneRequest, signal: AbortSignal): Promise<ScenePicture> {
    const world = await loadWorldModule();
    const { media } = await loadImageModules();
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const used = (seed + attempt) % 2 ** 32;
      try {
        const scene = world.sampleScene(used, count === undefined ? {} : { count });
        this.#pool ??= new world.RenderPool(1);
        const { width, height, channels, data } = await this.#pool.render(scene, { width: size });
        return {
          bytes: await media.encodeImage({ width, height, channels, data }),
          seed: used,
          suggestions: await suggest(scene, world.random(used, 7), signal),
        };
      } catch (error) {
        const isFull = world.WorldError.isInstance(error) && error.code === 'PLACEMENT';
        if (!isFull || attempt >= maxAttempts) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool?.close();
    this.#pool = undefined;
  }
}

async function suggest(scene: Scene, r: Random, signal: AbortSignal): Promise<readonly string[]> {
  const { instructions, proposeEdit, refer } = await loadWorldModule();
  const found = new Set<string>();
  const [a, b] = r.shuffle(scene.objects).map((object) => refer(scene, object, r)?.text);
  if (a !== undefined && b !== undefined) found.add(r.pick(instructions('push', 'training', a, b)));
  for (const kind of r.shuffle([...drafted])) {
    if (found.size >= maxSuggestions) break;
    const edit = await proposeEdit(scene, kind, r, { signal });
    if (edit !== undefined) found.add(edit.instruction);
  }
  return [...found];
}
