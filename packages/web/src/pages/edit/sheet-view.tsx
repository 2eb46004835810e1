import { type Cell, canResume, type EditRun, runFigures } from '../../state/edit-run.js';
import type { EditNode } from '../../state/edit-tree.js';
import { ErrorCard } from '../../ui/error-card.js';
import { Icon } from '../../ui/icon.js';

export interface SheetViewProps {
  readonly sheet: EditRun;
  readonly source: EditNode | undefined;
  readonly onAdopt: (index: number) => void;
  readonly onResume: () => void;
  readonly onClose: () => void;
  readonly onOpenSettings: () => void;
}

/** A contact sheet: a table of the two knobs, or a row of seeds. A picture that is chosen goes into the history. */
export function SheetView({ sheet, source, onAdopt, onResume, onClose, onOpenSettings }: SheetViewProps) {
  const { error, running, done, total } = runFigures(sheet);
  const parameters = sheet.cells[0]?.parameters;
  return (
    <section className="contact-sheet" aria-label={sheet.shape.kind === 'grid' ? 'Guidance grid' : 'Seeds'}>
      <div className="stage-head">
        <div>
          <h2>{parameters?.instruction}</h2>
          <p className="help">
            {running || done < total ? `${done} of ${total} done. ` : ''}
            {done > 0 ? 'Choose a picture to go on with it.' : 'The pictures come one after another.'}
          </p>
        </div>
        <div className="panel-tools">
          {canResume(sheet) && error === undefined && (
            <button type="button" className="button" onClick={onResume}>
              Go on
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            <Icon name="close" />
            Close
          </button>
        </div>
      </div>
      {error !== undefined && (
        <ErrorCard
          error={error}
          title="The sheet was not finished"
          onRetry={onResume}
          onOpenSettings={onOpenSettings}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <div className="contact-scroll" tabIndex={0}>
        {sheet.shape.kind === 'grid' ? (
          <GridTable
            sheet={sheet}
            source={source}
            textGuidance={sheet.shape.textGuidance}
            imageGuidance={sheet.shape.imageGuidance}
            onAdopt={onAdopt}
          />
        ) : (
          <ul className="seed-row">
            {sheet.cells.map((cell, index) => (
              <li key={cell.parameters.seed}>
                <CellView
                  cell={cell}
                  source={source}
                  name={`Seed ${cell.parameters.seed}`}
                  onAdopt={() => onAdopt(index)}
                />
                <span>Seed {cell.parameters.seed}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

interface GridTableProps {
  readonly sheet: EditRun;
  readonly source: EditNode | undefined;
  readonly textGuidance: readonly number[];
  readonly imageGuidance: readonly number[];
  readonly onAdopt: (index: number) => void;
}

function GridTable({ sheet, source, textGuidance, imageGuidance, onAdopt }: GridTableProps) {
  return (
    <table className="grid-table">
      <caption className="visually-hidden">
        Across: follow the instruction. Down: keep the picture. Seed {sheet.cells[0]?.parameters.seed}.
      </caption>
      <thead>
        <tr>
          <td />
          <th colSpan={textGuidance.length} scope="colgroup">
            Follow the instruction →
          </th>
        </tr>
        <tr>
          <th scope="col" className="grid-corner">
            Keep the picture ↓
          </th>
          {textGuidance.map((value) => (
            <th key={value} scope="col">
              {value}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {imageGuidance.map((image, row) => (
          <tr key={image}>
            <th scope="row">{image}</th>
            {textGuidance.map((text, column) => {
              const index = row * textGuidance.length + column;
              return (
                <td key={text}>
                  <CellView
                    cell={sheet.cells[index]!}
                    source={source}
                    name={`Follow ${text}, keep ${image}`}
                    onAdopt={() => onAdopt(index)}
                  />
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface CellViewProps {
  readonly cell: Cell;
  readonly source: EditNode | undefined;
  readonly name: string;
  readonly onAdopt: () => void;
}

const STATUS_WORDS: Readonly<Record<Cell['status'], string>> = {
  waiting: 'waits',
  running: 'is being made',
  done: 'go on with it',
  stopped: 'was not made',
  error: 'failed',
};

function CellView({ cell, source, name, onAdopt }: CellViewProps) {
  const shown = cell.result?.url ?? cell.preview;
  const ratio = source === undefined ? 1 : source.picture.width / source.picture.height;
  return (
    <button
      type="button"
      className="cell"
      data-status={cell.status}
      aria-label={`${name}: ${STATUS_WORDS[cell.status]}`}
      disabled={cell.result === undefined}
      style={{ aspectRatio: String(ratio) }}
      onClick={onAdopt}
    >
      {shown !== undefined && <img src={shown} alt="" draggable={false} />}
      {cell.status === 'running' && (
        <i className="cell-progress" style={{ width: `${(100 * cell.step) / Math.max(1, cell.steps)}%` }} />
      )}
      {cell.status === 'error' && <Icon name="warning" />}
    </button>
  );
}
