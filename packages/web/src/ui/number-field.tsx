import { useId, useState } from 'react';

export interface NumberFieldProps {
  readonly label: string;
  readonly help?: string;
  readonly value: number | undefined;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Without a slider the field may be empty; this is what empty means. */
  readonly placeholder?: string;
  readonly slider?: boolean;
  /** Where the slider ends, if rare values lie far beyond the usual ones. */
  readonly sliderMax?: number;
  readonly onChange: (value: number | undefined) => void;
}

/** A number to type and, where a range is useful, to slide. What is typed counts as soon as it is in range. */
export function NumberField({
  label,
  help,
  value,
  min,
  max,
  step,
  placeholder,
  slider = false,
  sliderMax = max,
  onChange,
}: NumberFieldProps) {
  const id = useId();
  const optional = !slider;
  const shown = value === undefined ? '' : String(value);
  // What is typed stays as it is while it is unfinished or means the value; else the value changed elsewhere.
  const [draft, setDraft] = useState(shown);
  const draftValid = isValid(draft, min, max, step, optional);
  const text = draftValid && toNumber(draft) !== value ? shown : draft;
  const valid = isValid(text, min, max, step, optional);
  const type = (typed: string) => {
    setDraft(typed);
    if (isValid(typed, min, max, step, optional)) onChange(toNumber(typed));
  };
  return (
    <div className="number-field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="number"
        inputMode="decimal"
        min={min}
        max={max}
        step={step}
        value={text}
        placeholder={placeholder}
        aria-describedby={help === undefined && valid ? undefined : `${id}-help`}
        aria-invalid={!valid}
        onChange={(event) => type(event.target.value)}
        onBlur={() => setDraft(shown)}
      />
      {slider && (
        <input
          type="range"
          min={min}
          max={Math.min(max, sliderMax)}
          step={step}
          value={value ?? min}
          aria-label={`${label}, slider`}
          onChange={(event) => onChange(Number(event.target.value))}
        />
      )}
      {(help !== undefined || !valid) && (
        <p id={`${id}-help`} className="help">
          {valid ? help : `From ${min} to ${max}${step === 1 ? ', a whole number' : ''}.`}
        </p>
      )}
    </div>
  );
}

function toNumber(text: string): number | undefined {
  return text === '' ? undefined : Number(text);
}

function isValid(text: string, min: number, max: number, step: number, mayBeEmpty: boolean): boolean {
  if (text === '') return mayBeEmpty;
  const number = Number(text);
  return number >= min && number <= max && (step < 1 || Number.isInteger(number));
}
