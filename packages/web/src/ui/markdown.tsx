import { memo, type ReactNode } from 'react';
import { type Block, type Inline, parseMarkdown } from '../lib/markdown.js';
import { CopyButton } from './copy-button.js';

/** A model's text with its Markdown shown. Memoised: in a long conversation only the last answer changes. */
export const Markdown = memo(function Markdown({ source }: { readonly source: string }) {
  return <div className="prose">{keyed(parseMarkdown(source), renderBlock)}</div>;
});

/** The tree only grows at its end while text arrives, so positions are stable keys. */
function keyed<T>(items: readonly T[], render: (item: T, key: number) => ReactNode): ReactNode[] {
  return items.map((item, index) => render(item, index));
}

function renderBlock(block: Block, key: number): ReactNode {
  switch (block.type) {
    case 'paragraph':
      return <p key={key}>{keyed(block.children, renderInline)}</p>;
    case 'heading':
      // The page itself uses h1 and h2.
      return block.level <= 2 ? (
        <h3 key={key}>{keyed(block.children, renderInline)}</h3>
      ) : (
        <h4 key={key}>{keyed(block.children, renderInline)}</h4>
      );
    case 'quote':
      return <blockquote key={key}>{keyed(block.children, renderInline)}</blockquote>;
    case 'rule':
      return <hr key={key} />;
    case 'list': {
      const items = keyed(block.items, (item, index) => <li key={index}>{keyed(item, renderInline)}</li>);
      return block.start === undefined ? (
        <ul key={key}>{items}</ul>
      ) : (
        <ol key={key} start={block.start}>
          {items}
        </ol>
      );
    }
    case 'code':
      return (
        <figure key={key} className="code-block">
          <figcaption>
            <span>{block.language || 'text'}</span>
            <CopyButton text={block.text} label="Copy code" />
          </figcaption>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls sideways must be reachable by keyboard */}
          <pre tabIndex={0}>
            <code>{block.text}</code>
          </pre>
        </figure>
      );
  }
}

function renderInline(inline: Inline, key: number): ReactNode {
  switch (inline.type) {
    case 'text':
      return inline.text;
    case 'code':
      return <code key={key}>{inline.text}</code>;
    case 'strong':
      return <strong key={key}>{keyed(inline.children, renderInline)}</strong>;
    case 'emphasis':
      return <em key={key}>{keyed(inline.children, renderInline)}</em>;
    case 'link':
      return (
        <a key={key} href={inline.href} target="_blank" rel="noopener noreferrer">
          {keyed(inline.children, renderInline)}
        </a>
      );
  }
}
