/**
 * @module
 * What the image page knows, as one state and a pure reducer. The controller beside it speaks to the server.
 */

import type { ImageModel, RecalledParameters, Scene } from '../api/images.js';
import type { BrushMode, Mask } from './edit-mask.js';
import { advanceCellOf, type CellEvent, type EditRun, runFigures, stopRun } from './edit-run.js';
import { type EditSettings, modelInUse } from './edit-settings.js';
import {
  addNode,
  type EditNode,
  type EditTree,
  EMPTY_TREE,
  type Picture,
  removeNode,
  selectedNode,
  selectNode,
} from './edit-tree.js';
import type { RunError } from './run.js';

export type ModelsState =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly models: readonly ImageModel[] }
  | { readonly state: 'failed'; readonly error: RunError };

/** A scene to begin with; `picture` can be shown. */
export interface OfferedScene {
  readonly picture: Picture;
  readonly seed: number;
  readonly suggestions: Scene['suggestions'];
}

export interface SceneOffers {
  readonly state: 'loading' | 'ready' | 'failed';
  /** Of the first scene; the others follow. */
  readonly seed: number;
  readonly scenes: readonly OfferedScene[];
}

/** The mask painted over the selected picture. */
export interface PaintedMask {
  readonly mask: Mask;
  /** Share of the picture that may change. */
  readonly coverage: number;
  /** Grows with every change, as the bytes change in place. */
  readonly version: number;
}

export interface Brush {
  readonly mode: BrushMode;
  /** In pixels of the picture. */
  readonly radius: number;
}

export interface EditState {
  readonly models: ModelsState;
  readonly settings: EditSettings;
  readonly instruction: string;
  readonly tree: EditTree;
  /** The single edit that runs, or ended badly. */
  readonly run: EditRun | undefined;
  /** The last guidance grid or row of seeds. */
  readonly sheet: EditRun | undefined;
  readonly sheetShown: boolean;
  readonly offers: SceneOffers | undefined;
  /** What is being brought in. */
  readonly opening: 'file' | 'scene' | undefined;
  /** Why something could not be brought in. */
  readonly openError: RunError | undefined;
  /** What the metadata of the picture just brought in says. */
  readonly recalled: { readonly node: string; readonly parameters: RecalledParameters } | undefined;
  readonly mask: PaintedMask | undefined;
  /** Whether the mask is being painted. */
  readonly masking: boolean;
  readonly brush: Brush;
  /** Width of the mask's soft edge in pixels. */
  readonly feather: number;
}

export type EditAction =
  | { readonly type: 'models'; readonly models: ModelsState }
  | { readonly type: 'settings'; readonly settings: EditSettings }
  | { readonly type: 'instruct'; readonly text: string }
  | { readonly type: 'offers'; readonly offers: SceneOffers | undefined }
  | { readonly type: 'opening'; readonly what: 'file' | 'scene' }
  | { readonly type: 'openFailed'; readonly error: RunError }
  | { readonly type: 'openErrorSeen' }
  | { readonly type: 'restored'; readonly nodes: readonly EditNode[] }
  | { readonly type: 'added'; readonly node: EditNode; readonly select?: boolean }
  | { readonly type: 'home' }
  | { readonly type: 'select'; readonly id: string }
  | { readonly type: 'remove'; readonly id: string }
  | { readonly type: 'recalled'; readonly node: string; readonly parameters: RecalledParameters }
  | { readonly type: 'recallSeen' }
  | { readonly type: 'begin'; readonly run: EditRun }
  | { readonly type: 'cell'; readonly of: RunSlot; readonly index: number; readonly event: CellEvent }
  | { readonly type: 'stopped'; readonly of: RunSlot }
  | { readonly type: 'runSeen' }
  | { readonly type: 'dropSheet' }
  | { readonly type: 'showSheet'; readonly shown: boolean }
  | { readonly type: 'masking'; readonly on: boolean }
  | { readonly type: 'mask'; readonly mask: PaintedMask | undefined }
  | { readonly type: 'brush'; readonly brush: Partial<Brush> }
  | { readonly type: 'feather'; readonly pixels: number };

/** Which of the state's two runs is meant. */
export type RunSlot = 'run' | 'sheet';

export function initialEditState(settings: EditSettings): EditState {
  return {
    models: { state: 'loading' },
    settings,
    instruction: '',
    tree: EMPTY_TREE,
    run: undefined,
    sheet: undefined,
    sheetShown: false,
    offers: undefined,
    opening: undefined,
    openError: undefined,
    recalled: undefined,
    mask: undefined,
    masking: false,
    brush: { mode: 'paint', radius: 8 },
    feather: 4,
  };
}

export function reduceEdit(state: EditState, action: EditAction): EditState {
  switch (action.type) {
    case 'models':
      return { ...state, models: action.models };
    case 'settings':
      return { ...state, settings: action.settings };
    case 'instruct':
      return { ...state, instruction: action.text };
    case 'offers':
      return { ...state, offers: action.offers };
    case 'opening':
      return { ...state, opening: action.what, openError: undefined };
    case 'openFailed':
      return { ...state, opening: undefined, openError: action.error };
    case 'openErrorSeen':
      return { ...state, openError: undefined };
    case 'restored':
      // Whatever was brought in meanwhile stays selected.
      return {
        ...state,
        tree: {
          nodes: [...action.nodes, ...state.tree.nodes],
          selected: state.tree.selected ?? action.nodes.at(-1)?.id,
        },
      };
    case 'added': {
      const next = { ...state, opening: undefined, openError: undefined };
      return moved(next, addNode(state.tree, action.node, action.select));
    }
    case 'home':
      return moved({ ...state, sheetShown: false }, { ...state.tree, selected: undefined });
    case 'select':
      return moved({ ...state, sheetShown: false }, selectNode(state.tree, action.id));
    case 'remove':
      return moved(state, removeNode(state.tree, action.id));
    case 'recalled':
      return { ...state, recalled: { node: action.node, parameters: action.parameters } };
    case 'recallSeen':
      return { ...state, recalled: undefined };
    case 'begin':
      return action.run.shape.kind === 'edit'
        ? { ...state, run: action.run, sheetShown: false, masking: false }
        : { ...state, sheet: action.run, sheetShown: true, run: undefined, masking: false };
    case 'cell': {
      const run = state[action.of];
      return run === undefined
        ? state
        : { ...state, [action.of]: advanceCellOf(run, action.index, action.event) };
    }
    case 'stopped': {
      const run = state[action.of];
      return run === undefined ? state : { ...state, [action.of]: stopRun(run) };
    }
    case 'runSeen':
      return { ...state, run: undefined };
    case 'dropSheet':
      return { ...state, sheet: undefined, sheetShown: false };
    case 'showSheet':
      return { ...state, sheetShown: action.shown, masking: false };
    case 'masking':
      return { ...state, masking: action.on, sheetShown: false };
    case 'mask':
      return { ...state, mask: action.mask };
    case 'brush':
      return { ...state, brush: { ...state.brush, ...action.brush } };
    case 'feather':
      return { ...state, feather: action.pixels };
  }
}

/** Another selection: a mask of another size no longer fits, and a notice about another picture is over. */
function moved(state: EditState, tree: EditTree): EditState {
  if (tree.selected === state.tree.selected) return { ...state, tree };
  const picture = selectedNode(tree)?.picture;
  const { mask } = state;
  const fits =
    mask !== undefined &&
    picture !== undefined &&
    mask.mask.width === picture.width &&
    mask.mask.height === picture.height;
  return {
    ...state,
    tree,
    mask: fits ? mask : undefined,
    masking: state.masking && fits,
    recalled: state.recalled?.node === tree.selected ? state.recalled : undefined,
    run: state.run !== undefined && runFigures(state.run).running ? state.run : undefined,
  };
}

/** The model edits are made with, once the server has said which there are. */
export function currentModel(state: EditState): ImageModel | undefined {
  return state.models.state === 'ready' ? modelInUse(state.models.models, state.settings) : undefined;
}

/** The run under way, if any: one at a time. */
export function activeRun(state: EditState): EditRun | undefined {
  return [state.run, state.sheet].find((run) => run !== undefined && runFigures(run).running);
}
