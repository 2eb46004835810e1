import { render, type Scene } from '@triptych/world';
import type { Size } from './camera.js';
import { toWorkImage, type WorkImage } from './work-image.js';

/** How a scene looks to the read-back. */
export interface View {
  readonly scene: Scene;
  readonly image: WorkImage;
  /** 0 for the background, else index in `scene.objects` plus 1. */
  readonly mask: Uint8Array; // [height, width]
}

/** Renders scenes at one size and keeps the last ones. */
export class Views {
  readonly size: Size;
  readonly #kept = new Map<Scene, View>();

  constructor(size: Size) {
    this.size = size;
  }

  of(scene: Scene): View {
    const view = this.#kept.get(scene) ?? this.once(scene);
    this.#kept.set(scene, view);
    return view;
  }

  /** Like `of`, for scenes that will not be asked for again. */
  once(scene: Scene): View {
    const frame = render(scene, this.size);
    return { scene, image: toWorkImage(frame), mask: frame.mask };
  }
}

/** Pixels where an object is seen, as indices. */
export function pixelsOf({ scene, mask }: View, id: number): number[] {
  const value = scene.objects.findIndex((o) => o.id === id) + 1;
  const pixels: number[] = [];
  if (value > 0) for (let i = 0; i < mask.length; i++) if (mask[i] === value) pixels.push(i);
  return pixels;
}
