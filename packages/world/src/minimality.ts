import { type Edit, isUnambiguous } from './edit.js';
import { type Checks, diameters, measure, moving } from './measures.js';
import type { Frame } from './render/render.js';
import { sizes } from './scene.js';

/** The seven checks of a pair, by what they reject. */
export type Rejection =
  | 'camera'
  | 'bystander'
  | 'changed-pixels'
  | 'hidden'
  | 'too-small-a-change'
  | 'ambiguous'
  | 'out-of-frame';

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const isGlobal = ({ kind }: Edit): boolean => kind === 'floor' || kind === 'light' || kind === 'night';
const isViewpoint = ({ kind }: Edit): boolean => kind === 'viewpoint';

/** The checks that states alone decide; run before anything is rendered. */
export function cheapRejections(edit: Edit): Rejection[] {
  const { before, after, targets, kind } = edit;
  const found: Rejection[] = [];
  if (
    // Of a viewpoint the camera must change, and only that.
    isSame(before.camera, after.camera) === isViewpoint(edit) ||
    (!isGlobal(edit) && !isSame([before.light, before.floor], [after.light, after.floor]))
  )
    found.push('camera');
  const bystanders = before.objects.filter((o) => !targets.includes(o.id));
  const props = kind === 'undermine' ? [] : before.props;
  if (
    !isSame(props, after.props) ||
    bystanders.some(
      (o) =>
        !isSame(
          o,
          after.objects.find(({ id }) => id === o.id),
        ),
    )
  )
    found.push('bystander');
  const u = after.objects.find((o) => o.id === targets[0]);
  // What is pushed may stop at what it hits.
  const least = kind === 'push' ? 0.5 : 1;
  if (moving.includes(kind) && (diameters(edit) ?? least) < least) found.push('too-small-a-change');
  if (kind === 'resize' && sizes.large / sizes.small < 1.35) found.push('too-small-a-change');
  // A toppled thing's axis must end closer to level than to upright.
  if (kind === 'knock' && u && Math.abs(1 - 2 * (u.rotation[0] ** 2 + u.rotation[2] ** 2)) > 0.6)
    found.push('too-small-a-change');
  if (!isUnambiguous(edit)) found.push('ambiguous');
  if (after.objects.some(({ position: [x, , z] }) => Math.abs(x) > 2.4 || z < -2.4 || z > 2.1))
    found.push('out-of-frame');
  return found;
}

/** Every reason to reject a pair: empty when the change is just what the instruction says and can be seen. */
export function rejections(
  edit: Edit,
  first: Frame,
  last: Frame,
  checks: Checks = measure(edit, first, last),
): Rejection[] {
  const { changedPixels, bystanderOverlap: overlap = 1, visible = 1 } = checks;
  const found = cheapRejections(edit);
  const isWhole = isGlobal(edit) || isViewpoint(edit);
  if (changedPixels < 0.005 || (!isWhole && changedPixels > 0.45)) found.push('changed-pixels');
  if (visible < 0.25) found.push('hidden');
  if (!found.includes('bystander') && overlap < 0.98) found.push('bystander');
  return found;
}
