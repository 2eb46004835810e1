/**
 * @module
 * Rating and review over HTTP, and which panels the server has at all.
 */

import type {
  GivenDecision,
  GivenRating,
  PanelsResponse,
  RatingProtocolBody,
  RatingStateBody,
  ReviewInfoBody,
  ReviewStateBody,
} from '@triptych/server';
import { type CallOptions, call } from './http.js';

export type {
  GivenDecision,
  GivenRating,
  PanelsResponse,
  RatingProtocolBody,
  RatingStateBody,
  ReviewInfoBody,
  ReviewStateBody,
};

/** What joining gives besides the position: the token that later calls are made with. */
export interface Joined {
  readonly token: string;
}

async function ask<Answer>(path: string, options: CallOptions, body?: unknown): Promise<Answer> {
  return (await (await call(path, options, body)).json()) as Answer;
}

/** Throws `ApiError`, as all functions here. */
export function fetchPanels(options: CallOptions): Promise<PanelsResponse> {
  return ask('api/panels', options);
}

/** The calls of a rater. */
export function ratingApi(options: () => CallOptions) {
  return {
    info: () => ask<RatingProtocolBody>('api/rate/protocol', options()),
    join: (name: string, resume: boolean) =>
      ask<RatingStateBody & Joined>('api/rate/raters', options(), { name, resume }),
    position: (token: string) =>
      ask<RatingStateBody>(`api/rate/state?rater=${encodeURIComponent(token)}`, options()),
    rate: (token: string, rating: GivenRating) =>
      ask<RatingStateBody>('api/rate/ratings', options(), { rater: token, ...rating }),
    undo: (token: string) => ask<RatingStateBody>('api/rate/undo', options(), { rater: token }),
  };
}

/** The calls of an annotator. */
export function reviewApi(options: () => CallOptions) {
  return {
    info: () => ask<ReviewInfoBody>('api/review/info', options()),
    join: (name: string, resume: boolean) =>
      ask<ReviewStateBody & Joined>('api/review/annotators', options(), { name, resume }),
    /** `after`: a candidate that is put off. */
    position: (token: string, after?: string) => {
      const query = new URLSearchParams({ annotator: token, ...(after === undefined ? {} : { after }) });
      return ask<ReviewStateBody>(`api/review/state?${query}`, options());
    },
    decide: (token: string, decision: GivenDecision) =>
      ask<ReviewStateBody>('api/review/decisions', options(), { annotator: token, ...decision }),
    undo: (token: string) => ask<ReviewStateBody>('api/review/undo', options(), { annotator: token }),
  };
}

export type RatingApi = ReturnType<typeof ratingApi>;
export type ReviewApi = ReturnType<typeof reviewApi>;
