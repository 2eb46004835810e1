import { useId, useState } from 'react';
import {
  DEFAULT_SAMPLING,
  formatStopStrings,
  parseStopStrings,
  type SamplingSettings,
} from '../../state/settings.js';
import { Icon } from '../../ui/icon.js';
import { NumberField } from '../../ui/number-field.js';
import { Sheet } from '../../ui/sheet.js';

export interface SamplingSheetProps {
  readonly sampling: SamplingSettings;
  readonly onSampling: (sampling: SamplingSettings) => void;
  /** Undefined where a system prompt means nothing: in a continuation. */
  readonly systemPrompt?: string;
  readonly onSystemPrompt?: (text: string) => void;
  /** Moves the focus into the sheet: it was opened by the user, not by the page. */
  readonly takeFocus: boolean;
  readonly onClose: () => void;
}

export function SamplingSheet(props: SamplingSheetProps) {
  return (
    <Sheet label="Sampling" takeFocus={props.takeFocus} onClose={props.onClose}>
      <SheetBody {...props} />
    </Sheet>
  );
}

function SheetBody(props: SamplingSheetProps) {
  const { sampling, onSampling, systemPrompt, onSystemPrompt } = props;
  const id = useId();
  const set = (change: Partial<SamplingSettings>) => onSampling({ ...sampling, ...change });
  return (
    <>
      {onSystemPrompt !== undefined && (
        <label className="field">
          <span>System prompt</span>
          <textarea
            rows={3}
            value={systemPrompt ?? ''}
            placeholder="How the model should behave"
            onChange={(event) => onSystemPrompt(event.target.value)}
          />
        </label>
      )}
      <NumberField
        label="Temperature"
        help="0 is greedy; more is bolder."
        value={sampling.temperature}
        min={0}
        max={2}
        step={0.05}
        slider
        onChange={(temperature) => set({ temperature: temperature ?? DEFAULT_SAMPLING.temperature })}
      />
      <NumberField
        label="Top-p"
        help="The likeliest tokens up to this share."
        value={sampling.topP}
        min={0}
        max={1}
        step={0.01}
        slider
        onChange={(topP) => set({ topP: topP ?? DEFAULT_SAMPLING.topP })}
      />
      <NumberField
        label="Top-k"
        help="The likeliest this many; 0 keeps all."
        value={sampling.topK}
        min={0}
        max={200}
        step={1}
        slider
        onChange={(topK) => set({ topK: topK ?? DEFAULT_SAMPLING.topK })}
      />
      <NumberField
        label="Min-p"
        help="Drops what is far below the likeliest."
        value={sampling.minP}
        min={0}
        max={1}
        step={0.01}
        slider
        onChange={(minP) => set({ minP: minP ?? DEFAULT_SAMPLING.minP })}
      />
      <NumberField
        label="Repetition penalty"
        help="1 is off; more avoids recent tokens."
        value={sampling.repetitionPenalty}
        min={1}
        max={2}
        step={0.01}
        slider
        onChange={(penalty) => set({ repetitionPenalty: penalty ?? DEFAULT_SAMPLING.repetitionPenalty })}
      />
      <div className="field-pair">
        <NumberField
          label="Max tokens"
          help="Empty: until the context is full."
          value={sampling.maxTokens}
          min={1}
          max={1_000_000}
          step={1}
          placeholder="no limit"
          onChange={(maxTokens) => set({ maxTokens })}
        />
        <NumberField
          label="Seed"
          help="Same seed, same text."
          value={sampling.seed}
          min={0}
          max={Number.MAX_SAFE_INTEGER}
          step={1}
          placeholder="random"
          onChange={(seed) => set({ seed })}
        />
      </div>
      <StopField id={`${id}-stop`} stop={sampling.stop} onStop={(stop) => set({ stop })} />
      <button type="button" className="button" onClick={() => onSampling(DEFAULT_SAMPLING)}>
        <Icon name="undo" />
        Back to the defaults
      </button>
    </>
  );
}

interface StopFieldProps {
  readonly id: string;
  readonly stop: readonly string[];
  readonly onStop: (stop: readonly string[]) => void;
}

/** Keeps what is typed as a draft: writing an escape goes through states that would be rewritten. */
function StopField({ id, stop, onStop }: StopFieldProps) {
  const [draft, setDraft] = useState(() => formatStopStrings(stop));
  const formatted = formatStopStrings(stop);
  const text = formatStopStrings(parseStopStrings(draft)) === formatted ? draft : formatted;
  return (
    <div className="field">
      <label htmlFor={id}>Stop strings</label>
      <textarea
        id={id}
        rows={2}
        value={text}
        spellCheck={false}
        placeholder={'one per line'}
        aria-describedby={`${id}-help`}
        onChange={(event) => {
          setDraft(event.target.value);
          onStop(parseStopStrings(event.target.value));
        }}
      />
      <p id={`${id}-help`} className="help">
        The text ends before any of them. Write \n for a line break.
      </p>
    </div>
  );
}
