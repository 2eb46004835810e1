import { type KeyboardEvent, type PointerEvent, useEffect, useId, useRef, useState } from 'react';
import type { EditController } from '../../state/edit-controller.js';
import { maskTint, movePoint, type Point, type Rectangle, stroke, wholeMask } from '../../state/edit-mask.js';
import type { Brush, PaintedMask } from '../../state/edit-state.js';
import type { Picture } from '../../state/edit-tree.js';

export interface MaskCanvasProps {
  readonly picture: Picture;
  readonly painted: PaintedMask;
  readonly brush: Brush;
  readonly edit: EditController;
}

/** Vermilion, half see-through: what is tinted may change. */
const TINT = [214, 64, 32, 140] as const;

/** The picture with the mask over it, to paint on with a mouse, a finger, a pen or the arrow keys. */
export function MaskCanvas({ picture, painted, brush, edit }: MaskCanvasProps) {
  const { mask, version } = painted;
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<Point>(undefined);
  const [cursor, setCursor] = useState<Point>(() => ({ x: mask.width / 2, y: mask.height / 2 }));
  const helpId = useId();

  const repaint = (area: Rectangle) => {
    const width = area.right - area.left;
    const height = area.bottom - area.top;
    if (width <= 0 || height <= 0) return;
    const tint = new ImageData(maskTint(mask, area, TINT), width, height);
    canvas.current?.getContext('2d')?.putImageData(tint, area.left, area.top);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the bytes change in place; the version tells
  useEffect(() => repaint(wholeMask(mask)), [mask, version]);

  const draw = (from: Point, to: Point) => repaint(stroke(mask, from, to, brush.radius, brush.mode));
  const pointOf = (event: { readonly clientX: number; readonly clientY: number }): Point => {
    const box = canvas.current!.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * mask.width,
      y: ((event.clientY - box.top) / box.height) * mask.height,
    };
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const point = pointOf(event);
    last.current = point;
    setCursor(point);
    draw(point, point);
  };
  const onPointerMove = (event: PointerEvent) => {
    const point = pointOf(event);
    setCursor(point);
    if (last.current === undefined) return;
    // A quick hand moves far between two frames; the points between make the line smooth.
    const native = event.nativeEvent;
    const between = native.getCoalescedEvents?.() ?? [];
    for (const each of between.length > 0 ? between.map(pointOf) : [point]) {
      draw(last.current, each);
      last.current = each;
    }
  };
  const onPointerEnd = () => {
    if (last.current === undefined) return;
    last.current = undefined;
    edit.maskChanged(mask);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = Math.max(1, brush.radius / 2);
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    };
    const move = moves[event.key];
    if (move !== undefined) {
      const to = movePoint(mask, cursor, move[0], move[1]);
      if (event.shiftKey) {
        draw(cursor, to);
        edit.maskChanged(mask);
      }
      setCursor(to);
    } else if (event.key === ' ' || event.key === 'Enter') {
      draw(cursor, cursor);
      edit.maskChanged(mask);
    } else if (event.key === '[' || event.key === ']') {
      const radius = event.key === ']' ? brush.radius * 1.25 + 1 : brush.radius / 1.25 - 1;
      edit.brush({ radius: Math.round(Math.min(Math.max(radius, 1), mask.width / 2)) });
    } else if (event.key.toLowerCase() === 'x') {
      edit.brush({ mode: brush.mode === 'paint' ? 'erase' : 'paint' });
    } else return;
    event.preventDefault();
  };
  return (
    <div
      className="mask"
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it is painted on with the keyboard
      tabIndex={0}
      aria-label="Mask over the picture"
      aria-describedby={helpId}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerEnd}
      onPointerCancel={onPointerEnd}
      onKeyDown={onKeyDown}
    >
      <img src={picture.url} alt="" draggable={false} />
      <canvas ref={canvas} width={mask.width} height={mask.height} />
      <i
        className="mask-cursor"
        data-mode={brush.mode}
        style={{
          left: `${(100 * cursor.x) / mask.width}%`,
          top: `${(100 * cursor.y) / mask.height}%`,
          width: `${(200 * brush.radius) / mask.width}%`,
          height: `${(200 * brush.radius) / mask.height}%`,
        }}
      />
      <p id={helpId} className="visually-hidden">
        Arrow keys move the brush, Space paints, Shift with an arrow key draws a line, the square brackets
        change the size, X changes between paint and erase.
      </p>
    </div>
  );
}
