import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/http.js';
import type { EditEvent, EditRequest, ImageModel, RecalledParameters } from '../api/images.js';
import { EditController } from './edit-controller.js';
import { stroke } from './edit-mask.js';
import { runFigures } from './edit-run.js';
import type { EditArchive } from './edit-services.js';
import { DEFAULT_EDIT_SETTINGS } from './edit-settings.js';
import { activeRun } from './edit-state.js';
import { type EditNode, nodeTitle, selectedNode } from './edit-tree.js';

const MODEL: ImageModel = {
  id: 'toy',
  hash: 'ab',
  nativeSide: 64,
  isDefault: true,
  description: '',
  defaults: { steps: 20, sampler: 'ddim', textGuidance: 2, imageGuidance: 1.2 },
  samplers: ['ddim'],
  limits: { steps: [1, 100], textGuidance: [1, 20], imageGuidance: [1, 5], instructionCharacters: 2000 },
};

const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
const png = (text: string) => new Blob([text], { type: 'image/png' });

interface Setup {
  readonly models?: () => Promise<readonly ImageModel[]>;
  readonly recall?: RecalledParameters;
  readonly archived?: readonly EditNode[];
}

/** A controller over a server fed by hand. */
function open({ models = async () => [MODEL], recall, archived = [] }: Setup = {}) {
  const requests: { readonly request: EditRequest; readonly signal: AbortSignal }[] = [];
  const urls = new Set<string>();
  const kept = new Map<string, EditNode>();
  let made = 0;
  let push: (event: EditEvent | Error) => void = () => undefined;
  const url = () => {
    const made_ = `blob:${made++}`;
    urls.add(made_);
    return made_;
  };
  const archive: EditArchive = {
    load: async () => archived,
    put: async (node) => void kept.set(node.id, node),
    remove: async (ids) => {
      for (const id of ids) kept.delete(id);
    },
  };
  const edit = new EditController({
    server: {
      models,
      async *edit(request, signal) {
        requests.push({ request, signal });
        for (;;) {
          const event = await new Promise<EditEvent | Error>((resolve, reject) => {
            push = resolve;
            signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          });
          if (event instanceof Error) throw event;
          yield event;
          if (event.type === 'result') return;
        }
      },
      scene: async (seed) => ({ image: png(`scene ${seed}`), seed, suggestions: ['make it red'] }),
      recall: async () => recall,
    },
    tools: {
      open: async (blob) => {
        if (blob.type === 'text/plain') throw new Error('This is no picture.');
        return { blob, url: url(), width: 8, height: 6 };
      },
      url,
      release: (released) => void urls.delete(released),
      maskPng: async () => png('mask'),
    },
    settings: { ...DEFAULT_EDIT_SETTINGS, seed: 3, seedLocked: true },
    saveSettings: () => undefined,
    archive,
    now: () => 0,
    random: () => 0.25,
    defer: (run) => run(),
  });
  const feed = async (event: EditEvent | Error) => {
    await settle();
    push(event);
    await settle();
  };
  const state = () => edit.store.get();
  return {
    edit,
    state,
    feed,
    finish: () => feed({ type: 'result', image: png('result'), seed: 3 }),
    requests,
    urls,
    kept,
    titles: () => state().tree.nodes.map(nodeTitle),
  };
}

/** The same with a picture opened and an instruction written. */
async function openReady(setup?: Setup) {
  const all = open(setup);
  await all.edit.connect();
  await all.edit.openFile(png('source'), 'photo.png');
  all.edit.instruct('make it red');
  return all;
}

describe('connecting', () => {
  it('finds the model, offers scenes and restores the history', async () => {
    const node: EditNode = {
      id: 'old',
      parent: undefined,
      picture: { blob: png('old'), url: 'blob:old', width: 1, height: 1 },
      origin: { kind: 'file', name: 'old.png' },
    };
    const { edit, state } = open({ archived: [node] });
    await edit.connect();
    expect(state().models).toMatchObject({ state: 'ready' });
    expect(state().offers?.scenes.map((scene) => scene.seed)).toEqual([0, 1, 2]);
    expect(selectedNode(state().tree)?.id).toBe('old');
    await edit.connect();
    expect(state().tree.nodes).toHaveLength(1);
  });

  it('says when there is no model, or no answer', async () => {
    const none = open({ models: async () => [] });
    await none.edit.connect();
    expect(none.state().models).toEqual({ state: 'ready', models: [] });
    expect(none.state().offers).toBeUndefined();
    const closed = open({
      models: async () => {
        throw new ApiError('Wrong key', 401, 'invalid_api_key');
      },
    });
    await closed.edit.connect();
    expect(closed.state().models).toMatchObject({ state: 'failed', error: { status: 401 } });
  });

  it('opens a scene on offer, and another one', async () => {
    const { edit, state, titles } = open();
    await edit.connect();
    edit.openOffer(state().offers!.scenes[1]!);
    await edit.openScene(7);
    expect(titles()).toEqual(['Scene 1', 'Scene 7']);
    edit.home();
    expect([selectedNode(state().tree), state().tree.nodes.length]).toEqual([undefined, 2]);
  });
});

describe('a file', () => {
  it('made here brings its settings along', async () => {
    const { edit, state } = open({ recall: { instruction: 'make it blue', seed: 99, steps: 11 } });
    await edit.connect();
    await edit.openFile(png('x'), 'x.png');
    expect(state().recalled?.parameters.instruction).toBe('make it blue');
    edit.takeRecalled();
    expect(state()).toMatchObject({
      instruction: 'make it blue',
      recalled: undefined,
      settings: { seed: 99, seedLocked: true, steps: 11 },
    });
  });

  it('that is no picture changes nothing but a message', async () => {
    const { edit, state } = await openReady();
    await edit.openFile(new Blob(['x'], { type: 'text/plain' }), 'x.txt');
    expect(state().openError?.message).toBe('This is no picture.');
    expect(state().tree.nodes).toHaveLength(1);
  });
});

describe('an edit', () => {
  it('sends the settings, shows previews and goes into the history', async () => {
    const { edit, state, feed, finish, requests, urls, kept, titles } = await openReady();
    const before = urls.size;
    const ended = edit.edit();
    await feed({ type: 'progress', step: 1, steps: 20, etaSeconds: 2 });
    expect(runFigures(state().run!)).toMatchObject({ running: true, share: 0.05, etaSeconds: 2 });
    await feed({ type: 'preview', image: png('p'), step: 5, steps: 20 });
    expect(urls.has(state().run!.cells[0]!.preview!)).toBe(true);
    await finish();
    await ended;
    expect(titles()).toEqual(['photo.png', 'make it red']);
    expect(selectedNode(state().tree)).toMatchObject({ parent: state().tree.nodes[0]!.id });
    expect(kept.size).toBe(2);
    expect(activeRun(state())).toBeUndefined();
    expect(urls.size).toBe(before + 1); // the result; the preview is let go
    expect(requests[0]!.request).toMatchObject({
      instruction: 'make it red',
      seed: 3,
      textGuidance: 2,
      steps: 20,
      model: 'toy',
      outputFormat: 'png',
    });
    expect(requests[0]!.request.mask).toBeUndefined();
    expect(await requests[0]!.request.image.text()).toBe('source');
  });

  it('chains from the last pixels, is undone, tried again and reused', async () => {
    const { edit, state, finish, requests, titles } = await openReady();
    void edit.edit();
    await finish();
    edit.instruct('remove it');
    void edit.edit();
    await finish();
    expect(await requests[1]!.request.image.text()).toBe('result');
    edit.instruct('');
    edit.undo();
    expect(state().instruction).toBe('remove it');
    expect(nodeTitle(selectedNode(state().tree)!)).toBe('make it red');
    // Again from the photograph, with other settings: a branch beside the first edit.
    edit.change({ textGuidance: 3 });
    edit.instruct('make it green');
    void edit.tryAgain();
    await finish();
    expect(await requests[2]!.request.image.text()).toBe('source');
    expect(requests[2]!.request.textGuidance).toBe(3);
    expect(titles()).toEqual(['photo.png', 'make it red', 'remove it', 'make it green']);
    edit.reuse(state().tree.nodes[1]!);
    expect(state()).toMatchObject({ instruction: 'make it red', settings: { textGuidance: 2 } });
  });

  it('draws a seed unless it is locked', async () => {
    const { edit, finish, requests } = await openReady();
    edit.change({ seedLocked: false });
    void edit.edit();
    await finish();
    expect(requests[0]!.request.seed).toBe(250_000);
  });

  it('stops at once and closes the connection; nothing is kept', async () => {
    const { edit, state, feed, requests, titles } = await openReady();
    const ended = edit.edit();
    await feed({ type: 'progress', step: 1, steps: 20, etaSeconds: 2 });
    edit.cancel();
    await ended;
    expect(requests[0]!.signal.aborted).toBe(true);
    expect(activeRun(state())).toBeUndefined();
    expect(titles()).toEqual(['photo.png']);
  });

  it('shows a failure and can be repeated', async () => {
    const { edit, state, feed, finish, titles } = await openReady();
    const ended = edit.edit();
    await feed(new ApiError('No memory left', 503, 'overloaded'));
    await ended;
    expect(runFigures(state().run!).error?.message).toBe('No memory left');
    void edit.edit();
    await finish();
    expect(titles()).toEqual(['photo.png', 'make it red']);
  });

  it('is one at a time, and none without an instruction', async () => {
    const { edit, finish, requests } = await openReady();
    void edit.edit();
    await edit.edit();
    await edit.grid([1, 2], [1.2]);
    await finish();
    edit.instruct('  ');
    await edit.edit();
    expect(requests).toHaveLength(1);
  });

  it('does not pull the user back from another picture', async () => {
    const { edit, state, finish, titles } = await openReady();
    void edit.edit();
    await edit.openFile(png('other'), 'other.png');
    await finish();
    expect(titles()).toEqual(['photo.png', 'other.png', 'make it red']);
    expect(nodeTitle(selectedNode(state().tree)!)).toBe('other.png');
  });

  it('of a picture that is removed ends', async () => {
    const { edit, state, requests, urls, kept } = await openReady();
    const offered = state().offers!.scenes.length;
    const ended = edit.edit();
    await settle();
    edit.remove(selectedNode(state().tree)!.id);
    await ended;
    expect(requests[0]!.signal.aborted).toBe(true);
    expect([state().tree.nodes.length, kept.size, urls.size]).toEqual([0, 0, offered]);
  });
});

describe('a sheet', () => {
  it('tries every combination one after another; a chosen one goes into the history', async () => {
    const { edit, state, finish, requests, titles } = await openReady();
    const ended = edit.grid([1.5, 3], [1, 1.2]);
    for (let cell = 0; cell < 4; cell++) await finish();
    await ended;
    expect(
      requests.map(({ request }) => [request.textGuidance, request.imageGuidance, request.seed]),
    ).toEqual([
      [1.5, 1, 3],
      [3, 1, 3],
      [1.5, 1.2, 3],
      [3, 1.2, 3],
    ]);
    expect(titles()).toEqual(['photo.png']);
    expect(state().sheetShown).toBe(true);
    edit.adopt(1);
    expect(state().settings).toMatchObject({ textGuidance: 3, imageGuidance: 1 });
    expect([titles(), state().sheetShown]).toEqual([['photo.png', 'make it red'], false]);
    edit.adopt(1); // the same again is no second picture
    expect(titles()).toHaveLength(2);
  });

  it('is cancelled between its cells and goes on where it was', async () => {
    const { edit, state, finish, requests } = await openReady();
    const ended = edit.seeds(3, 40);
    await finish();
    edit.cancel();
    await ended;
    expect(state().sheet?.cells.map((cell) => cell.status)).toEqual(['done', 'stopped', 'stopped']);
    const resumed = edit.resume();
    await finish();
    await finish();
    await resumed;
    expect(state().sheet?.cells.map((cell) => cell.status)).toEqual(['done', 'done', 'done']);
    // The second was under way when it was cancelled, so it was asked for twice.
    expect(requests.map(({ request }) => request.seed)).toEqual([40, 41, 41, 42]);
  });

  it('stops at the first failure', async () => {
    const { edit, state, finish, feed } = await openReady();
    const ended = edit.seeds(3, 1);
    await finish();
    await feed(new ApiError('Gone', 0, 'offline'));
    await ended;
    expect(state().sheet?.cells.map((cell) => cell.status)).toEqual(['done', 'error', 'stopped']);
  });

  it('of an instruction just followed starts from the picture before, and lets old pictures go', async () => {
    const { edit, finish, requests, urls } = await openReady();
    void edit.edit();
    await finish();
    const held = urls.size;
    for (let time = 0; time < 2; time++) {
      const ended = edit.seeds(2, 1);
      await finish();
      await finish();
      await ended;
    }
    expect(await requests.at(-1)!.request.image.text()).toBe('source');
    expect(urls.size).toBe(held + 2);
  });
});

describe('the mask', () => {
  it('is sent when something is painted', async () => {
    const { edit, state, finish, requests } = await openReady();
    edit.setMasking(true);
    const { mask } = state().mask!;
    expect([mask.width, mask.height, state().masking]).toEqual([8, 6, true]);
    void edit.edit();
    await finish();
    expect(requests[0]!.request.mask).toBeUndefined(); // nothing painted forbids nothing
    edit.undo();
    edit.setMasking(true);
    const painted = state().mask!.mask;
    stroke(painted, { x: 2, y: 2 }, { x: 4, y: 4 }, 1, 'paint');
    edit.maskChanged(painted);
    edit.feather(2);
    void edit.edit();
    await finish();
    expect(requests[1]!.request).toMatchObject({ feather: 2 });
    expect(await requests[1]!.request.mask?.text()).toBe('mask');
    expect(selectedNode(state().tree)?.origin).toMatchObject({ parameters: { masked: true } });
  });

  it('cancelled while it is packed sends nothing', async () => {
    const { edit, state, requests } = await openReady();
    edit.setMasking(true);
    const { mask } = state().mask!;
    stroke(mask, { x: 2, y: 2 }, { x: 4, y: 4 }, 1, 'paint');
    edit.maskChanged(mask);
    const ended = edit.edit();
    edit.cancel();
    await ended;
    expect([requests.length, activeRun(state())]).toEqual([0, undefined]);
  });
});
