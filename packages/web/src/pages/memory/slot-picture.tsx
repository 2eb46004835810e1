import type { MemorySnapshot, SlotSnapshot } from '@triptych/llm';
import { type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';
import { formatBytes, plural } from '../../lib/format.js';
import { type ByteScale, byteScale, type ScaleKind } from '../../lib/scale.js';
import { useThemeChanges, useWidth } from '../../ui/hooks.js';
import { GUTTER_PX, paintSlots, readPalette, rowHeight } from './paint-slots.js';
import { prepareCanvas } from './prepare-canvas.js';

export interface SlotPictureProps {
  readonly snapshot: MemorySnapshot;
  readonly scaleKind: ScaleKind;
  readonly description: string;
}

/** One row per slot: what is needed, what is committed beyond it, what is only addresses. */
export function SlotPicture({ snapshot, scaleKind, description }: SlotPictureProps) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  useThemeChanges();
  const [hovered, setHovered] = useState<number>();
  const { slots, slotBytes, pageGroupBytes } = snapshot;
  const used = slots.reduce((most, slot) => Math.max(most, slot.committedBytes), 0);
  const scale = useMemo(
    () => byteScale(scaleKind, slotBytes, pageGroupBytes, used),
    [scaleKind, slotBytes, pageGroupBytes, used],
  );
  const row = rowHeight(slots.length);
  const height = slots.length * row;

  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepareCanvas(canvas.current, width, height);
    if (context !== null)
      paintSlots(context, { width, snapshot, scale, palette: readPalette(canvas.current), hovered });
  });

  const onMove = (event: PointerEvent<HTMLCanvasElement>) => {
    const index = Math.floor((event.clientY - event.currentTarget.getBoundingClientRect().top) / row);
    setHovered(index >= 0 && index < slots.length ? index : undefined);
  };
  const slot = hovered === undefined ? undefined : slots[hovered];
  return (
    <div ref={frame} className="slot-picture">
      <canvas
        ref={canvas}
        role="img"
        aria-label={description}
        onPointerMove={onMove}
        onPointerLeave={() => setHovered(undefined)}
      />
      {width > 0 && <Axis scale={scale} width={width} />}
      {slot !== undefined && hovered !== undefined && (
        <p className="slot-tip" style={{ top: `${(hovered + 1) * row + 4}px` }} aria-hidden="true">
          {describeSlot(slot)}
        </p>
      )}
    </div>
  );
}

function Axis({ scale, width }: { readonly scale: ByteScale; readonly width: number }) {
  const room = width - GUTTER_PX;
  return (
    <div className="axis" aria-hidden="true">
      {scale.ticks.map((tick, index) => (
        // A label near the right edge would stick out of the picture.
        <span
          key={tick}
          className={index > 0 && scale.place(tick) > 0.93 ? 'axis-end' : ''}
          style={{ left: `${GUTTER_PX + scale.place(tick) * room}px` }}
        >
          {formatBytes(tick)}
        </span>
      ))}
    </div>
  );
}

function describeSlot(slot: SlotSnapshot): string {
  if (slot.state === 'free' && slot.committedBytes === 0) return `Slot ${slot.slot}: free, addresses only`;
  return `Slot ${slot.slot}: ${slot.state}, ${plural(slot.tokens, 'token')}, ${formatBytes(slot.neededBytes)} needed, ${formatBytes(slot.committedBytes)} committed`;
}
