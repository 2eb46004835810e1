/**
 * @module
 * Draws the rows of slots. Canvas instead of elements: a server may have hundreds of slots and the picture
 * changes several times a second.
 */

import type { MemorySnapshot, SlotSnapshot } from '@triptych/llm';
import type { ByteScale } from '../../lib/scale.js';

/** Room for the slot numbers at the left. */
export const GUTTER_PX = 30;

export interface Palette {
  readonly needed: string;
  readonly ahead: string;
  readonly cached: string;
  readonly reserved: string;
  readonly hover: string;
  readonly label: string;
  readonly font: string;
}

/** The colours are the style sheet's, so the theme has one source. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  return {
    needed: color('--memory-needed'),
    ahead: color('--memory-ahead'),
    cached: color('--memory-cached'),
    reserved: color('--memory-reserved'),
    hover: color('--memory-hover'),
    label: color('--memory-label'),
    font: `11px ${style.fontFamily}`,
  };
}

/** Rows get thinner as slots get more, so the picture stays within a screen or two. */
export function rowHeight(slots: number): number {
  if (slots <= 16) return 22;
  if (slots <= 32) return 16;
  if (slots <= 64) return 10;
  return slots <= 256 ? 4 : 2;
}

export interface SlotScene {
  readonly width: number;
  readonly snapshot: MemorySnapshot;
  readonly scale: ByteScale;
  readonly palette: Palette;
  readonly hovered: number | undefined;
}

export function paintSlots(context: CanvasRenderingContext2D, scene: SlotScene): void {
  const { snapshot, palette, hovered } = scene;
  const row = rowHeight(snapshot.slots.length);
  const everyLabel = Math.max(1, 2 ** Math.ceil(Math.log2(14 / row)));
  context.font = palette.font;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  snapshot.slots.forEach((slot, index) => {
    const top = index * row;
    if (index === hovered) {
      context.fillStyle = palette.hover;
      context.fillRect(0, top, scene.width, row);
    }
    if (index % everyLabel === 0) {
      context.fillStyle = palette.label;
      context.fillText(String(slot.slot), GUTTER_PX - 8, Math.max(7, top + row / 2 + 0.5));
    }
    paintSlot(context, scene, slot, top + (row > 4 ? 2 : 0), row > 4 ? row - 4 : Math.max(1, row - 1));
  });
}

function paintSlot(
  context: CanvasRenderingContext2D,
  { width, snapshot, scale, palette }: SlotScene,
  slot: SlotSnapshot,
  top: number,
  height: number,
): void {
  const room = width - GUTTER_PX;
  const bar = (fromBytes: number, toBytes: number, color: string) => {
    const from = GUTTER_PX + scale.place(fromBytes) * room;
    // Whatever is committed must be seen, however small it is.
    const to = Math.max(from + 1.5, GUTTER_PX + scale.place(toBytes) * room);
    context.fillStyle = color;
    context.fillRect(from, top, to - from, height);
  };
  bar(0, snapshot.slotBytes, palette.reserved);
  if (slot.state === 'active') {
    if (slot.committedBytes > slot.neededBytes) bar(slot.neededBytes, slot.committedBytes, palette.ahead);
    if (slot.neededBytes > 0) bar(0, slot.neededBytes, palette.needed);
  } else if (slot.committedBytes > 0) bar(0, slot.committedBytes, palette.cached);
  cutPages(context, scale, slot.committedBytes, snapshot.pageGroupBytes, room, top, height);
}

/** Fine gaps between page groups, where they are wide enough to be seen as pages. */
function cutPages(
  context: CanvasRenderingContext2D,
  scale: ByteScale,
  committedBytes: number,
  pageGroupBytes: number,
  room: number,
  top: number,
  height: number,
): void {
  if (scale.kind === 'log' || (pageGroupBytes / scale.endBytes) * room < 5) return;
  for (let bytes = pageGroupBytes; bytes < committedBytes; bytes += pageGroupBytes) {
    context.clearRect(GUTTER_PX + scale.place(bytes) * room - 0.5, top, 1, height);
  }
}
