import type { EngineInfo } from '@triptych/llm';
import { formatInteger } from '../../lib/format.js';

const OPENINGS = [
  'Explain virtual memory to a ten-year-old.',
  'Three names for a small bookshop by the sea, each with a reason.',
  'Write a function that reverses the words of a sentence.',
  'What should I check before I buy a used bicycle?',
];

/** What one sees before the first message. */
export function EmptyChat({
  info,
  onPick,
}: {
  readonly info: EngineInfo;
  readonly onPick: (text: string) => void;
}) {
  return (
    <div className="empty">
      <h2>Ask something.</h2>
      <p>
        {info.name} remembers up to {formatInteger(info.contextLength)} tokens of the conversation. What you
        write goes to the server in the address bar and nowhere else; this browser keeps it until you start a
        new conversation.
      </p>
      <ul className="openings" aria-label="Suggestions">
        {OPENINGS.map((opening) => (
          <li key={opening}>
            <button type="button" onClick={() => onPick(opening)}>
              {opening}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
