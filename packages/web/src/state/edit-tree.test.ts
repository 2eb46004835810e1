import { describe, expect, it } from 'vitest';
import {
  addNode,
  type EditNode,
  type EditTree,
  EMPTY_TREE,
  fileName,
  pathTo,
  removeNode,
  selectNode,
  subtree,
  suggestionsFor,
  treeRows,
  variationSource,
} from './edit-tree.js';

const picture = { blob: new Blob(), url: 'blob:x', width: 4, height: 4 };
const scene = (id: string): EditNode => ({
  id,
  parent: undefined,
  picture,
  origin: { kind: 'scene', seed: 5, suggestions: ['make it red', 'remove it'] },
});
const edit = (id: string, parent: string, instruction = `edit ${id}`): EditNode => ({
  id,
  parent,
  picture,
  origin: {
    kind: 'edit',
    elapsedMs: 10,
    parameters: {
      instruction,
      negative: '',
      textGuidance: 2,
      imageGuidance: 1.2,
      steps: 20,
      sampler: 'ddim',
      seed: 9,
      model: 'toy',
      masked: false,
    },
  },
});
/** a ─ b ─ c and a ─ d, then e on its own. */
const grown = (): EditTree =>
  [scene('a'), edit('b', 'a'), edit('c', 'b'), edit('d', 'a'), scene('e')].reduce(
    (tree, node) => addNode(tree, node),
    EMPTY_TREE,
  );
const rowsOf = (tree: EditTree) =>
  treeRows(tree).map((row) => [row.node.id, row.level, row.indent, row.position]);

describe('the tree', () => {
  it('lies depth first and is indented only where it branches', () => {
    expect(rowsOf(grown())).toEqual([
      ['a', 1, 0, 1],
      ['b', 2, 1, 1],
      ['c', 3, 1, 1],
      ['d', 2, 1, 2],
      ['e', 1, 0, 2],
    ]);
    const chain = [scene('a'), edit('b', 'a'), edit('c', 'b')].reduce(
      (tree, node) => addNode(tree, node),
      EMPTY_TREE,
    );
    expect(rowsOf(chain).map(([, , indent]) => indent)).toEqual([0, 0, 0]);
  });

  it('selects what is added, unless told not to, and ignores unknown ids', () => {
    const tree = grown();
    expect(tree.selected).toBe('e');
    expect(addNode(tree, scene('f'), false).selected).toBe('e');
    expect(selectNode(tree, 'nothing')).toBe(tree);
    expect(selectNode(tree, 'b').selected).toBe('b');
  });

  it('loses a branch as a whole and selects what was before it', () => {
    const tree = selectNode(grown(), 'c');
    expect(subtree(tree, 'b').map((node) => node.id)).toEqual(['b', 'c']);
    const pruned = removeNode(tree, 'b');
    expect(pruned.nodes.map((node) => node.id)).toEqual(['a', 'd', 'e']);
    expect(pruned.selected).toBe('a');
    expect(removeNode(pruned, 'd').selected).toBe('a');
    expect(removeNode(pruned, 'nothing')).toBe(pruned);
    const rootGone = removeNode(pruned, 'a');
    expect([rootGone.selected, rootGone.nodes.length]).toEqual(['e', 1]);
    expect(removeNode(rootGone, 'e')).toEqual(EMPTY_TREE);
  });

  it('knows the way to a node', () => {
    const tree = grown();
    expect(pathTo(tree, tree.nodes[2]!).map((node) => node.id)).toEqual(['a', 'b', 'c']);
  });
});

describe('what a node offers', () => {
  it("suggests the scene's instructions but those followed already", () => {
    const tree = addNode(addNode(EMPTY_TREE, scene('a')), edit('b', 'a', 'make it red'));
    expect(suggestionsFor(tree, tree.nodes[0])).toEqual(['make it red', 'remove it']);
    expect(suggestionsFor(tree, tree.nodes[1])).toEqual(['remove it']);
    expect(suggestionsFor(tree, undefined)).toEqual([]);
  });

  it('varies an instruction from the picture it was given to', () => {
    const tree = addNode(addNode(EMPTY_TREE, scene('a')), edit('b', 'a', 'make it red'));
    expect(variationSource(tree, ' make it red')?.id).toBe('a');
    expect(variationSource(tree, 'make it blue')?.id).toBe('b');
    expect(variationSource(EMPTY_TREE, 'x')).toBeUndefined();
    // A branch whose beginning was lost has nothing before it.
    expect(variationSource(addNode(EMPTY_TREE, edit('b', 'gone', 'x')), 'x')?.id).toBe('b');
  });

  it('makes file names of instructions', () => {
    expect(fileName(edit('b', 'a', 'Make the “cube” red!'), 'png')).toBe('make-the-cube-red-9.png');
    expect(fileName(edit('b', 'a', '???'), 'jpg')).toBe('edit-9.jpg');
    expect(fileName(scene('a'), 'png')).toBe('scene-5.png');
    expect(fileName(edit('b', 'a', '../../etc/passwd'), 'png')).toBe('etc-passwd-9.png');
  });
});
