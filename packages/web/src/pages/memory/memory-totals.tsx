import type { MemorySnapshot } from '@triptych/llm';
import { formatBytes, formatPercent, plural } from '../../lib/format.js';
import type { MemoryFigures } from '../../state/memory-feed.js';

export interface MemoryTotalsProps {
  readonly snapshot: MemorySnapshot;
  readonly figures: MemoryFigures;
}

export function MemoryTotals({ snapshot, figures }: MemoryTotalsProps) {
  return (
    <dl className="totals">
      <Total name="Reserved" value={formatBytes(snapshot.reservedBytes)} note="addresses, no memory" />
      <Total name="Budget" value={formatBytes(snapshot.budgetBytes)} note="never grows past it" />
      <Total
        name="Needed"
        value={formatBytes(snapshot.neededBytes)}
        note={plural(tokensOf(snapshot), 'token')}
      />
      <Total name="Beyond need" value={formatPercent(figures.beyondNeed)} note="of what active slots hold" />
      <Total name="Idle slots keep" value={formatBytes(figures.cachedBytes)} note="given back first" />
      <Total name="Committed" value={formatBytes(snapshot.committedBytes)} note="counted by Triptych" />
      <Total name="Resident" value={formatBytes(snapshot.residentBytes)} note="held by the system" />
      <Total
        name="Static caches"
        value={formatBytes(figures.staticBytes)}
        note={`would hold, for ${plural(figures.activeSlots, 'slot')}`}
      />
    </dl>
  );
}

interface TotalProps {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

function Total({ name, value, note }: TotalProps) {
  return (
    <div className="total">
      <dt>{name}</dt>
      <dd>
        <b>{value}</b>
        <span>{note}</span>
      </dd>
    </div>
  );
}

function tokensOf(snapshot: MemorySnapshot): number {
  return snapshot.slots.reduce((sum, slot) => sum + (slot.state === 'active' ? slot.tokens : 0), 0);
}
