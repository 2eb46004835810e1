import { useEffect, useState } from 'react';
import type { Picture } from '../../state/edit-tree.js';
import { type PictureDifference, pictureDifference } from './picture-tools.js';

/** How `after` differs from `before`; undefined while it is measured, or without a picture before. */
export function useDifference(
  before: Picture | undefined,
  after: Picture | undefined,
): PictureDifference | undefined {
  const [found, setFound] = useState<{ readonly after: Picture; readonly difference: PictureDifference }>();
  useEffect(() => {
    if (before === undefined || after === undefined) return;
    let current = true;
    pictureDifference(before, after).then(
      (difference) => current && setFound({ after, difference }),
      // A picture that was removed meanwhile needs no number.
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [before, after]);
  return before !== undefined && found?.after === after ? found?.difference : undefined;
}
