/**
 * @module
 * The history of edits: a tree whose roots are pictures brought in and whose branches are edits of the picture
 * above. Pure functions; nodes stay in the order in which they were made.
 */

import type { ImageDefaults } from '../api/images.js';

/** A picture that can be shown. `url` is an object URL, valid until the picture is released. */
export interface Picture {
  readonly blob: Blob;
  readonly url: string;
  readonly width: number;
  readonly height: number;
}

/** Everything an edit was made with. */
export interface EditParameters extends ImageDefaults {
  readonly instruction: string;
  readonly negative: string;
  readonly seed: number;
  readonly model: string;
  /** Whether a mask kept a part of the source. */
  readonly masked: boolean;
}

export type Origin =
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'scene'; readonly seed: number; readonly suggestions: readonly string[] }
  | { readonly kind: 'edit'; readonly parameters: EditParameters; readonly elapsedMs: number };

export interface EditNode {
  readonly id: string;
  /** Undefined for a picture brought in. */
  readonly parent: string | undefined;
  readonly picture: Picture;
  readonly origin: Origin;
}

export interface EditTree {
  readonly nodes: readonly EditNode[];
  /** Id of the picture that is shown and that the next edit starts from. */
  readonly selected: string | undefined;
}

export const EMPTY_TREE: EditTree = { nodes: [], selected: undefined };

export function findNode(tree: EditTree, id: string | undefined): EditNode | undefined {
  return id === undefined ? undefined : tree.nodes.find((node) => node.id === id);
}

export function selectedNode(tree: EditTree): EditNode | undefined {
  return findNode(tree, tree.selected);
}

export function parentOf(tree: EditTree, node: EditNode | undefined): EditNode | undefined {
  return findNode(tree, node?.parent);
}

/** Adds, and selects unless told not to. */
export function addNode(tree: EditTree, node: EditNode, select = true): EditTree {
  return { nodes: [...tree.nodes, node], selected: select ? node.id : tree.selected };
}

/** Unknown ids change nothing. */
export function selectNode(tree: EditTree, id: string): EditTree {
  return findNode(tree, id) === undefined || tree.selected === id ? tree : { ...tree, selected: id };
}

/** The node and everything made from it. */
export function subtree(tree: EditTree, id: string): readonly EditNode[] {
  const within = new Set([id]);
  // Nodes come after their parents, so one pass finds all.
  return tree.nodes.filter((node) => {
    const inside = node.id === id || (node.parent !== undefined && within.has(node.parent));
    if (inside) within.add(node.id);
    return inside;
  });
}

/** Without the node and everything made from it. If the selected one goes, its nearest kept ancestor is selected. */
export function removeNode(tree: EditTree, id: string): EditTree {
  const gone = new Set(subtree(tree, id).map((node) => node.id));
  if (gone.size === 0) return tree;
  const nodes = tree.nodes.filter((node) => !gone.has(node.id));
  if (tree.selected === undefined || !gone.has(tree.selected)) return { ...tree, nodes };
  return { nodes, selected: findNode(tree, id)?.parent ?? nodes.at(-1)?.id };
}

/** From the picture brought in to `node`. */
export function pathTo(tree: EditTree, node: EditNode): readonly EditNode[] {
  const path = [node];
  for (let at = parentOf(tree, node); at !== undefined; at = parentOf(tree, at)) path.unshift(at);
  return path;
}

/** One line of the tree as it is drawn, top to bottom. */
export interface TreeRow {
  readonly node: EditNode;
  /** 1 for a picture brought in. */
  readonly level: number;
  /** How far it is indented: only where the tree branches, so that a long chain stays in its column. */
  readonly indent: number;
  /** Place among the siblings, from 1. */
  readonly position: number;
  readonly siblings: number;
}

/** Depth first, oldest branch first. */
export function treeRows(tree: EditTree): readonly TreeRow[] {
  const children = new Map<string | undefined, EditNode[]>();
  for (const node of tree.nodes) {
    const siblings = children.get(node.parent);
    if (siblings === undefined) children.set(node.parent, [node]);
    else siblings.push(node);
  }
  const rows: TreeRow[] = [];
  const visit = (parent: string | undefined, level: number, indent: number) => {
    const siblings = children.get(parent) ?? [];
    for (const [index, node] of siblings.entries()) {
      rows.push({ node, level, indent, position: index + 1, siblings: siblings.length });
      visit(node.id, level + 1, indent + ((children.get(node.id)?.length ?? 0) > 1 ? 1 : 0));
    }
  };
  visit(undefined, 1, 0);
  return rows;
}

/** What a node is called in lists and to screen readers. */
export function nodeTitle(node: EditNode): string {
  switch (node.origin.kind) {
    case 'file':
      return node.origin.name;
    case 'scene':
      return `Scene ${node.origin.seed}`;
    case 'edit':
      return node.origin.parameters.instruction;
  }
}

/** Instructions that fit the scene a node comes from, without those already followed on the way; none elsewhere. */
export function suggestionsFor(tree: EditTree, node: EditNode | undefined): readonly string[] {
  if (node === undefined) return [];
  const path = pathTo(tree, node);
  const root = path[0]!.origin;
  if (root.kind !== 'scene') return [];
  const followed = new Set(path.map(nodeTitle));
  return root.suggestions.filter((suggestion) => !followed.has(suggestion));
}

/**
 * The picture that variations of an instruction start from: the selected one, but if that was made by this very
 * instruction, the one before it, so that its variations lie beside it.
 */
export function variationSource(tree: EditTree, instruction: string): EditNode | undefined {
  const node = selectedNode(tree);
  const same = node?.origin.kind === 'edit' && node.origin.parameters.instruction === instruction.trim();
  return (same ? parentOf(tree, node) : undefined) ?? node;
}

/** A file name that says what the picture is: "make-the-cube-red-17.png". */
export function fileName(node: EditNode, extension: string): string {
  const words = nodeTitle(node)
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  const seed = node.origin.kind === 'edit' ? `-${node.origin.parameters.seed}` : '';
  return `${words === '' ? 'edit' : words}${seed}.${extension}`;
}
