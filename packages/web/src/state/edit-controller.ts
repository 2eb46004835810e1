/**
 * @module
 * The image page's dealings with the server and the browser: brings pictures in, runs edits one at a time, keeps
 * the history. The state is in `edit-state.ts`; what needs a browser is handed in, so this runs in plain Node.
 */

import type { RecalledParameters } from '../api/images.js';
import { createStore, type Store } from '../lib/store.js';
import { describeError } from './drive-run.js';
import { driveCells } from './edit-drive.js';
import { emptyMask, type Mask, maskCoverage, suitableFeather, suitableRadius } from './edit-mask.js';
import {
  type Cell,
  canResume,
  type EditRun,
  gridCells,
  newCell,
  type RunShape,
  seedCells,
} from './edit-run.js';
import type { EditArchive, EditServer, PictureTools } from './edit-services.js';
import { type EditSettings, randomSeed, recallSettings, resolveSettings } from './edit-settings.js';
import {
  activeRun,
  type Brush,
  currentModel,
  type EditAction,
  type EditState,
  initialEditState,
  type OfferedScene,
  type RunSlot,
  reduceEdit,
} from './edit-state.js';
import {
  type EditNode,
  type EditParameters,
  findNode,
  type Origin,
  type Picture,
  parentOf,
  selectedNode,
  subtree,
  variationSource,
} from './edit-tree.js';

export interface EditControllerOptions {
  readonly server: EditServer;
  readonly tools: PictureTools;
  readonly settings: EditSettings;
  readonly saveSettings: (settings: EditSettings) => void;
  readonly archive?: EditArchive;
  readonly now?: () => number;
  readonly random?: () => number;
  readonly newId?: () => string;
  readonly defer?: (run: () => void) => void;
}

/** Scenes offered at a time. */
const OFFERS = 3;
/** Pause before asking again a server that still loads its model. */
const LOADING_PAUSE_MS = 1000;

export class EditController {
  readonly store: Store<EditState, EditAction>;
  readonly #options: EditControllerOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #newId: () => string;
  #connection = new AbortController();
  #abort = new AbortController();
  #restored = false;
  /** Counts the runs begun, so that a run which was overtaken while it got ready can tell. */
  #turn = 0;

  constructor(options: EditControllerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
    let count = 0;
    // randomUUID exists only on https and localhost.
    this.#newId =
      options.newId ?? (() => `${Date.now().toString(36)}-${(count++).toString(36).padStart(4, '0')}`);
    this.store = createStore(reduceEdit, initialEditState(options.settings), options.defer);
  }

  get #state(): EditState {
    return this.store.get();
  }

  /** Asks for the models, waiting while one loads; restores the history the first time. */
  async connect(): Promise<void> {
    this.#connection.abort();
    const connection = new AbortController();
    this.#connection = connection;
    const { signal } = connection;
    this.store.dispatch({ type: 'models', models: { state: 'loading' } });
    await this.#restore();
    while (!signal.aborted) {
      try {
        const models = await this.#options.server.models(signal);
        if (signal.aborted) return;
        this.store.dispatch({ type: 'models', models: { state: 'ready', models } });
        if (models.length > 0 && this.#state.offers === undefined) {
          await this.offerScenes(randomSeed(this.#random) % 1000);
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        const failure = describeError(error);
        if (failure.code !== 'model_loading') {
          this.store.dispatch({ type: 'models', models: { state: 'failed', error: failure } });
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, LOADING_PAUSE_MS));
    }
  }

  async #restore(): Promise<void> {
    if (this.#restored) return;
    this.#restored = true;
    const nodes = (await this.#options.archive?.load().catch(() => [])) ?? [];
    if (nodes.length > 0) this.store.dispatch({ type: 'restored', nodes });
  }

  // Settings and instruction

  instruct(text: string): void {
    this.store.dispatch({ type: 'instruct', text });
  }

  change(part: Partial<EditSettings>): void {
    const settings = { ...this.#state.settings, ...part };
    this.#options.saveSettings(settings);
    this.store.dispatch({ type: 'settings', settings });
  }

  /** Takes over what a node was made with, instruction and seed included. */
  reuse(node: EditNode): void {
    if (node.origin.kind !== 'edit') return;
    this.#recall(node.origin.parameters);
  }

  /** Takes over what the metadata of the picture just brought in says. */
  takeRecalled(): void {
    const { recalled } = this.#state;
    if (recalled === undefined) return;
    this.#recall(recalled.parameters);
    this.store.dispatch({ type: 'recallSeen' });
  }

  #recall(parameters: RecalledParameters): void {
    this.instruct(parameters.instruction);
    this.change(recallSettings(this.#state.settings, parameters));
  }

  // Bringing pictures in

  /** A file dropped, pasted or chosen. If it was made here, what it was made with is offered. */
  async openFile(blob: Blob, name: string): Promise<void> {
    this.store.dispatch({ type: 'opening', what: 'file' });
    let picture: Picture;
    try {
      picture = await this.#options.tools.open(blob);
    } catch (error) {
      this.store.dispatch({ type: 'openFailed', error: describeError(error) });
      return;
    }
    const node = this.#add(picture, undefined, { kind: 'file', name });
    if (blob.type !== 'image/png') return;
    // A server that cannot read metadata is no reason to refuse the picture.
    const parameters = await this.#options.server.recall(blob).catch(() => undefined);
    if (parameters !== undefined && this.#state.tree.selected === node.id) {
      this.store.dispatch({ type: 'recalled', node: node.id, parameters });
    }
  }

  /** Scenes to begin with, from `seed` on. */
  async offerScenes(seed: number): Promise<void> {
    const previous = this.#state.offers;
    this.store.dispatch({
      type: 'offers',
      offers: { state: 'loading', seed, scenes: previous?.scenes ?? [] },
    });
    const scenes: OfferedScene[] = [];
    try {
      for (let index = 0; index < OFFERS; index++) scenes.push(await this.#scene(seed + index));
    } catch {
      this.store.dispatch({ type: 'offers', offers: { state: 'failed', seed, scenes: [] } });
      return;
    }
    // A later call has taken over.
    if (this.#state.offers?.seed !== seed) return;
    this.store.dispatch({ type: 'offers', offers: { state: 'ready', seed, scenes } });
    this.#release(previous?.scenes.map((scene) => scene.picture) ?? []);
  }

  openOffer(scene: OfferedScene): void {
    this.#add(scene.picture, undefined, { kind: 'scene', seed: scene.seed, suggestions: scene.suggestions });
  }

  /** Makes a scene and opens it. */
  async openScene(seed: number): Promise<void> {
    this.store.dispatch({ type: 'opening', what: 'scene' });
    try {
      this.openOffer(await this.#scene(seed));
    } catch (error) {
      this.store.dispatch({ type: 'openFailed', error: describeError(error) });
    }
  }

  async #scene(seed: number): Promise<OfferedScene> {
    const scene = await this.#options.server.scene(seed);
    const picture = await this.#options.tools.open(scene.image);
    return { picture, seed: scene.seed, suggestions: scene.suggestions };
  }

  // History

  /** To the page where pictures are brought in; the history stays. */
  home(): void {
    this.store.dispatch({ type: 'home' });
  }

  select(id: string): void {
    this.store.dispatch({ type: 'select', id });
  }

  /** Back to the picture before; its instruction comes back to be changed, unless another is written already. */
  undo(): void {
    const { tree, instruction } = this.#state;
    const node = selectedNode(tree);
    const parent = parentOf(tree, node);
    if (node === undefined || parent === undefined) return;
    if (instruction.trim() === '' && node.origin.kind === 'edit') {
      this.instruct(node.origin.parameters.instruction);
    }
    this.select(parent.id);
  }

  /** Removes a picture and everything made from it. */
  remove(id: string): void {
    const gone = subtree(this.#state.tree, id);
    const ids = new Set(gone.map((node) => node.id));
    const active = activeRun(this.#state);
    if (active !== undefined && ids.has(active.source)) this.cancel();
    if (this.#state.sheet !== undefined && ids.has(this.#state.sheet.source)) this.#dropSheet();
    this.store.dispatch({ type: 'remove', id });
    this.#release(gone.map((node) => node.picture));
    void this.#options.archive?.remove([...ids]).catch(() => undefined);
  }

  /** Removes the whole history. */
  clear(): void {
    this.cancel();
    for (const node of this.#state.tree.nodes.filter((candidate) => candidate.parent === undefined)) {
      this.remove(node.id);
    }
  }

  #add(picture: Picture, parent: string | undefined, origin: Origin, select = true): EditNode {
    const node: EditNode = { id: this.#newId(), parent, picture, origin };
    this.store.dispatch({ type: 'added', node, select });
    void this.#options.archive?.put(node).catch(() => undefined);
    return node;
  }

  // Editing

  /** Edits the selected picture by the instruction. Resolves when that has ended, however it ends. */
  edit(): Promise<void> {
    return this.#begin({ kind: 'edit' }, this.#state.tree.selected, (parameters) => [newCell(parameters)]);
  }

  /** Edits the picture before the selected one again, with the settings of now. */
  tryAgain(): Promise<void> {
    const node = selectedNode(this.#state.tree);
    if (node?.parent === undefined || node.origin.kind !== 'edit') return Promise.resolve();
    if (this.#state.instruction.trim() === '') this.instruct(node.origin.parameters.instruction);
    return this.#begin({ kind: 'edit' }, node.parent, (parameters) => [newCell(parameters)]);
  }

  /** Every combination of the two knobs, one after another, with one seed. */
  grid(textGuidance: readonly number[], imageGuidance: readonly number[]): Promise<void> {
    return this.#begin({ kind: 'grid', textGuidance, imageGuidance }, this.#variationSource(), (parameters) =>
      gridCells(parameters, textGuidance, imageGuidance),
    );
  }

  /** The same edit with `count` seeds, from `first` on, one after another. */
  seeds(count: number, first: number): Promise<void> {
    return this.#begin({ kind: 'seeds' }, this.#variationSource(), (parameters) =>
      seedCells({ ...parameters, seed: first }, count),
    );
  }

  #variationSource(): string | undefined {
    return variationSource(this.#state.tree, this.#state.instruction)?.id;
  }

  /** Goes on with a sheet that was stopped or failed. */
  async resume(): Promise<void> {
    const { sheet } = this.#state;
    if (sheet === undefined || !canResume(sheet) || activeRun(this.#state) !== undefined) return;
    const cells = sheet.cells.map((cell) => (cell.status === 'done' ? cell : newCell(cell.parameters)));
    this.store.dispatch({ type: 'begin', run: { ...sheet, cells } });
    await this.#drive('sheet');
  }

  /** Ends what runs, in the server too. What a sheet has made so far stays. */
  cancel(): void {
    const active = activeRun(this.#state);
    if (active === undefined) return;
    this.#abort.abort();
    this.store.dispatch({ type: 'stopped', of: active.shape.kind === 'edit' ? 'run' : 'sheet' });
  }

  /** Puts a cell of the sheet into the history and takes over its knobs and seed. */
  adopt(index: number): void {
    const { sheet, tree } = this.#state;
    const cell = sheet?.cells[index];
    if (sheet === undefined || cell?.result === undefined) return;
    const { textGuidance, imageGuidance, seed } = cell.parameters;
    this.change({ textGuidance, imageGuidance, seed, seedLocked: true });
    const known = tree.nodes.find((node) => node.picture === cell.result);
    if (known !== undefined) this.select(known.id);
    else this.#add(cell.result, sheet.source, editOrigin(cell));
    this.store.dispatch({ type: 'showSheet', shown: false });
  }

  showSheet(shown: boolean): void {
    this.store.dispatch({ type: 'showSheet', shown });
  }

  // Mask

  /** Opens or closes the painting of the mask; the first time with a brush that suits the picture. */
  setMasking(on: boolean): void {
    const picture = selectedNode(this.#state.tree)?.picture;
    if (picture === undefined) return;
    if (on && this.#state.mask === undefined) {
      const mask = emptyMask(picture.width, picture.height);
      this.maskChanged(mask);
      this.store.dispatch({ type: 'brush', brush: { mode: 'paint', radius: suitableRadius(mask) } });
      this.feather(suitableFeather(mask));
    }
    this.store.dispatch({ type: 'masking', on });
  }

  brush(brush: Partial<Brush>): void {
    this.store.dispatch({ type: 'brush', brush });
  }

  feather(pixels: number): void {
    this.store.dispatch({ type: 'feather', pixels });
  }

  /** Tells the state that the mask's bytes changed. */
  maskChanged(mask: Mask): void {
    const coverage = maskCoverage(mask);
    const version = (this.#state.mask?.version ?? 0) + 1;
    this.store.dispatch({ type: 'mask', mask: { mask, coverage, version } });
  }

  async #begin(
    shape: RunShape,
    source: string | undefined,
    cells: (parameters: EditParameters) => readonly Cell[],
  ): Promise<void> {
    const model = currentModel(this.#state);
    const node = findNode(this.#state.tree, source);
    const instruction = this.#state.instruction.trim();
    if (activeRun(this.#state) !== undefined || model === undefined || node === undefined) return;
    if (instruction === '') return;
    const turn = ++this.#turn;
    if (!this.#state.settings.seedLocked) this.change({ seed: randomSeed(this.#random) });
    const { settings, mask, feather } = this.#state;
    // A mask without a painted pixel would forbid every change; nobody means that.
    const painted =
      mask !== undefined &&
      mask.coverage > 0 &&
      mask.mask.width === node.picture.width &&
      mask.mask.height === node.picture.height
        ? mask.mask
        : undefined;
    const parameters: EditParameters = {
      ...resolveSettings(settings, model),
      instruction,
      negative: settings.negative.trim(),
      seed: settings.seed,
      model: model.id,
      masked: painted !== undefined,
    };
    if (shape.kind !== 'edit') this.#dropSheet();
    if (node.id !== this.#state.tree.selected) this.select(node.id);
    const run: EditRun = {
      shape,
      source: node.id,
      cells: cells(parameters),
      mask: undefined,
      feather,
      outputFormat: settings.outputFormat,
    };
    const slot = shape.kind === 'edit' ? 'run' : 'sheet';
    const first = { type: 'started', nowMs: this.#now() } as const;
    this.store.dispatch({ type: 'begin', run });
    // Started before the mask is packed, so that a second click finds a run under way.
    this.store.dispatch({ type: 'cell', of: slot, index: 0, event: first });
    if (painted !== undefined) {
      const packed = await this.#options.tools.maskPng(painted);
      const started = this.#state[slot];
      // Cancelled meanwhile, and perhaps begun anew.
      if (started === undefined || turn !== this.#turn || activeRun(this.#state) === undefined) return;
      this.store.dispatch({ type: 'begin', run: { ...started, mask: packed } });
    }
    await this.#drive(slot);
  }

  async #drive(slot: RunSlot): Promise<void> {
    this.#abort = new AbortController();
    await driveCells(slot, this.#abort.signal, {
      store: this.store,
      server: this.#options.server,
      tools: this.#options.tools,
      now: this.#now,
      onDone: (index) => slot === 'run' && this.#keep(index),
    });
  }

  /** A single edit goes into the history by itself; it is shown unless the user has gone elsewhere. */
  #keep(index: number): void {
    const { run, tree } = this.#state;
    const cell = run?.cells[index];
    if (run === undefined || cell?.result === undefined) return;
    this.#add(cell.result, run.source, editOrigin(cell), tree.selected === run.source);
  }

  /** Lets go of a sheet's pictures that are not in the history. */
  #dropSheet(): void {
    const results = this.#state.sheet?.cells.map((cell) => cell.result) ?? [];
    this.store.dispatch({ type: 'dropSheet' });
    this.#release(results.filter((result) => result !== undefined));
  }

  /** Lets go of pictures that nothing in the state shows any more. */
  #release(pictures: readonly Picture[]): void {
    const { tree, offers, sheet } = this.#state;
    const shown = new Set([
      ...tree.nodes.map((node) => node.picture),
      ...(offers?.scenes.map((scene) => scene.picture) ?? []),
      ...(sheet?.cells.map((cell) => cell.result) ?? []),
    ]);
    for (const picture of pictures) if (!shown.has(picture)) this.#options.tools.release(picture.url);
  }
}

function editOrigin(cell: Cell): Origin {
  return { kind: 'edit', parameters: cell.parameters, elapsedMs: cell.elapsedMs ?? 0 };
}
