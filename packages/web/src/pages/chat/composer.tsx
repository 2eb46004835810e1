import { type KeyboardEvent, type Ref, useImperativeHandle, useLayoutEffect, useRef, useState } from 'react';
import { Icon } from '../../ui/icon.js';

export interface ComposerHandle {
  focus(): void;
  fill(text: string): void;
}

export interface ComposerProps {
  readonly ref: Ref<ComposerHandle>;
  readonly running: boolean;
  readonly onSend: (text: string) => void;
  readonly onStop: () => void;
}

/** The box to write in. While an answer runs one may go on typing, but the button stops. */
export function Composer({ ref, running, onSend, onStop }: ComposerProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState('');
  useImperativeHandle(ref, () => ({
    focus: () => area.current?.focus(),
    fill: (value) => {
      setText(value);
      area.current?.focus();
    },
  }));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const send = () => {
    if (running || text.trim() === '') return;
    onSend(text.trim());
    setText('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // An Enter that ends an input method's composition belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        if (running) onStop();
        else send();
      }}
    >
      <textarea
        ref={area}
        rows={1}
        value={text}
        aria-label="Message"
        placeholder="Write a message"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <button
        type="submit"
        className="send"
        aria-label={running ? 'Stop' : 'Send'}
        title={running ? 'Stop (Esc)' : 'Send (Enter)'}
        disabled={!running && text.trim() === ''}
      >
        <Icon name={running ? 'stop' : 'send'} />
      </button>
    </form>
  );
}
