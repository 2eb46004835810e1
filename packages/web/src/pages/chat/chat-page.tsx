import type { EngineInfo } from '@triptych/llm';
import { useCallback, useEffect, useRef } from 'react';
import type { ChatController } from '../../state/chat-controller.js';
import { runningAnswer } from '../../state/conversation.js';
import { useEscape, useFollow, useStore } from '../../ui/hooks.js';
import { Icon } from '../../ui/icon.js';
import { RunAnnouncement, RunStatus } from '../../ui/run-status.js';
import { SHEET_TOGGLE_ID } from '../../ui/sheet.js';
import { Composer, type ComposerHandle } from './composer.js';
import { EmptyChat } from './empty-chat.js';
import { TurnView } from './turn-view.js';

export interface ChatPageProps {
  readonly info: EngineInfo;
  readonly chat: ChatController;
  readonly sheetOpen: boolean;
  readonly onToggleSheet: () => void;
  readonly onOpenSettings: () => void;
}

/** A conversation with the model. The state lives in the controller, so another page does not end an answer. */
export function ChatPage({ info, chat, sheetOpen, onToggleSheet, onOpenSettings }: ChatPageProps) {
  const conversation = useStore(chat.store);
  const scroller = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const composer = useRef<ComposerHandle>(null);
  const { following, jump } = useFollow(scroller, content);
  const running = runningAnswer(conversation);
  const last = conversation.turns.at(-1);
  const lastRun = last?.role === 'assistant' ? last.run : undefined;

  const stop = useCallback(() => {
    chat.stop();
    composer.current?.focus();
  }, [chat]);
  useEscape(running !== undefined, stop);
  useEffect(() => {
    // On a touch screen the focus would raise the keyboard over half the page.
    if (matchMedia('(hover: hover)').matches) composer.current?.focus();
  }, []);

  const send = (text: string) => {
    void chat.send(text);
    jump();
  };
  // These two buttons vanish when they are pressed, so the focus needs a new place.
  const regenerate = () => {
    void chat.regenerate();
    jumpToLatest();
  };
  const jumpToLatest = () => {
    jump();
    composer.current?.focus();
  };
  const startOver = () => {
    chat.clear();
    composer.current?.focus();
  };
  return (
    <section className="panel chat" aria-label="Chat">
      <div className="panel-head">
        <h1>{info.name}</h1>
        <div className="panel-tools">
          <button
            type="button"
            className="button"
            onClick={startOver}
            disabled={conversation.turns.length === 0}
          >
            <Icon name="plus" />
            <span className="wide-only">New conversation</span>
            <span className="narrow-only">New</span>
          </button>
          <button
            id={SHEET_TOGGLE_ID}
            type="button"
            className="button"
            aria-expanded={sheetOpen}
            onClick={onToggleSheet}
          >
            <Icon name="sliders" />
            Sampling
          </button>
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section ref={scroller} className="chat-scroll" aria-label="Conversation" tabIndex={0}>
        <div ref={content} className="chat-content">
          {conversation.turns.length === 0 ? (
            <EmptyChat info={info} onPick={(text) => composer.current?.fill(text)} />
          ) : (
            conversation.turns.map((turn) => (
              <TurnView
                key={turn.id}
                turn={turn}
                latest={turn === last}
                onRegenerate={regenerate}
                onOpenSettings={onOpenSettings}
              />
            ))
          )}
        </div>
      </section>
      <div className="chat-foot">
        {!following && (
          <button type="button" className="button jump" onClick={jumpToLatest}>
            <Icon name="down" />
            Jump to latest
          </button>
        )}
        <Composer ref={composer} running={running !== undefined} onSend={send} onStop={stop} />
        <p className="chat-hint">
          {running !== undefined ? (
            <RunStatus run={running.run} />
          ) : (
            <span className="keys">
              <kbd>Enter</kbd> sends <kbd>Shift</kbd>+<kbd>Enter</kbd> new line <kbd>Esc</kbd> stops
            </span>
          )}
        </p>
      </div>
      <RunAnnouncement run={lastRun} />
    </section>
  );
}
