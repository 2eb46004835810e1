/**
 * @module
 * A rating study and a review in memory, for tests of routes. They throw as the real ones do.
 */
import type {
  PeopleSources,
  RatingSource,
  RatingState,
  ReviewSource,
  ReviewState,
} from '../people/sources.js';

class Problem extends Error {
  readonly problem: string;
  readonly field: string | undefined;

  constructor(problem: string, message: string, field?: string) {
    super(message);
    this.problem = problem;
    this.field = field;
  }
}

/** Names that take part; the token of `Ada` is `token of Ada`. */
class People {
  readonly #names = new Set<string>();

  join(name: string, resume: boolean | undefined): { token: string } {
    if (name === '') throw new Problem('bad-name', 'name must not be empty', 'name');
    if (this.#names.has(name) && resume !== true)
      throw new Problem('name-taken', `${name} takes part already`, 'name');
    this.#names.add(name);
    return { token: `token of ${name}` };
  }

  nameOf(token: string): string {
    const name = token.replace('token of ', '');
    if (!this.#names.has(name)) throw new Problem('unknown-person', 'nobody has this token');
    return name;
  }
}

export const fakePng: Uint8Array = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);

/** Three trials `t0`..`t2`, two candidates `c0` and `c1`; everybody shares what was said. */
export function fakePeople(): Required<PeopleSources> & { readonly said: unknown[] } {
  const people = new People();
  const said: unknown[] = [];
  const ratingState = (token: string): RatingState => ({
    name: people.nameOf(token),
    done: said.length,
    total: 3,
    trial: said.length < 3 ? { id: `t${said.length}`, instruction: `Instruction ${said.length}` } : undefined,
  });
  const reviewState = (token: string): ReviewState => ({
    name: people.nameOf(token),
    decided: said.length,
    accepted: 0,
    left: 2 - said.length,
    candidate: said.length < 2 ? candidate(`c${said.length}`) : undefined,
  });
  const undo = <State>(state: State): State => {
    if (said.pop() === undefined) throw new Problem('nothing-to-undo', 'nothing was said yet');
    return state;
  };
  const picture = async (id: string): Promise<Uint8Array> => {
    if (/^[tc]\d$/.test(id)) return fakePng;
    if (id === 'broken') throw new Problem('bad-image', '/secret/path.png is missing');
    throw new Problem('unknown-item', 'there is no such picture');
  };
  const rating: RatingSource = {
    protocol: {
      question: 'How well?',
      levels: [{ score: 0, label: 'Not done', meaning: 'Nothing.' }],
      rules: ['Look.'],
    },
    examples: [{ instruction: 'Move it', score: 100, reason: 'It moved.' }],
    trials: 3,
    join: (name, { resume }) => people.join(name, resume),
    state: ratingState,
    rate: (token, given) => {
      if (given.trial !== ratingState(token).trial?.id)
        throw new Problem('not-current', 'this trial was rated before', 'trial');
      said.push(given);
      return ratingState(token);
    },
    undo: (token) => undo(ratingState(token)),
    picture,
    examplePicture: (index) => picture(`t${index}`),
  };
  const review: ReviewSource = {
    reasons: [{ id: 'camera', label: 'The camera moved' }],
    candidates: [{}, {}],
    join: (name, { resume }) => people.join(name, resume),
    state: reviewState,
    decide: (token, decision) => {
      said.push(decision);
      return reviewState(token);
    },
    undo: (token) => undo(reviewState(token)),
    picture,
  };
  return { rating, review, said };
}

const candidate = (id: string) => ({
  id,
  width: 8,
  height: 8,
  clip: 'clip.mp4',
  firstSeconds: 1,
  lastSeconds: 2.5,
  instruction: 'Move it',
  remarks: ['One region changed.'],
  input: '/secret/path.png',
});
