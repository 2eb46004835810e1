import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { Icon } from '../../ui/icon.js';

export interface CompareSliderProps {
  /** Addresses of the two pictures; they lie exactly over each other. */
  readonly before: string;
  readonly after: string;
  /** What the picture after is, in words. */
  readonly description: string;
}

const STEP_PERCENT = 2;
const LEAP_PERCENT = 10;

/** Before and after in one place: the line between them follows the pointer or the arrow keys. */
export function CompareSlider({ before, after, description }: CompareSliderProps) {
  const frame = useRef<HTMLDivElement>(null);
  const handle = useRef<HTMLDivElement>(null);
  const [percent, setPercent] = useState(50);
  const set = (value: number) => setPercent(Math.min(100, Math.max(0, value)));
  const follow = (event: PointerEvent) => {
    const box = frame.current?.getBoundingClientRect();
    if (box !== undefined) set(((event.clientX - box.left) / box.width) * 100);
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    handle.current?.focus({ preventScroll: true });
    follow(event);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.shiftKey ? LEAP_PERCENT : STEP_PERCENT;
    const target = {
      ArrowLeft: percent - step,
      ArrowDown: percent - step,
      ArrowRight: percent + step,
      ArrowUp: percent + step,
      PageDown: percent - LEAP_PERCENT,
      PageUp: percent + LEAP_PERCENT,
      Home: 0,
      End: 100,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    set(target);
  };
  return (
    <div
      ref={frame}
      className="compare"
      onPointerDown={onPointerDown}
      onPointerMove={(event) => event.currentTarget.hasPointerCapture(event.pointerId) && follow(event)}
    >
      <img src={after} alt={`After: ${description}`} draggable={false} />
      <img
        src={before}
        alt="Before"
        draggable={false}
        style={{ clipPath: `inset(0 ${100 - percent}% 0 0)` }}
      />
      <span className="tag tag-before" aria-hidden="true" hidden={percent < 12}>
        Before
      </span>
      <span className="tag tag-after" aria-hidden="true" hidden={percent > 88}>
        After
      </span>
      <div
        ref={handle}
        className="compare-handle"
        role="slider"
        tabIndex={0}
        aria-label="Before and after"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(percent)}
        aria-valuetext={`${Math.round(percent)} % before, ${100 - Math.round(percent)} % after`}
        style={{ left: `${percent}%` }}
        onKeyDown={onKeyDown}
      >
        <i>
          <Icon name="handle" />
        </i>
      </div>
    </div>
  );
}
