import { type EditSettings, LARGEST_SEED, nextSeed, randomSeed } from '../../state/edit-settings.js';
import { Icon } from '../../ui/icon.js';
import { NumberField } from '../../ui/number-field.js';

export interface SeedFieldProps {
  readonly settings: EditSettings;
  readonly onChange: (part: Partial<EditSettings>) => void;
}

/** The seed: typed, drawn, counted up, or locked. What is typed or counted is meant, so it locks. */
export function SeedField({ settings, onChange }: SeedFieldProps) {
  const { seed, seedLocked } = settings;
  return (
    <fieldset className="seed-field">
      <legend className="visually-hidden">Seed</legend>
      <NumberField
        label="Seed"
        value={seed}
        min={0}
        max={LARGEST_SEED}
        step={1}
        onChange={(value) => value !== undefined && onChange({ seed: value, seedLocked: true })}
      />
      <div className="seed-tools">
        <button
          type="button"
          className="icon-button"
          aria-label="Draw a seed"
          title="Draw a seed"
          onClick={() => onChange({ seed: randomSeed() })}
        >
          <Icon name="dice" />
        </button>
        <button
          type="button"
          className="icon-button"
          title="The next seed"
          onClick={() => onChange({ seed: nextSeed(seed), seedLocked: true })}
        >
          <span>
            <span className="visually-hidden">Seed </span>+1
          </span>
        </button>
        <button
          type="button"
          className="icon-button"
          aria-pressed={seedLocked}
          aria-label="Lock the seed"
          title="Lock the seed"
          onClick={() => onChange({ seedLocked: !seedLocked })}
        >
          <Icon name={seedLocked ? 'lock' : 'unlock'} />
        </button>
      </div>
      <p className="help">
        {seedLocked ? 'Locked: the same settings give the same picture.' : 'Every edit draws another seed.'}
      </p>
    </fieldset>
  );
}
