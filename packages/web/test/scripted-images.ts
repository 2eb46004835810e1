/**
 * @module
 * An image source for tests and pictures: no network, but true scenes of the toy world and true edits of them. What
 * an instruction does to a scene is looked up, the guidance knobs decide how much of it arrives.
 */

import { createHash } from 'node:crypto';
import { decodeImage, encodeImage, type Raster } from '@triptych/media';
import {
  type ImageEditEvent,
  type ImageEditRequest,
  ImageError,
  type ImageModelInfo,
  type ImageScene,
  type ImageSource,
} from '@triptych/server';
import { type EditKind, proposeEdit, random, render, type Scene, sampleScene } from '@triptych/world';

export interface ScriptedImagesOptions {
  readonly stepDelayMs?: number;
  /** Side of the scenes; default what is asked for. */
  readonly side?: number;
  /** An edit whose instruction holds this word fails half-way. */
  readonly failWord?: string;
}

export interface SeenImageEdit {
  readonly request: ImageEditRequest;
  aborted: boolean;
  ended: boolean;
}

interface KnownPicture {
  readonly scene: Scene;
  /** What each instruction does; the same for all pictures made from one scene. */
  readonly edits: ReadonlyMap<string, (scene: Scene) => Scene>;
}

const KINDS: readonly EditKind[] = ['recolour', 'remove', 'move', 'resize', 'reshape', 'swap'];

export const SCRIPTED_MODEL: ImageModelInfo = {
  id: 'scripted-edit',
  hash: '5c'.repeat(32),
  nativeSide: 64,
  sideMultiple: 4,
  samplers: ['ddim', 'euler', 'euler-ancestral'],
  defaults: { steps: 12, sampler: 'ddim', textGuidance: 2, imageGuidance: 1.2 },
  description: 'Looks up what an instruction does.',
};

export class ScriptedImages implements ImageSource {
  readonly seen: SeenImageEdit[] = [];
  readonly #options: ScriptedImagesOptions;
  readonly #known = new Map<string, KnownPicture>();

  constructor(options: ScriptedImagesOptions = {}) {
    this.#options = options;
  }

  get running(): number {
    return this.seen.filter((edit) => !edit.ended).length;
  }

  async models(): Promise<readonly ImageModelInfo[]> {
    return [SCRIPTED_MODEL];
  }

  async scene({ seed, size }: { readonly seed: number; readonly size: number }): Promise<ImageScene> {
    const scene = sampleScene(seed, { count: 4 });
    const bytes = await encodeImage(render(scene, { width: this.#options.side ?? size }));
    const edits = await drawEdits(scene);
    this.#known.set(keyOf(bytes), { scene, edits });
    return { bytes, seed, suggestions: [...edits.keys()] };
  }

  async edit(
    request: ImageEditRequest,
    { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: ImageEditEvent) => void },
  ): Promise<void> {
    const seen: SeenImageEdit = { request, aborted: false, ended: false };
    this.seen.push(seen);
    try {
      await this.#run(request, signal, onEvent);
    } finally {
      seen.aborted = signal.aborted;
      seen.ended = true;
    }
  }

  async recall(image: Uint8Array): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { text } = await decodeImage(image);
    return text.parameters === undefined
      ? undefined
      : (JSON.parse(text.parameters) as Readonly<Record<string, unknown>>);
  }

  async close(): Promise<void> {}

  async #run(
    request: ImageEditRequest,
    signal: AbortSignal,
    onEvent: (event: ImageEditEvent) => void,
  ): Promise<void> {
    const { stepDelayMs = 0, failWord } = this.#options;
    const { textGuidance = 2, imageGuidance = 1.2, steps = 12, seed = 1, instruction } = request;
    const before = await decodeImage(request.image);
    const known = this.#known.get(keyOf(request.image));
    const scene = known && (known.edits.get(instruction)?.(known.scene) ?? known.scene);
    const target =
      scene === undefined ? inverted(before) : render(scene, { width: before.width, height: before.height });
    // More text guidance overdoes the edit, more image guidance holds it back.
    const strength = Math.min(1.35, (textGuidance / 2) * (1.2 / imageGuidance) ** 2);
    let after = mixed(before, target, strength, 0, seed);
    if (request.mask !== undefined) {
      const mask = await decodeImage(request.mask, { channels: 'rgba' });
      after = masked(before, after, mask);
    }
    for (let step = 1; step <= steps; step++) {
      await new Promise((resolve) => setTimeout(resolve, stepDelayMs));
      signal.throwIfAborted();
      if (failWord !== undefined && instruction.includes(failWord) && step * 2 >= steps) {
        throw new ImageError('unavailable', 'The image model ran out of memory. Try a smaller picture.');
      }
      const etaSeconds = ((steps - step) * stepDelayMs) / 1000;
      onEvent({ type: 'progress', index: 0, step, steps, etaSeconds });
      const previewIndex = Math.floor((step * (request.previews + 1)) / (steps + 1)) - 1;
      const last = Math.floor(((step - 1) * (request.previews + 1)) / (steps + 1)) - 1;
      if (previewIndex > last) {
        const share = step / steps;
        const bytes = await encodeImage(mixed(before, after, share, 90 * (1 - share), seed));
        const { width, height } = after;
        onEvent({ type: 'preview', index: 0, previewIndex, step, steps, width, height, bytes });
      }
    }
    const parameters = JSON.stringify({
      instruction,
      seed,
      steps,
      textGuidance,
      imageGuidance,
      sampler: request.sampler,
      model: request.model,
    });
    const bytes = await encodeImage(after, {
      format: request.format,
      ...(request.format === 'png' ? { text: { parameters } } : {}),
    });
    if (known !== undefined && scene !== undefined)
      this.#known.set(keyOf(bytes), { scene, edits: known.edits });
    onEvent({ type: 'image', index: 0, seed, width: after.width, height: after.height, bytes });
  }
}

/** Draws instructions that fit the scene. */
async function drawEdits(scene: Scene): Promise<KnownPicture['edits']> {
  const draw = random(scene.seed, 9);
  const edits = new Map<string, (scene: Scene) => Scene>();
  for (const kind of KINDS) {
    const edit = await proposeEdit(scene, kind, draw);
    if (edit !== undefined) edits.set(edit.instruction, patch(scene, edit.after));
  }
  return edits;
}

/** The change from one scene to another, to be made in a third that has the same objects. */
function patch(before: Scene, after: Scene): (scene: Scene) => Scene {
  const changes = new Map(
    before.objects.map((old) => {
      const object = after.objects.find(({ id }) => id === old.id);
      const fields = Object.entries(object ?? {}).filter(
        ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name as keyof typeof old]),
      );
      return [old.id, object && Object.fromEntries(fields)];
    }),
  );
  return (scene) => ({
    ...scene,
    objects: scene.objects.flatMap((object) => {
      const change = changes.get(object.id);
      return changes.has(object.id) && change === undefined ? [] : [{ ...object, ...change }];
    }),
  });
}

function keyOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `share` of the way from one picture to the other, and beyond, with grain of that many levels. */
function mixed(from: Raster, to: Raster, share: number, grain: number, seed: number): Raster {
  const draw = random(seed, 3);
  const data = Uint8ClampedArray.from(from.data, (value, index) => {
    const noise = grain === 0 ? 0 : draw.between(-grain, grain);
    return value + (to.data[index]! - value) * share + noise;
  });
  return { ...from, data: new Uint8Array(data.buffer) };
}

function masked(before: Raster, after: Raster, mask: Raster): Raster {
  const data = Uint8Array.from(after.data, (value, index) =>
    mask.data[Math.floor(index / 3) * 4 + 3] === 0 ? value : before.data[index]!,
  );
  return { ...after, data };
}

function inverted(picture: Raster): Raster {
  return { ...picture, data: picture.data.map((value) => 255 - value) };
}
