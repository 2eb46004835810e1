/**
 * The format that curation hands to review: `candidates.json` in a folder, with the pictures beside. Nothing here
 * computes anything.
 *
 * @module
 */

/** Why a pair of frames is not offered for review. */
export const rejectionReasons = [
  /** A change of shot lies between the frames. */
  'cut',
  /** The camera moved, however little. */
  'camera-motion',
  /** Nothing changed beyond noise. */
  'no-change',
  /** More changed than one action explains, by area or by number of regions. */
  'too-much-change',
  /** The two frames look too alike to an image embedding. */
  'embedding-near',
  /** The two frames look too different to an image embedding. */
  'embedding-far',
  /** A frame is blurred, black, white or flat. */
  'quality',
  /** The same pair, nearly, was found before. */
  'duplicate',
  /** The caption is of a kind that gives no visible edit. */
  'caption',
  /** Better pairs of the same clip filled its quota. */
  'quota',
] as const;
export type RejectionReason = (typeof rejectionReasons)[number];

/** What was measured of a pair. Lengths are shares of the frame's diagonal, areas shares of the frame: no pixels. */
export interface PairScores {
  /** Largest difference between consecutive frames between the two, 0 (none) .. 1; a cut is above the limit. */
  readonly cut: number;
  /** Displacement of the background between the frames, share of the diagonal. */
  readonly cameraMotion: number;
  /** Share of the frame that changed, after alignment of exposure and above the noise floor. */
  readonly changed: number;
  /** Share of an 8x6 grid's cells that the change reaches. */
  readonly extent: number;
  /** Connected pieces of clear change, specks left out. */
  readonly regions: number;
  /** Changed area over the area of the boxes around what is connected, 0..1; 0 when nothing changed. */
  readonly compactness: number;
  /** Root mean square difference outside the regions, levels of 255. */
  readonly outside: number;
  /** Cosine distance of the two frames' embeddings, 0..2. */
  readonly distance: number;
  /** Sharpness of the worse frame over that of the clip's sharpest sampled frame, 0..1. */
  readonly sharpness: number;
  /** Share of the frame that is changing from frame to frame right at the busier of the two frames, 0..1. */
  readonly moving: number;
  /** What candidates are ranked by, 0..1: 1 is a change in one small compact region and nowhere else, between two rests. */
  readonly minimality: number;
}

/** A pair that passed all filters and waits for a person. */
export interface Candidate {
  /** Stable over runs (from clip content and times); letters, digits, `-` and `_` only. */
  readonly id: string;
  /** Picture before, PNG; path relative to the folder of `candidates.json`, with `/`. */
  readonly input: string;
  /** Picture after, of the same size. */
  readonly output: string;
  /** What changed, grey PNG of the same size: 255 changed, 0 not. */
  readonly mask: string;
  readonly width: number; // pixels of all three
  readonly height: number;
  /** File name of the clip, without its folder. */
  readonly clip: string;
  /** Where the two frames are in the clip. */
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  /** Caption of the clip as its side-car has it. */
  readonly caption?: string;
  /** The caption as an edit instruction: what the review page starts with. */
  readonly instruction?: string;
  readonly scores: PairScores;
  /** Short sentences for the reviewer: what is good about the pair, what to look at. */
  readonly remarks: readonly string[];
}

/** Name of the file in the folder. */
export const candidatesFileName = 'candidates.json';

/** Contents of `candidates.json`. */
export interface CandidateFile {
  readonly format: 'triptych-candidates';
  readonly version: 1;
  /** How distances were measured: CLIP weights of the user, or the descriptor that needs none. */
  readonly embedding: 'clip' | 'descriptor';
  /** Clips looked at, pairs looked at, and how many fell to each reason (a pair can fall to several). */
  readonly clips: number;
  readonly pairs: number;
  readonly rejected: Readonly<Partial<Record<RejectionReason, number>>>;
  /** Clips that could not be read to their end. */
  readonly failed: readonly { readonly clip: string; readonly message: string }[];
  /** Best first. */
  readonly candidates: readonly Candidate[];
}

/** One line of `rejections.jsonl`. */
export interface RejectedPair {
  readonly clip: string;
  readonly firstSeconds: number;
  readonly lastSeconds: number;
  readonly reasons: readonly RejectionReason[];
  /** What was measured before the pair fell; filters that were not reached are missing. */
  readonly scores: Partial<PairScores>;
}

/** A row of AURORA's `train.json`: what an accepted candidate becomes. Paths are relative to the data folder. */
export interface CuratedRow {
  readonly instruction: string;
  readonly input: string;
  readonly output: string;
  /** Where the row comes from. */
  readonly clip: string;
  readonly mask: string;
}
