import type { MemorySnapshot } from '@triptych/llm';
import { useEffect, useRef } from 'react';
import { formatPercent } from '../../lib/format.js';
import { useThemeChanges, useWidth } from '../../ui/hooks.js';
import { readPalette } from './paint-slots.js';
import { prepareCanvas } from './prepare-canvas.js';

const HEIGHT_PX = 26;

/** All slots end to end at the true scale: mostly empty, which is the point. */
export function ReservationStrip({ snapshot }: { readonly snapshot: MemorySnapshot }) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(frame);
  useThemeChanges();
  useEffect(() => {
    if (canvas.current === null || width === 0) return;
    const context = prepareCanvas(canvas.current, width, HEIGHT_PX);
    if (context === null) return;
    const palette = readPalette(canvas.current);
    const { slots, slotBytes } = snapshot;
    const slotWidth = width / Math.max(1, slots.length);
    const gap = slotWidth > 6 ? 1 : 0;
    slots.forEach((slot, index) => {
      const left = index * slotWidth;
      context.fillStyle = palette.reserved;
      context.fillRect(left, 0, slotWidth - gap, HEIGHT_PX);
      if (slot.committedBytes === 0) return;
      // At least a pixel and a half, or nothing would be seen at this scale.
      const committed = Math.max(1.5, (slot.committedBytes / slotBytes) * (slotWidth - gap));
      context.fillStyle = slot.state === 'active' ? palette.needed : palette.cached;
      context.fillRect(left, 0, committed, HEIGHT_PX);
    });
  });
  const share = snapshot.reservedBytes > 0 ? snapshot.committedBytes / snapshot.reservedBytes : 0;
  const text = `${formatPercent(share)} of the reserved addresses have memory behind them`;
  return (
    <div ref={frame} className="strip">
      <canvas ref={canvas} role="img" aria-label={text} />
      <p className="help">{text}.</p>
    </div>
  );
}
