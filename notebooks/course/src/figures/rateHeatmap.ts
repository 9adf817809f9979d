import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { GRID, INK, nominal, ordinal, SEQUENTIAL } from 'lowrank-notebook/internal';
import { movingFigure, short, slider } from './moving';

export interface RateRun {
  readonly learningRate: number;
  /** The other setting: α, or the rank. */
  readonly setting: number;
  /** The loss at the end; NaN or Infinity if the run diverged. */
  readonly loss: number;
}

export interface RateHeatmapOptions {
  /** What the rows are, for example `α` or `rank r`. */
  readonly settingTitle: string;
  /** @defaultValue `final loss (nats per token)` */
  readonly lossTitle?: string;
  /** The loss without training, for comparison in the title of the scale. */
  readonly untuned?: number;
  /** The loss at which the colour ends before the slider is moved. @defaultValue the highest */
  readonly colourUpTo?: number;
  /** @defaultValue `Final loss by learning rate and` the setting */
  readonly title?: string;
}

/**
 * The final loss of a grid of runs as a map: the lower, the stronger; the best has a frame and a star. A slider sets the loss at which the colour
 * ends, to look closer at the good ones. Runs that diverged have a cross.
 */
export function rateHeatmap(runs: readonly RateRun[], options: RateHeatmapOptions): Figure {
  checkKnown('rateHeatmap', options, ['settingTitle', 'lossTitle', 'untuned', 'colourUpTo', 'title']);
  const {
    settingTitle,
    lossTitle = 'final loss (nats per token)',
    untuned,
    colourUpTo,
    title = `Final loss by learning rate and ${settingTitle}`,
  } = options;
  const finite = runs.filter(({ loss }) => Number.isFinite(loss));
  if (finite.length === 0) throw new ArgumentError('rateHeatmap has no run with a finite loss; pass at least one');
  if (colourUpTo !== undefined && !finite.some(({ loss }) => loss < colourUpTo)) {
    throw new ArgumentError(`colourUpTo is ${colourUpTo}, and no loss is below it`);
  }
  const best = finite.reduce((a, b) => (b.loss < a.loss ? b : a));
  const worst = finite.reduce((a, b) => (b.loss > a.loss ? b : a));
  const text = (loss: number) => (Number.isFinite(loss) ? loss.toFixed(2) : '×');
  const values = runs.map(({ learningRate, setting, loss }) => ({
    rate: learningRate.toExponential().replace('e+', 'e'),
    setting,
    loss: short(loss),
    text: text(loss),
    star: '★',
    told: Number.isFinite(loss) ? loss.toFixed(3) : 'diverged',
  }));
  const rates = [...new Set(runs.map(({ learningRate }) => learningRate))]
    .sort((a, b) => a - b)
    .map((rate) => rate.toExponential().replace('e+', 'e'));
  const settings = [...new Set(runs.map(({ setting }) => setting))].sort((a, b) => b - a);
  const [low, high] = [best.loss, worst.loss > best.loss ? worst.loss : best.loss + 1];
  const axis = { ticks: false, domain: false, labelAngle: 0 };
  const place = {
    x: { field: 'rate', type: 'ordinal', sort: rates, title: 'learning rate', axis },
    y: { field: 'setting', type: 'ordinal', sort: settings, title: settingTitle, axis },
  };
  const tooltip = [nominal('rate', 'learning rate'), ordinal('setting', settingTitle), nominal('told', lossTitle)];
  const step = Number(((high - low) / 40).toPrecision(1));
  const inSteps = (count: number) => Number((count * step).toPrecision(4));
  const isBest = values.filter((_, index) => runs[index] === best);
  const { x, y } = place;
  const patch = { x, y: { ...y, bandPosition: 0.08 }, y2: { field: 'setting', bandPosition: 0.6 } }; // the number stands below, on the page
  const rect = { type: 'rect', width: { band: 0.86 } };
  const cells = {
    width: { step: 56 },
    height: { step: 44 },
    data: { values },
    layer: [
      {
        mark: { ...rect, stroke: GRID },
        encoding: {
          ...patch,
          color: {
            field: 'loss',
            type: 'quantitative',
            title: untuned === undefined ? lossTitle : [lossTitle, `untuned ${untuned.toFixed(2)}`],
            scale: {
              type: 'linear',
              domainMin: short(low),
              domainMax: { expr: 'limit' },
              range: [...SEQUENTIAL].reverse(),
              clamp: true,
              nice: false,
              zero: false,
            },
            legend: { gradientLength: 120, format: '.2f', tickCount: 4 },
          },
          tooltip,
        },
      },
      {
        data: { values: isBest },
        mark: { ...rect, filled: false, stroke: INK, strokeWidth: 3 },
        encoding: { ...patch, tooltip },
      },
      {
        mark: { type: 'text', color: INK, baseline: 'middle' },
        encoding: { x, y: { ...y, bandPosition: 0.8 }, text: nominal('text') },
      },
      {
        data: { values: isBest },
        mark: { type: 'text', color: INK, baseline: 'middle', fontWeight: 600, dx: 26 },
        encoding: { x, y: { ...y, bandPosition: 0.8 }, text: nominal('star') },
      },
    ],
  };
  const diverged = runs.length - finite.length;
  return movingFigure(
    [
      slider(
        'limit',
        'colour up to a loss of',
        [inSteps(Math.floor(low / step) + 1), inSteps(Math.ceil(high / step)), step],
        inSteps(colourUpTo === undefined ? Math.ceil(high / step) : Math.round(colourUpTo / step)),
      ),
    ],
    { title, ...cells },
    `${title}: the lowest is ${best.loss.toFixed(3)} at learning rate ${best.learningRate} and ${settingTitle} ${best.setting}, the highest ` +
      `${worst.loss.toFixed(3)} at ${worst.learningRate} and ${worst.setting}; ${diverged} of ${runs.length} runs diverged.`,
  );
}
