import { useEffect, useId, useState } from 'react';

export interface NumberFieldProps {
  readonly label: string;
  readonly help: string;
  readonly value: number | undefined;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Without a slider the field may be empty; this is what empty means. */
  readonly placeholder?: string;
  readonly slider?: boolean;
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
  onChange,
}: NumberFieldProps) {
  const id = useId();
  const shown = value === undefined ? '' : String(value);
  const [draft, setDraft] = useState(shown);
  // The value may change elsewhere (slider, reset); a draft that means the same number is left as typed.
  useEffect(() => setDraft((old) => (old !== '' && Number(old) === value ? old : shown)), [shown, value]);

  const valid = isValid(draft, min, max, step, !slider);
  const type = (text: string) => {
    setDraft(text);
    if (isValid(text, min, max, step, !slider)) onChange(text === '' ? undefined : Number(text));
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
        value={draft}
        placeholder={placeholder}
        aria-describedby={`${id}-help`}
        aria-invalid={!valid}
        onChange={(event) => type(event.target.value)}
        onBlur={() => setDraft(shown)}
      />
      {slider && (
        <input
          type="range"
          min={min}
          max={max}
          step={step}
          value={value ?? min}
          aria-label={`${label}, slider`}
          onChange={(event) => onChange(Number(event.target.value))}
        />
      )}
      <p id={`${id}-help`} className="help">
        {valid ? help : `From ${min} to ${max}${step === 1 ? ', a whole number' : ''}.`}
      </p>
    </div>
  );
}

function isValid(text: string, min: number, max: number, step: number, mayBeEmpty: boolean): boolean {
  if (text === '') return mayBeEmpty;
  const number = Number(text);
  return number >= min && number <= max && (step < 1 || Number.isInteger(number));
}
