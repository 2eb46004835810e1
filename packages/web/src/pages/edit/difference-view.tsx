import { useEffect, useRef } from 'react';
import { formatPercent } from '../../lib/format.js';
import type { Picture } from '../../state/edit-tree.js';
import { useDifference } from './use-difference.js';

/** A heat map of what changed: the hotter, the more. The rest is the picture after, dimmed. */
export function DifferenceView({ before, after }: { readonly before: Picture; readonly after: Picture }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const difference = useDifference(before, after);
  useEffect(() => {
    const element = canvas.current;
    if (element === null || difference === undefined) return;
    element.width = difference.heat.width;
    element.height = difference.heat.height;
    element.getContext('2d')?.putImageData(difference.heat, 0, 0);
  }, [difference]);
  const label =
    difference === undefined
      ? 'Measuring what changed'
      : `Where the picture changed: ${formatPercent(difference.changedShare)} of its pixels`;
  return <canvas ref={canvas} className="difference" role="img" aria-label={label} />;
}
