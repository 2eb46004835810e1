import { PeopleDatabase } from '../people/database.js';
import { type Skill, skillOfTask, skills } from './skills.js';
import {
  type Agreement,
  type CellMean,
  cellMeans,
  fleissKappa,
  meanOfMeans,
  type Rating,
  type WeightedMean,
} from './statistics.js';
import { studyDatabase } from './study-schema.js';

/** A rating as it is exported. Raters are numbered in the order they joined; their names stay in the database. */
export interface RatingRecord extends Rating {
  readonly comment: string;
  readonly milliseconds: number | undefined;
  /** ISO 8601. */
  readonly rated: string;
}

/** How a model does over all tasks: the mean of the four skill means, each the mean of its tasks. */
export interface OverallMean {
  readonly model: string;
  readonly skills: Readonly<Partial<Record<Skill, WeightedMean>>>;
  /** Undefined while a skill has no rating. */
  readonly overall: WeightedMean | undefined;
}

/** Everything that a study says so far. */
export interface StudyResults {
  /** SHA-256 over the study's items. */
  readonly study: string;
  readonly raters: readonly { readonly rater: string; readonly ratings: number; readonly total: number }[];
  readonly cells: readonly CellMean[];
  readonly overall: readonly OverallMean[];
  readonly agreement: Agreement | undefined;
  readonly agreementByTask: readonly { readonly task: string; readonly agreement: Agreement }[];
  /** Tasks that belong to none of the four skills, so not to the overall mean. */
  readonly otherTasks: readonly string[];
}

/**
 * Reads the ratings of a study; also while people rate.
 * @throws PeopleError `not-a-database`
 */
export function readRatings(database: string): { readonly study: string; readonly ratings: RatingRecord[] } {
  using open = PeopleDatabase.open(database, studyDatabase, { shared: true });
  const study = open.get<{ value: string }>("SELECT value FROM study WHERE key = 'digest'");
  const rows = open.all<{
    task: string;
    item: string;
    model: string;
    rater: number;
    score: number;
    comment: string;
    milliseconds: number | null;
    rated: string;
  }>(
    `SELECT task, item, model, rater.number + 1 AS rater, score, comment, milliseconds, rated
     FROM rating JOIN trial ON trial.id = rating.trial JOIN output ON output.id = trial.output
     JOIN rater ON rater.id = trial.rater ORDER BY task, item, model, rater.number`,
  );
  return {
    study: study?.value ?? '',
    ratings: rows.map((row) => ({
      ...row,
      rater: `rater ${row.rater}`,
      milliseconds: row.milliseconds ?? undefined,
    })),
  };
}

/**
 * Means with standard errors (see `statistics.ts`), the overall mean of each model, and agreement.
 * @throws PeopleError `not-a-database`
 */
export function studyResults(database: string): StudyResults {
  const { study, ratings } = readRatings(database);
  const total = outputsIn(database);
  const cells = cellMeans(ratings);
  const tasks = [...new Set(ratings.map(({ task }) => task))];
  return {
    study,
    raters: ratersOf(ratings).map((rater) => ({
      rater,
      ratings: ratings.filter((rating) => rating.rater === rater).length,
      total,
    })),
    cells,
    overall: [...new Set(cells.map(({ model }) => model))].sort().map((model) =>
      overallMean(
        model,
        cells.filter((cell) => cell.model === model),
      ),
    ),
    agreement: fleissKappa(ratings),
    agreementByTask: tasks.flatMap((task) => {
      const agreement = fleissKappa(ratings.filter((rating) => rating.task === task));
      return agreement === undefined ? [] : [{ task, agreement }];
    }),
    otherTasks: tasks.filter((task) => skillOfTask[task] === undefined),
  };
}

/** The mean of four skill means from the cells of one model. Tasks share no items, so variances add. */
export function overallMean(model: string, cells: readonly CellMean[]): OverallMean {
  const bySkill = skills.flatMap((skill) => {
    const mean = meanOfMeans(cells.filter(({ task }) => skillOfTask[task] === skill));
    return mean === undefined ? [] : [[skill, mean] as const];
  });
  return {
    model,
    skills: Object.fromEntries(bySkill),
    overall: bySkill.length === skills.length ? meanOfMeans(bySkill.map(([, mean]) => mean)) : undefined,
  };
}

function outputsIn(database: string): number {
  using open = PeopleDatabase.open(database, studyDatabase, { shared: true });
  return open.get<{ n: number }>('SELECT count(*) AS n FROM output')!.n;
}

function ratersOf(ratings: readonly RatingRecord[]): string[] {
  const names = new Set(ratings.map(({ rater }) => rater));
  return [...names].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
