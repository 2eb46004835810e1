import type { MemorySnapshot } from '@triptych/llm';
import { formatBytes, formatInteger, plural } from '../../lib/format.js';

/** The picture's data as a table, for those who cannot see it and those who want the numbers. */
export function SlotTable({ snapshot }: { readonly snapshot: MemorySnapshot }) {
  const used = snapshot.slots.filter((slot) => slot.state !== 'free' || slot.committedBytes > 0);
  const free = snapshot.slots.length - used.length;
  return (
    <details className="slot-table">
      <summary>The same as a table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls sideways must be reachable by keyboard */}
      <section className="table-scroll" tabIndex={0} aria-label="Slots">
        <table>
          <caption>
            {plural(used.length, 'slot')} in use, {formatInteger(free)} free
          </caption>
          <thead>
            <tr>
              <th scope="col">Slot</th>
              <th scope="col">State</th>
              <th scope="col">Tokens</th>
              <th scope="col">Needed</th>
              <th scope="col">Committed</th>
            </tr>
          </thead>
          <tbody>
            {used.map((slot) => (
              <tr key={slot.slot}>
                <th scope="row">{slot.slot}</th>
                <td>{slot.state === 'cached' ? 'idle, pages kept' : slot.state}</td>
                <td>{formatInteger(slot.tokens)}</td>
                <td>{formatBytes(slot.neededBytes)}</td>
                <td>{formatBytes(slot.committedBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
