import { useId } from 'react';
import { formatPercent } from '../../lib/format.js';
import type { EditController } from '../../state/edit-controller.js';
import { type BrushMode, fillMask, invertMask } from '../../state/edit-mask.js';
import type { EditState } from '../../state/edit-state.js';
import { Icon, type IconName } from '../../ui/icon.js';

const MODES: readonly { readonly mode: BrushMode; readonly label: string; readonly icon: IconName }[] = [
  { mode: 'paint', label: 'Paint', icon: 'brush' },
  { mode: 'erase', label: 'Erase', icon: 'eraser' },
];

/** The brush, and what is done to the mask as a whole. */
export function MaskTools({ state, edit }: { readonly state: EditState; readonly edit: EditController }) {
  const { mask: painted, brush, feather } = state;
  if (painted === undefined) return null;
  const { mask, coverage } = painted;
  const side = Math.min(mask.width, mask.height);
  const whole = (change: () => void) => () => {
    change();
    edit.maskChanged(mask);
  };
  return (
    <div className="mask-tools">
      <fieldset className="segments">
        <legend className="visually-hidden">Brush</legend>
        {MODES.map(({ mode, label, icon }) => (
          <label key={mode}>
            <input
              type="radio"
              name="brush-mode"
              checked={brush.mode === mode}
              onChange={() => edit.brush({ mode })}
            />
            <span>
              <Icon name={icon} /> {label}
            </span>
          </label>
        ))}
      </fieldset>
      <RangeField
        label="Size"
        value={brush.radius}
        min={1}
        max={Math.max(2, Math.round(side / 2))}
        onChange={(radius) => edit.brush({ radius })}
      />
      <RangeField
        label="Soft edge"
        value={feather}
        min={0}
        max={Math.max(2, Math.round(side / 8))}
        onChange={(pixels) => edit.feather(pixels)}
      />
      <div className="mask-buttons">
        <button type="button" className="button" onClick={whole(() => fillMask(mask, 'paint'))}>
          Select all
        </button>
        <button type="button" className="button" onClick={whole(() => fillMask(mask, 'erase'))}>
          Clear
        </button>
        <button type="button" className="button" onClick={whole(() => invertMask(mask))}>
          <Icon name="invert" />
          Invert
        </button>
        <button type="button" className="button button-primary" onClick={() => edit.setMasking(false)}>
          <Icon name="check" />
          Done
        </button>
      </div>
      <p className="help" role="status">
        {coverage === 0
          ? 'Paint over what may change. Nothing painted: the whole picture may.'
          : `${formatPercent(coverage)} of the picture may change; the rest stays exactly as it is.`}
      </p>
    </div>
  );
}

interface RangeFieldProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly onChange: (value: number) => void;
}

function RangeField({ label, value, min, max, onChange }: RangeFieldProps) {
  const id = useId();
  return (
    <div className="range-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={1}
        value={Math.min(value, max)}
        aria-valuetext={`${value} pixels`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
    </div>
  );
}
