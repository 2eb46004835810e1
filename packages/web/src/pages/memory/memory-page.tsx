import type { MemorySnapshot } from '@triptych/llm';
import { useState } from 'react';
import { formatBytes, plural, splitBytes } from '../../lib/format.js';
import type { ScaleKind } from '../../lib/scale.js';
import { type MemoryFeed, type MemoryFigures, memoryFigures } from '../../state/memory-feed.js';
import { ErrorCard } from '../../ui/error-card.js';
import { HistoryChart } from './history-chart.js';
import { MemoryTotals } from './memory-totals.js';
import { ReservationStrip } from './reservation-strip.js';
import { SlotPicture } from './slot-picture.js';
import { SlotTable } from './slot-table.js';

export interface MemoryPageProps {
  readonly feed: MemoryFeed;
  readonly onRetry: () => void;
  readonly onOpenSettings: () => void;
}

/** The reserved address space of the KV cache, live. */
export function MemoryPage({ feed, onRetry, onOpenSettings }: MemoryPageProps) {
  const { snapshot, error, state } = feed;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section className="panel memory" aria-label="Memory" tabIndex={0}>
      <div className="memory-content">
        {error !== undefined && state !== 'live' && (
          <ErrorCard
            error={error}
            title="No live picture"
            onRetry={onRetry}
            onOpenSettings={onOpenSettings}
          />
        )}
        {snapshot !== undefined ? (
          <MemoryView feed={feed} snapshot={snapshot} />
        ) : (
          <>
            <h1 className="headline">KV memory</h1>
            {error === undefined && <p className="lede">Waiting for the first picture…</p>}
          </>
        )}
      </div>
    </section>
  );
}

function MemoryView({ feed, snapshot }: { readonly feed: MemoryFeed; readonly snapshot: MemorySnapshot }) {
  const [scale, setScale] = useState<ScaleKind>('fit');
  const figures = memoryFigures(snapshot);
  return (
    <>
      <h1 className="headline">
        <Amount bytes={snapshot.reservedBytes} /> of addresses reserved,{' '}
        <Amount bytes={snapshot.residentBytes} strong /> of memory held.
      </h1>
      <p className="lede">
        Every conversation gets one unbroken range of addresses for its keys and values, as long as the
        context allows. Addresses cost nothing. Memory comes in pages of{' '}
        {formatBytes(snapshot.pageGroupBytes)} as the text grows; what an ended conversation leaves is used
        again or given back. So plain attention kernels read one straight line.
      </p>
      <div className="memory-columns">
        <div className="memory-picture">
          <h2>The whole reservation, to scale</h2>
          <ReservationStrip snapshot={snapshot} />
          <div className="picture-head">
            <h2>One row per slot</h2>
            <ScaleSwitch scale={scale} onScale={setScale} />
          </div>
          <Legend snapshot={snapshot} figures={figures} />
          <SlotPicture snapshot={snapshot} scaleKind={scale} description={describe(snapshot, figures)} />
          <p className="help">{SCALE_NOTES[scale](snapshot)}</p>
          <SlotTable snapshot={snapshot} />
        </div>
        <div className="memory-side">
          <MemoryTotals snapshot={snapshot} figures={figures} />
          <h2>Last two minutes</h2>
          <HistoryChart history={feed.history} />
          <p className="help" data-feed={feed.state}>
            {feed.state === 'live' ? 'Live' : 'Not connected'} · backed by{' '}
            {snapshot.backing === 'memfd' ? 'one sparse memory file' : 'anonymous memory'} ·{' '}
            {formatBytes(snapshot.bytesPerToken)} per token
          </p>
        </div>
      </div>
    </>
  );
}

function Amount({ bytes, strong = false }: { readonly bytes: number; readonly strong?: boolean }) {
  const { value, unit } = splitBytes(bytes);
  return (
    <span className={strong ? 'amount amount-strong' : 'amount'}>
      {value}
      <small>&nbsp;{unit}</small>
    </span>
  );
}

const SCALES: readonly { readonly kind: ScaleKind; readonly label: string }[] = [
  { kind: 'fit', label: 'Zoomed' },
  { kind: 'log', label: 'Logarithmic' },
  { kind: 'true', label: 'True' },
];

const SCALE_NOTES: Readonly<Record<ScaleKind, (snapshot: MemorySnapshot) => string>> = {
  fit: (snapshot) =>
    `The axis ends a little past the fullest slot; a slot goes on to ${formatBytes(snapshot.slotBytes)}.`,
  log: () => 'Each step to the right multiplies: the empty part is far larger than it looks.',
  true: (snapshot) =>
    `The axis is a whole slot, ${formatBytes(snapshot.slotBytes)}: room for ${plural(snapshot.maxTokens, 'token')}.`,
};

function ScaleSwitch({
  scale,
  onScale,
}: {
  readonly scale: ScaleKind;
  readonly onScale: (scale: ScaleKind) => void;
}) {
  return (
    <fieldset className="segments">
      <legend className="visually-hidden">Scale</legend>
      {SCALES.map(({ kind, label }) => (
        <label key={kind}>
          <input type="radio" name="scale" checked={scale === kind} onChange={() => onScale(kind)} />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Legend({
  snapshot,
  figures,
}: {
  readonly snapshot: MemorySnapshot;
  readonly figures: MemoryFigures;
}) {
  return (
    <ul className="legend">
      <li className="key-needed">needed {formatBytes(snapshot.neededBytes)}</li>
      <li className="key-ahead">beyond need {formatBytes(figures.aheadBytes)}</li>
      <li className="key-cached">kept from idle slots {formatBytes(figures.cachedBytes)}</li>
      <li className="key-reserved">addresses only</li>
    </ul>
  );
}

/** The picture in a sentence. */
function describe(snapshot: MemorySnapshot, figures: MemoryFigures): string {
  return (
    `${plural(snapshot.slots.length, 'slot')} of ${formatBytes(snapshot.slotBytes)}: ${figures.activeSlots} active, ` +
    `${figures.cachedSlots} idle with pages. ${formatBytes(snapshot.committedBytes)} committed, ` +
    `${formatBytes(snapshot.neededBytes)} needed.`
  );
}
