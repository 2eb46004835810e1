import type { RatingRecord, StudyResults } from './results.js';
import type { WeightedMean } from './statistics.js';

const columns = ['task', 'item', 'model', 'rater', 'score', 'milliseconds', 'rated', 'comment'] as const;

/** Ratings as CSV (RFC 4180), one line each. */
export function ratingsCsv(ratings: readonly RatingRecord[]): string {
  const lines = ratings.map((rating) => columns.map((column) => csvCell(rating[column])).join(','));
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`;
}

/** A quote before what a spreadsheet would run as a formula: comments come from anybody. */
function csvCell(value: string | number | undefined): string {
  if (value === undefined || typeof value === 'number') return String(value ?? '');
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Results as a Markdown table and what stands beneath it. */
export function formatResults(results: StudyResults): string {
  const models = results.overall.map(({ model }) => model);
  if (models.length === 0) return 'Nothing has been rated yet.\n';
  const tasks = [...new Set(results.cells.map(({ task }) => task))];
  const row = (name: string, of: (model: string) => string): string =>
    `| ${name} | ${models.map(of).join(' | ')} |`;
  const cell = (task: string, model: string): string => {
    const found = results.cells.find((one) => one.task === task && one.model === model);
    return found === undefined ? '' : `${withError(found)} (n ${found.items})`;
  };
  const { agreement } = results;
  return `${[
    row('task', (model) => model.replaceAll('|', '\\|')),
    `| --- | ${models.map(() => '---:').join(' | ')} |`,
    ...tasks.map((task) => row(task, (model) => cell(task, model))),
    row('overall', (model) => {
      const overall = results.overall.find((one) => one.model === model)?.overall;
      return overall === undefined ? 'needs all four skills' : withError(overall);
    }),
    '',
    'Mean of item means ± standard error over items (ratings of one item are one cluster): SE = sqrt(sum (m_i - m)^2 / (n (n - 1))), n items.',
    'Overall: mean of the means of object, action, reasoning and global tasks.',
    `Raters: ${results.raters.map(({ rater, ratings, total }) => `${rater} ${ratings} of ${total}`).join(', ')}.`,
    agreement === undefined
      ? 'Agreement: no output has two ratings yet.'
      : `Agreement: Fleiss' kappa ${agreement.kappa?.toFixed(3) ?? 'undefined (one score only)'}, ${(100 * agreement.observed).toFixed(1)} % of pairs agree, ${(100 * agreement.expected).toFixed(1)} % by chance, over ${agreement.outputs} outputs.`,
    ...(results.otherTasks.length === 0
      ? []
      : [`Not in the overall mean: ${results.otherTasks.join(', ')}.`]),
  ].join('\n')}\n`;
}

function withError({ mean, standardError }: WeightedMean): string {
  return `${mean.toFixed(1)} ± ${standardError?.toFixed(1) ?? '?'}`;
}
