import { type KeyboardEvent, useRef } from 'react';
import { type EditNode, type EditTree, nodeTitle, type TreeRow, treeRows } from '../../state/edit-tree.js';

export interface HistoryTreeProps {
  readonly tree: EditTree;
  readonly onSelect: (id: string) => void;
  readonly onRemove: (id: string) => void;
}

/** More would leave no room for the pictures. */
const MOST_INDENT = 4;

/** Every picture brought in and every edit made from it. One stop for Tab; arrow keys walk the tree. */
export function HistoryTree({ tree, onSelect, onRemove }: HistoryTreeProps) {
  const list = useRef<HTMLDivElement>(null);
  const rows = treeRows(tree);
  const at = rows.findIndex((row) => row.node.id === tree.selected);
  const go = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (row === undefined) return;
    onSelect(row.node.id);
    list.current?.querySelector<HTMLElement>(`[data-node="${CSS.escape(row.node.id)}"]`)?.focus();
  };
  const goTo = (id: string | undefined) => {
    const index = rows.findIndex((row) => row.node.id === id);
    if (id !== undefined && index >= 0) go(index);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const node = rows[at]?.node;
    switch (event.key) {
      case 'ArrowDown':
        go(at + 1);
        break;
      case 'ArrowUp':
        go(at - 1);
        break;
      case 'ArrowLeft':
        goTo(node?.parent);
        break;
      case 'ArrowRight':
        goTo(rows.find((row) => row.node.parent === node?.id)?.node.id);
        break;
      case 'Home':
        go(0);
        break;
      case 'End':
        go(rows.length - 1);
        break;
      case 'Delete':
        if (node !== undefined) onRemove(node.id);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  return (
    <div ref={list} className="tree" role="tree" aria-label="History" onKeyDown={onKeyDown}>
      {rows.map((row, index) => (
        <TreeItem
          key={row.node.id}
          row={row}
          selected={index === at}
          reachable={index === Math.max(at, 0)}
          onSelect={onSelect}
        />
      ))}
    </div>
  );
}

interface TreeItemProps {
  readonly row: TreeRow;
  readonly selected: boolean;
  readonly reachable: boolean;
  readonly onSelect: (id: string) => void;
}

function TreeItem({ row, selected, reachable, onSelect }: TreeItemProps) {
  const { node, level, indent, position, siblings } = row;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it listens to the keys
    <div
      role="treeitem"
      className="tree-item"
      data-node={node.id}
      data-root={node.parent === undefined ? '' : undefined}
      data-indent={Math.min(indent, MOST_INDENT)}
      tabIndex={reachable ? 0 : -1}
      aria-selected={selected}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-label={describe(node)}
      title={nodeTitle(node)}
      onClick={() => onSelect(node.id)}
    >
      <img src={node.picture.url} alt="" loading="lazy" draggable={false} />
      <span>{nodeTitle(node)}</span>
    </div>
  );
}

function describe(node: EditNode): string {
  return node.origin.kind === 'edit' ? `Edit: ${nodeTitle(node)}` : nodeTitle(node);
}
