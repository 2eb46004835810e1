import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef } from 'react';
import { formatInteger } from '../../lib/format.js';
import { Icon } from '../../ui/icon.js';

export interface InstructionBarHandle {
  focus(): void;
}

export interface InstructionBarProps {
  readonly ref: Ref<InstructionBarHandle>;
  readonly text: string;
  /** Instructions that fit the picture. */
  readonly suggestions: readonly string[];
  /** Longest instruction in characters. */
  readonly longest: number;
  readonly running: boolean;
  readonly onText: (text: string) => void;
  readonly onEdit: () => void;
  readonly onCancel: () => void;
}

/** The instruction and the button that runs it; while an edit runs the button cancels. */
export function InstructionBar(props: InstructionBarProps) {
  const { ref, text, suggestions, longest, running, onText, onEdit, onCancel } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  useImperativeHandle(ref, () => ({ focus: () => area.current?.focus() }));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);
  const tooLong = text.trim().length - longest;
  const ready = text.trim() !== '' && tooLong <= 0;
  const submit = () => {
    if (running) onCancel();
    else if (ready) onEdit();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // An Enter that ends an input method's composition belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    if (!running) submit();
  };
  const pick = (suggestion: string) => {
    onText(suggestion);
    area.current?.focus();
  };
  return (
    <>
      {suggestions.length > 0 && (
        <ul className="chips" aria-label="Suggestions">
          {suggestions.map((suggestion) => (
            <li key={suggestion}>
              <button type="button" onClick={() => pick(suggestion)}>
                {suggestion}
              </button>
            </li>
          ))}
        </ul>
      )}
      <form
        className="composer"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <textarea
          ref={area}
          rows={1}
          value={text}
          aria-label="Instruction"
          aria-invalid={tooLong > 0}
          placeholder="What should be different?"
          onChange={(event) => onText(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <button
          type="submit"
          className="button button-primary edit-button"
          title={running ? 'Cancel (Esc)' : 'Edit (Enter)'}
          disabled={!running && !ready}
        >
          {running && <Icon name="stop" />}
          {running ? 'Cancel' : 'Edit'}
        </button>
      </form>
      {tooLong > 0 && (
        <p className="problem" role="alert">
          {formatInteger(tooLong)} characters too long: at most {formatInteger(longest)}.
        </p>
      )}
    </>
  );
}
