import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import type { ImageModel } from '../../api/images.js';
import { plural } from '../../lib/format.js';
import { MOST_CELLS, parseValues, spreadValues } from '../../state/edit-run.js';
import { type EditSettings, LARGEST_SEED, resolveSettings } from '../../state/edit-settings.js';
import { type EditNode, nodeTitle } from '../../state/edit-tree.js';
import { Icon } from '../../ui/icon.js';
import { NumberField } from '../../ui/number-field.js';

export interface VariationsDialogProps {
  readonly kind: 'grid' | 'seeds';
  readonly model: ImageModel;
  readonly settings: EditSettings;
  readonly instruction: string;
  /** The picture they are made from. */
  readonly source: EditNode | undefined;
  readonly onGrid: (textGuidance: readonly number[], imageGuidance: readonly number[]) => void;
  readonly onSeeds: (count: number, first: number) => void;
  readonly onClose: () => void;
}

/** Sets up a sheet of pictures: which knobs, or how many seeds. Mounted only while it is open. */
export function VariationsDialog(props: VariationsDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    // Kept here because closing by unmounting would leave the focus nowhere.
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  const { kind, instruction, source, onClose } = props;
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={titleId} onClose={onClose}>
      <div className="dialog-head">
        <h2 id={titleId}>{kind === 'grid' ? 'Guidance grid' : 'Seeds side by side'}</h2>
        <button type="button" className="icon-button" onClick={onClose} aria-label="Close">
          <Icon name="close" />
        </button>
      </div>
      <div className="variations-of">
        {source !== undefined && <img src={source.picture.url} alt={nodeTitle(source)} />}
        <p>{instruction}</p>
      </div>
      {kind === 'grid' ? <GridForm {...props} /> : <SeedsForm {...props} />}
    </dialog>
  );
}

function GridForm({ model, settings, onGrid, onClose }: VariationsDialogProps) {
  const { limits } = model;
  const resolved = resolveSettings(settings, model);
  const [text, setText] = useState(() =>
    spreadValues(resolved.textGuidance, [0.6, 1, 1.6, 2.5], limits.textGuidance).join(', '),
  );
  const [image, setImage] = useState(() =>
    spreadValues(resolved.imageGuidance, [0.85, 1, 1.25], limits.imageGuidance).join(', '),
  );
  const textValues = parseValues(text, limits.textGuidance);
  const imageValues = parseValues(image, limits.imageGuidance);
  const count = (textValues?.length ?? 0) * (imageValues?.length ?? 0);
  const start = (event: FormEvent) => {
    event.preventDefault();
    if (textValues === undefined || imageValues === undefined || count > MOST_CELLS) return;
    onGrid(textValues, imageValues);
    onClose();
  };
  return (
    <form onSubmit={start}>
      <ValuesField
        label="Follow the instruction"
        text={text}
        range={limits.textGuidance}
        valid={textValues !== undefined}
        onText={setText}
      />
      <ValuesField
        label="Keep the picture"
        text={image}
        range={limits.imageGuidance}
        valid={imageValues !== undefined}
        onText={setImage}
      />
      <p className="help">Every combination is tried, one after another, with the same seed.</p>
      <Foot count={count} />
    </form>
  );
}

interface ValuesFieldProps {
  readonly label: string;
  readonly text: string;
  readonly range: readonly [number, number];
  readonly valid: boolean;
  readonly onText: (text: string) => void;
}

function ValuesField({ label, text, range, valid, onText }: ValuesFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        inputMode="decimal"
        value={text}
        aria-invalid={!valid}
        aria-describedby={`${id}-help`}
        onChange={(event) => onText(event.target.value)}
      />
      <p id={`${id}-help`} className="help">
        Values from {range[0]} to {range[1]}, with commas between them.
      </p>
    </div>
  );
}

function SeedsForm({ settings, onSeeds, onClose }: VariationsDialogProps) {
  const [count, setCount] = useState(6);
  const [first, setFirst] = useState(settings.seed);
  const start = (event: FormEvent) => {
    event.preventDefault();
    onSeeds(count, first);
    onClose();
  };
  return (
    <form onSubmit={start}>
      <NumberField
        label="How many"
        value={count}
        min={2}
        max={MOST_CELLS}
        step={1}
        slider
        onChange={(value) => value !== undefined && setCount(value)}
      />
      <NumberField
        label="First seed"
        help="The others follow it, one by one."
        value={first}
        min={0}
        max={LARGEST_SEED}
        step={1}
        onChange={(value) => value !== undefined && setFirst(value)}
      />
      <Foot count={count} />
    </form>
  );
}

function Foot({ count }: { readonly count: number }) {
  const tooMany = count > MOST_CELLS;
  return (
    <div className="dialog-foot">
      {tooMany && <p className="problem">At most {MOST_CELLS} pictures.</p>}
      <button type="submit" className="button button-primary" disabled={count === 0 || tooMany}>
        Make {plural(count, 'picture')}
      </button>
    </div>
  );
}
