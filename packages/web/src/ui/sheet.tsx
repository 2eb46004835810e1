import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { useMediaQuery } from './hooks.js';
import { Icon } from './icon.js';

export interface SheetProps {
  /** The heading, and the sheet's name to screen readers. */
  readonly label: string;
  /** Moves the focus into the sheet: it was opened by the user, not by the page. */
  readonly takeFocus: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** The button that opens the sheet; closing gives the focus back to it. */
export const SHEET_TOGGLE_ID = 'sheet-toggle';

/** Where there is room for it the sheet is the right wing beside the page; elsewhere it lies over it. */
export const DOCKED_QUERY = '(min-width: 1100px)';

/** The right wing: settings of the page beside it. */
export function Sheet(props: SheetProps) {
  const docked = useMediaQuery(DOCKED_QUERY);
  return docked ? <DockedSheet {...props} /> : <ModalSheet {...props} />;
}

function DockedSheet(props: SheetProps) {
  const closeOnEscape = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    // Handled here: the same key stops an answer elsewhere.
    event.preventDefault();
    props.onClose();
  };
  return (
    <aside className="sheet" aria-label={props.label} onKeyDown={closeOnEscape}>
      <SheetContent {...props} />
    </aside>
  );
}

function ModalSheet(props: SheetProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="sheet sheet-modal" aria-label={props.label} onClose={props.onClose}>
      <SheetContent {...props} />
    </dialog>
  );
}

function SheetContent({ label, takeFocus, onClose, children }: SheetProps) {
  const closeButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (takeFocus) closeButton.current?.focus();
  }, [takeFocus]);
  return (
    <>
      <div className="sheet-head">
        <h2>{label}</h2>
        <button
          ref={closeButton}
          type="button"
          className="icon-button"
          onClick={onClose}
          aria-label={`Close ${label.toLowerCase()}`}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="sheet-body">{children}</div>
    </>
  );
}
