import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { INK, nominal, quantity, SEQUENTIAL, SERIES_COLOURS } from 'lowrank-notebook/internal';
import { movingFigure, short, slider } from './moving';

/** The answers of a classifier. */
export interface ThresholdExplorerOptions {
  /** Whether each example is positive. */
  readonly labels: readonly boolean[];
  /** The probability of yes for each example. */
  readonly probabilities: readonly number[];
  /** The initial threshold. @defaultValue 0.5 */
  readonly threshold?: number;
  /** @defaultValue `Turning the threshold` */
  readonly title?: string;
}

const STEP = 0.01;

/** Counts and scores, as percentages, of the answers `probability ≥ threshold`; null where a score is not defined. */
function scoresAt(threshold: number, { labels, probabilities }: ThresholdExplorerOptions) {
  const answers = probabilities.map((probability) => probability >= threshold);
  const count = (label: boolean, answer: boolean) => labels.filter((each, i) => each === label && answers[i] === answer).length;
  const [tp, fp, fn, tn] = [count(true, true), count(false, true), count(true, false), count(false, false)];
  const ratio = (part: number, whole: number) => (whole > 0 ? (100 * part) / whole : null);
  return { threshold, tp, fp, fn, tn, precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn), f1: ratio(2 * tp, 2 * tp + fp + fn) };
}

const SCORES = { precision: 'precision', recall: 'recall', f1: 'F1' } as const;

/** The four counts, precision, recall and F1, and the point on the curve of precision and recall, with a slider for the threshold. */
export function thresholdExplorer(options: ThresholdExplorerOptions): Figure {
  checkKnown('thresholdExplorer', options, ['labels', 'probabilities', 'threshold', 'title']);
  const { labels, probabilities, threshold: start = 0.5, title = 'Turning the threshold' } = options;
  if (labels.length === 0 || labels.length !== probabilities.length) {
    throw new ArgumentError(`there are ${labels.length} labels and ${probabilities.length} probabilities; pass as many, and at least one`);
  }
  const outside = probabilities.find((each) => !(each >= 0 && each <= 1));
  if (outside !== undefined) throw new ArgumentError(`the probability ${outside} is not in 0…1`);
  const rows = Array.from({ length: 101 }, (_, index) => scoresAt(Number((index * STEP).toFixed(2)), options));
  const counts = rows.flatMap(({ threshold, tp, fp, fn, tn }) => [
    { threshold, said: 'yes', is: 'yes', count: tp, name: 'true positives' },
    { threshold, said: 'yes', is: 'no', count: fp, name: 'false positives' },
    { threshold, said: 'no', is: 'yes', count: fn, name: 'false negatives' },
    { threshold, said: 'no', is: 'no', count: tn, name: 'true negatives' },
  ]);
  const isHere = 'abs(datum.threshold - threshold) < 0.005';
  const side = (field: string, name: string) => ({
    field,
    type: 'nominal',
    sort: ['yes', 'no'],
    title: name,
    axis: { ticks: false, domain: false, labelAngle: 0 },
  });
  const table = {
    width: 176,
    height: 200,
    data: { values: counts },
    transform: [{ filter: isHere }],
    encoding: { x: side('said', 'the model says'), y: side('is', 'the label is') },
    layer: [
      {
        mark: { type: 'rect' },
        encoding: {
          color: { field: 'count', type: 'quantitative', scale: { range: SEQUENTIAL, domain: [0, 3 * labels.length] }, legend: null },
          tooltip: [nominal('name', 'kind'), quantity('count', 'examples')],
        },
      },
      { mark: { type: 'text', fontSize: 18, dy: -6, color: INK }, encoding: { text: quantity('count') } },
      { mark: { type: 'text', fontSize: 10, dy: 12, color: INK }, encoding: { text: nominal('name') } },
    ],
  };
  const names = Object.values(SCORES);
  const long = rows.flatMap((row) =>
    (['precision', 'recall', 'f1'] as const).flatMap((key) => {
      const value = row[key];
      return value === null ? [] : [{ threshold: row.threshold, score: SCORES[key], value: short(value) }];
    }),
  );
  const color = {
    field: 'score',
    type: 'nominal',
    title: null,
    scale: { domain: names, range: SERIES_COLOURS.slice(0, 3) },
    legend: { orient: 'top' },
  };
  const x = {
    field: 'threshold',
    type: 'quantitative',
    title: 'threshold',
    scale: { domain: [0, 1] },
    axis: { grid: false, tickCount: 5 },
  };
  const y = { field: 'value', type: 'quantitative', title: 'score (%)', scale: { domain: [0, 100] } };
  const told = [nominal('score', 'score'), quantity('threshold', 'threshold'), quantity('value', '%', '.1f')];
  const dash = {
    field: 'score',
    type: 'nominal',
    scale: {
      domain: names,
      range: [
        [1, 0],
        [6, 3],
        [2, 2],
      ],
    },
    legend: null,
  };
  const here = { transform: [{ filter: isHere }] };
  const byThreshold = {
    width: 190,
    height: 200,
    data: { values: long },
    layer: [
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color, strokeDash: dash } },
      { ...here, mark: { type: 'rule', strokeDash: [4, 4], color: INK }, encoding: { x } },
      { ...here, mark: { type: 'point', filled: true, opacity: 1, size: 90 }, encoding: { x, y, color, tooltip: told } },
    ],
  };
  const curve = rows.flatMap((row) =>
    row.precision === null || row.recall === null
      ? []
      : [{ ...row, precision: short(row.precision), recall: short(row.recall), f1: short(row.f1 ?? 0) }],
  );
  const recall = { field: 'recall', type: 'quantitative', title: 'recall (%)', scale: { domain: [0, 100] }, axis: { grid: false } };
  const precision = { field: 'precision', type: 'quantitative', title: 'precision (%)', scale: { domain: [0, 100] } };
  const place = ['threshold', 'precision', 'recall', 'f1'].map((field) => quantity(field, field === 'f1' ? 'F1' : field, '.3~g'));
  const base = (100 * labels.filter(Boolean).length) / labels.length;
  const byRecall = {
    width: 160,
    height: 200,
    data: { values: curve },
    layer: [
      {
        mark: { type: 'line', strokeWidth: 2, color: INK },
        encoding: { x: recall, y: precision, order: quantity('threshold') },
      },
      { mark: { type: 'point', filled: true, opacity: 1, size: 16, color: INK }, encoding: { x: recall, y: precision, tooltip: place } },
      { data: { values: [{}] }, mark: { type: 'rule', strokeDash: [4, 4], color: INK }, encoding: { y: { datum: short(base) } } },
      {
        data: { values: [{ name: 'always yes' }] },
        mark: { type: 'text', align: 'left', baseline: 'middle', dx: 9, color: INK },
        encoding: { x: { value: 'width' }, y: { datum: short(base) }, text: nominal('name') },
      },
      {
        ...here,
        mark: { type: 'point', filled: true, opacity: 1, size: 140, color: SERIES_COLOURS[2] },
        encoding: { x: recall, y: precision, tooltip: place },
      },
    ],
  };
  const best = rows.reduce((a, b) => ((b.f1 ?? 0) > (a.f1 ?? 0) ? b : a));
  const first = scoresAt(start, options);
  const percent = (value: number | null) => (value === null ? 'not defined' : `${value.toFixed(1)} %`);
  const { tp, fp, fn, tn } = first;
  return movingFigure(
    [slider('threshold', 'threshold', [0, 1, STEP], start)],
    { title, hconcat: [table, byThreshold, byRecall], spacing: 24, resolve: { scale: { color: 'independent' } } },
    `${title}, with a slider. At ${start}: ${tp} true and ${fp} false positives, ${fn} false and ${tn} true negatives, precision ` +
      `${percent(first.precision)}, recall ${percent(first.recall)}, F1 ${percent(first.f1)}. Of all steps of the slider, ${best.threshold} has the highest F1, ${percent(best.f1)}.`,
  );
}
