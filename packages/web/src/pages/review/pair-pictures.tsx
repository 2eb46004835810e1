import { type ReactNode, useEffect, useRef, useState } from 'react';
import { usePageKeys } from '../../ui/hooks.js';
import { Picture } from '../../ui/picture.js';
import { paintDifference } from './paint-difference.js';

export type PairView = 'side' | 'flicker' | 'difference';

/** Ways to look at a pair, with their keys. */
export const pairViews: readonly { readonly id: PairView; readonly label: string; readonly key: string }[] = [
  { id: 'side', label: 'Side by side', key: 's' },
  { id: 'flicker', label: 'Flicker', key: 'f' },
  { id: 'difference', label: 'Difference', key: 'd' },
];

/** Far below three flashes a second, where flicker becomes dangerous. */
const FLICKER_MS = 700;

export interface PairPicturesProps {
  readonly id: string;
  /** Pixels of both. */
  readonly width: number;
  readonly height: number;
  readonly view: PairView;
  /** Both can be seen now, or it is clear that they cannot. */
  readonly onSettled: () => void;
}

/** The pictures of a candidate. */
export function PairPictures({ id, width, height, view, onSettled }: PairPicturesProps) {
  const settled = useRef(new Set<string>());
  const settle = (which: string) => {
    if (settled.current.add(which).size >= 2) onSettled();
  };
  const first = { onLoad: () => settle('before'), onFailure: () => settle('before') };
  const last = { onLoad: () => settle('after'), onFailure: () => settle('after') };
  const [before, after] = [`api/review/candidates/${id}/input`, `api/review/candidates/${id}/output`];
  if (view === 'flicker')
    return (
      <Flicker>
        <Picture src={before} label="Before" {...first} />
        <Picture src={after} label="After" {...last} />
      </Flicker>
    );
  return (
    <div className="pair">
      <Picture src={before} label="Before" {...first} />
      {view === 'side' ? (
        <Picture src={after} label="After" {...last} />
      ) : (
        <Difference before={before} after={after} width={width} height={height} onSettled={last.onLoad} />
      )}
    </div>
  );
}

/** Both in one place, in turn: whatever moves catches the eye. Space stops it and then turns by hand. */
function Flicker({ children }: { readonly children: ReactNode }) {
  const [isAfter, setAfter] = useState(false);
  const [isRunning, setRunning] = useState(() => !matchMedia('(prefers-reduced-motion: reduce)').matches);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setInterval(() => setAfter((value) => !value), FLICKER_MS);
    return () => clearInterval(timer);
  }, [isRunning]);
  const turn = () => {
    setRunning(false);
    setAfter((value) => !value);
  };
  usePageKeys(true, (key) => {
    if (key === ' ') turn();
    return key === ' ';
  });
  return (
    <div className="pair pair-single">
      <div className="flicker" data-shows={isAfter ? 'after' : 'before'}>
        {children}
      </div>
      <p className="flicker-tools">
        <button type="button" className="button" onClick={() => setRunning(!isRunning)}>
          {isRunning ? 'Stop' : 'Run'}
        </button>
        <button type="button" className="button" onClick={turn}>
          Turn <kbd className="keys">Space</kbd>
        </button>
      </p>
    </div>
  );
}

/** Where and how much the pictures differ, over a dim copy of the first. */
function Difference({
  before,
  after,
  width,
  height,
  onSettled,
}: {
  readonly before: string;
  readonly after: string;
  readonly width: number;
  readonly height: number;
  readonly onSettled: () => void;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [share, setShare] = useState<number>();
  const settle = useRef(onSettled);
  settle.current = onSettled;
  useEffect(() => {
    const abort = new AbortController();
    const load = async (src: string): Promise<HTMLImageElement> => {
      const image = new Image();
      image.src = src;
      await image.decode();
      return image;
    };
    Promise.all([load(before), load(after)]).then(
      ([first, last]) => {
        if (abort.signal.aborted || canvas.current === null) return;
        setShare(paintDifference(canvas.current, first, last));
        settle.current();
      },
      // Whether one of them is missing, the view side by side tells.
      () => settle.current(),
    );
    return () => abort.abort();
  }, [before, after]);
  const told = share === undefined ? '' : `, ${(100 * share).toFixed(1)}\u202f% of the pixels`;
  return (
    <figure className="picture">
      <figcaption>Difference{told}</figcaption>
      <canvas
        ref={canvas}
        width={width}
        height={height}
        role="img"
        aria-label={`Where the pictures differ${told}`}
      />
    </figure>
  );
}
