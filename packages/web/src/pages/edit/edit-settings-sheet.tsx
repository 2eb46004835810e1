import { useId } from 'react';
import { type ImageModel, OUTPUT_FORMATS } from '../../api/images.js';
import {
  DEFAULT_EDIT_SETTINGS,
  type EditSettings,
  nudgeGuidance,
  resolveSettings,
} from '../../state/edit-settings.js';
import { Icon } from '../../ui/icon.js';
import { NumberField } from '../../ui/number-field.js';
import { Sheet } from '../../ui/sheet.js';
import { SeedField } from './seed-field.js';

export interface EditSettingsSheetProps {
  readonly models: readonly ImageModel[];
  readonly model: ImageModel;
  readonly settings: EditSettings;
  readonly onChange: (part: Partial<EditSettings>) => void;
  readonly takeFocus: boolean;
  readonly onClose: () => void;
}

const FORMAT_LABELS = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' } as const;

/** How edits are run, in plain words. */
export function EditSettingsSheet(props: EditSettingsSheetProps) {
  const { models, model, settings, onChange, takeFocus, onClose } = props;
  const { limits } = model;
  const resolved = resolveSettings(settings, model);
  return (
    <Sheet label="Settings" takeFocus={takeFocus} onClose={onClose}>
      {models.length > 1 && (
        <SelectField
          label="Model"
          value={model.id}
          options={models.map(({ id }) => id)}
          help={model.description}
          onChange={(id) => onChange({ model: id })}
        />
      )}
      <NumberField
        label="Follow the instruction"
        help="More does more of what you say."
        value={resolved.textGuidance}
        min={limits.textGuidance[0]}
        max={limits.textGuidance[1]}
        step={0.05}
        slider
        sliderMax={Math.max(8, model.defaults.textGuidance * 2)}
        onChange={(textGuidance) => onChange({ textGuidance })}
      />
      <NumberField
        label="Keep the picture"
        help="More leaves the rest alone, and changes less."
        value={resolved.imageGuidance}
        min={limits.imageGuidance[0]}
        max={limits.imageGuidance[1]}
        step={0.05}
        slider
        sliderMax={Math.max(2.5, model.defaults.imageGuidance * 1.5)}
        onChange={(imageGuidance) => onChange({ imageGuidance })}
      />
      <fieldset className="advice">
        <legend>Not what you wanted?</legend>
        <div>
          <button
            type="button"
            className="button"
            onClick={() => onChange(nudgeGuidance(settings, model, 1))}
          >
            Changed too little
          </button>
          <button
            type="button"
            className="button"
            onClick={() => onChange(nudgeGuidance(settings, model, -1))}
          >
            Changed too much
          </button>
        </div>
        <p className="help">
          Too little: follow the instruction more, keep the picture less. Too much: the reverse. The buttons
          do both, then edit again. If that does not help, try another seed or other words.
        </p>
      </fieldset>
      <SeedField settings={settings} onChange={onChange} />
      <NumberField
        label="Steps"
        help="More takes longer and can be cleaner."
        value={resolved.steps}
        min={limits.steps[0]}
        max={limits.steps[1]}
        step={1}
        slider
        onChange={(steps) => onChange({ steps })}
      />
      <SelectField
        label="Sampler"
        value={resolved.sampler}
        options={model.samplers}
        help="The way from noise to the picture."
        onChange={(sampler) => onChange({ sampler })}
      />
      <label className="field">
        <span>What it should not be</span>
        <textarea
          rows={2}
          value={settings.negative}
          placeholder="blurry, two cubes"
          onChange={(event) => onChange({ negative: event.target.value })}
        />
      </label>
      <fieldset className="field">
        <legend>Save as</legend>
        <div className="segments">
          {OUTPUT_FORMATS.map((format) => (
            <label key={format}>
              <input
                type="radio"
                name="output-format"
                checked={settings.outputFormat === format}
                onChange={() => onChange({ outputFormat: format })}
              />
              <span>{FORMAT_LABELS[format]}</span>
            </label>
          ))}
        </div>
        <p className="help">
          {settings.outputFormat === 'png'
            ? 'Loses nothing, and carries its settings: drop it here to have them again.'
            : 'Smaller, but every further edit loses a little.'}
        </p>
      </fieldset>
      <button
        type="button"
        className="button"
        onClick={() =>
          onChange({ ...DEFAULT_EDIT_SETTINGS, seed: settings.seed, seedLocked: settings.seedLocked })
        }
      >
        <Icon name="undo" />
        Back to the defaults
      </button>
    </Sheet>
  );
}

interface SelectFieldProps {
  readonly label: string;
  readonly value: string;
  readonly options: readonly string[];
  readonly help: string;
  readonly onChange: (value: string) => void;
}

function SelectField({ label, value, options, help, onChange }: SelectFieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={`${id}-help`}
        onChange={(event) => onChange(event.target.value)}
      >
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
      <p id={`${id}-help`} className="help">
        {help}
      </p>
    </div>
  );
}
