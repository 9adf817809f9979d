import { ArgumentError } from 'lowrank';
import {
  groupedBars,
  heatmaps,
  linePlot,
  lossCurve,
  lossCurves,
  parameterBars,
  scorePlot,
  stackedBars,
  tradeoffBubbles,
} from 'lowrank-notebook';
import { describe, expect, test } from 'vitest';
import { spread } from '../../lib/notebook/src/charts/lines/endLabels';
import { NumericAxis, niceTicks } from '../../lib/notebook/src/charts/numericAxis';
import { placeLabels } from '../../lib/notebook/src/charts/placeLabels';
import { compileChart } from '../../lib/notebook/src/svg';
import { textFaults } from './svgTexts';

/** The places of texts in an SVG, by their words. */
function heights(svg: string, words: readonly string[]): number[] {
  return words.map((word) => Number(new RegExp(`translate\\([^,]+,([-\\d.]+)\\)"[^>]*>${word}<`).exec(svg)?.[1]));
}

describe('an axis', () => {
  test('on a logarithmic scale is hardly wider than its data', () => {
    const axis = new NumericAxis([160_000, 920_000], { length: 400, kind: 'log' });
    expect(axis.domain[0]).toBeGreaterThan(145_000);
    expect(axis.domain[1]).toBeLessThan(1_000_000);
    expect(axis.ticks).toEqual([200_000, 500_000]);
  });

  test('has round ticks within its ends', () => {
    expect(niceTicks(0.3, 10, 5)).toEqual([2, 4, 6, 8, 10]);
    expect(niceTicks(-0.05, 0.05, 5)).toEqual([-0.04, -0.02, 0, 0.02, 0.04]);
  });

  test('of whole numbers has whole ticks', () => {
    expect(new NumericAxis([1, 2, 3, 4], { length: 1, count: 8 }).ticks).toEqual([1, 2, 3, 4]);
    expect(new NumericAxis([1, 2.5], { length: 1, count: 4 }).ticks).toEqual([1, 1.5, 2, 2.5]);
  });

  test('begins at 0 where its room would reach below it', () => {
    expect(new NumericAxis([0.1, 10], { length: 1 }).domain[0]).toBe(0);
  });
});

describe('names', () => {
  test('of lines with the same end stand one below the other', () => {
    expect(spread([100, 100, 20], 15, 200)).toEqual([100, 115, 20]);
    expect(spread([200, 199], 15, 200)).toEqual([200, 185]);
  });

  test('of bubbles at one place do not meet', () => {
    const marks = ['LoRA r=16, α=32', 'LoRA r=16, α=16'].map((text) => ({ text, x: 200, y: 100, radius: 20 }));
    const [one, other] = placeLabels(marks, 400, 200);
    expect(Math.abs((one?.y ?? 0) - (other?.y ?? 0))).toBeGreaterThan(14);
  });

  test('of points stay off the lines across a plot, and have a leader where they are far from their points', () => {
    const point = { text: 'prefix K=10', x: 100, y: 100, radius: 6 };
    const [near] = placeLabels([point], 300, 200, [100]);
    expect(Math.abs((near?.y ?? 100) - 100)).toBeGreaterThan(8);
    expect(near?.leader).toBeUndefined();
    const crowd = Array.from({ length: 9 }, (_, index) => ({ ...point, text: `prefix K=${index}`, y: 100 + index }));
    expect(placeLabels(crowd, 300, 200).some(({ leader }) => leader)).toBe(true);
  });

  test('of points may stand at the ends of their intervals', () => {
    const walls = [60, 140].map((x) => ({ text: '', x, y: 100, radius: 30, interval: [0, 200] as const }));
    const [placed] = placeLabels([{ text: 'prefix K=10', x: 100, y: 100, radius: 6, interval: [40, 160] }, ...walls], 200, 200);
    expect([29, 171]).toContain(placed?.y);
  });

  test('in a legend of a line and of points have no dashes', async () => {
    const points = [1, 2].map((x) => ({ x, y: x }));
    const series = [
      { label: 'one', points },
      { label: 'two', points, mark: 'point' as const },
    ];
    const { svg, warnings } = await compileChart(linePlot(series, { xTitle: 'x', yTitle: 'y', labels: 'legend' }).spec);
    expect(warnings).toEqual([]);
    expect(svg).toContain('legend');
    expect(svg).not.toContain('stroke-dasharray="6');
  });

  test('of lines have the symbol of their points', () => {
    const points = [1, 2].map((x) => ({ x, y: x }));
    const { layer } = linePlot([{ label: 'prefix', points }], { xTitle: 'x', yTitle: 'y' }).view as { layer: { mark: object }[] };
    expect(layer[0]?.mark).toMatchObject({ type: 'line', point: { shape: 'square' } });
    expect(JSON.stringify(layer.slice(1))).toContain('"shape":"square"');
  });

  test('stand beside the ends of lines, in place of a legend', async () => {
    const line = (label: string, end: number) => ({
      label,
      points: [
        { x: 0, y: 3 },
        { x: 1, y: end },
      ],
    });
    const svg = await linePlot([line('LoRA', 1), line('prefix', 2)], { xTitle: 'step', yTitle: 'loss' }).svg();
    const [lora = 0, prefix = 0] = heights(svg, ['LoRA', 'prefix']);
    expect(lora - prefix).toBeGreaterThan(100);
    expect(svg).not.toContain('legend');
  });
});

describe('bars', () => {
  test('of methods have their colours, and all others beside them one', () => {
    const bars = ['LoRA', 'CodeT5', 'CodeReviewer'].map((group) => ({ group, series: 'BLEU-4', value: 1 }));
    const spec = JSON.stringify(groupedBars(bars, { yTitle: 'BLEU-4' }).spec);
    expect(spec).toContain('"range":["#0a5fc2","#1288a0","#1288a0"]');
  });

  test('below 0 have their number below', async () => {
    const bars = [0.04, -0.05].map((value, index) => ({ group: `layer ${index}`, series: 'gate', value }));
    const svg = await groupedBars(bars, { yTitle: 'gate' }).svg();
    const [above = 0, below = 0] = heights(svg, ['0.04', '−0.05']);
    expect(below - above).toBeGreaterThan(150);
  });

  test('have an interval, which the sentence says too', () => {
    const chart = groupedBars([{ group: 'LoRA', series: 'BLEU-4', value: 9, low: 8, high: 10 }], { yTitle: 'BLEU-4' });
    expect(chart.sentence).toBe('Bar chart of BLEU-4. LoRA: 9 (8 to 10).');
    expect(JSON.stringify(chart.spec)).toContain('"y2":{"field":"high"}');
  });

  test('with names too long to stand below them lie down', () => {
    const bars = Array.from({ length: 6 }, (_, index) => ({ group: `a rather long name of bar ${index}`, series: 'x', value: index }));
    expect(groupedBars(bars, { yTitle: 'y' }).view).toMatchObject({ width: 360, height: { step: 26 } });
    expect(groupedBars(bars.slice(0, 2), { yTitle: 'y' }).view).toMatchObject({ height: 200 });
  });

  test('can be sorted, and those of parameters are', () => {
    const bars = [1, 3, 2].map((value) => ({ group: `g${value}`, series: 'x', value }));
    expect(groupedBars(bars, { yTitle: 'y', sort: 'descending' }).sentence).toContain('g3: 3; g2: 2; g1: 1');
    const counts = [1, 3].map((parameters) => ({ label: `l${parameters}`, parameters }));
    expect(parameterBars(counts).sentence).toMatch(/l3 3 .*; l1 1 /);
    expect(parameterBars(counts, { sort: 'given' }).sentence).toMatch(/l1 1 .*; l3 3 /);
  });

  test('made of parts say their totals and refuse less than nothing', () => {
    const parts = [
      { group: 'full', part: 'weights', value: 13.5 },
      { group: 'full', part: 'moments', value: 54 },
    ];
    const chart = stackedBars(parts, { xTitle: 'memory (GB)', references: [{ label: '80 GB', value: 80 }] });
    expect(chart.sentence).toBe('Stacked bars of memory (GB): full 67.5 (weights 13.5, moments 54); 80 GB 80.');
    expect(() => stackedBars([{ group: 'a', part: 'b', value: -1 }], { xTitle: 'x' })).toThrow('b of a is -1');
  });
});

describe('maps', () => {
  const small = { title: 'ΔW', values: [[0.001, -0.002]] };

  test('have a scale of their own where the caller asks for it, and its ends are the numbers of the legend', async () => {
    const chart = heatmaps([
      { title: 'W', values: [[0.5, -1]] },
      { ...small, ownScale: true },
    ]);
    expect(chart.sentence).toContain('from −1 to 1');
    const svg = await chart.svg();
    for (const end of ['1', '−1', '0.002', '−0.002']) expect(svg).toContain(`>${end}<`);
  });

  test('of a difference may have a sign beside shares that have none', async () => {
    const panels = [
      { title: 'share', values: [[0.25, 0.5]] },
      { title: 'difference', values: [[-0.1, 0.05]], ownScale: true, colours: 'diverging' as const },
    ];
    const svg = await heatmaps(panels, { colours: 'sequential' }).svg();
    expect(svg).toContain('>−0.1<');
    expect(svg).not.toContain('>−0.5<');
  });

  test('name their columns, and refuse too few names', async () => {
    const chart = heatmaps([small], { columnNames: ['instruction', 'response'] });
    expect(await chart.svg()).toContain('>instruction<');
    expect(() => heatmaps([small], { columnNames: ['one'] })).toThrow('columnNames has 1 names for 2');
    expect(() => heatmaps([small], { columnNames: ['one', 'one'] })).toThrow('columnNames has a name twice');
  });
});

test('the area of a bubble is in proportion to its size', () => {
  const bubbles = [1, 4].map((size) => ({ label: `b${size}`, x: size, y: size, size }));
  const chart = tradeoffBubbles(bubbles, { xTitle: 'x', yTitle: 'y', sizeTitle: 'MB' });
  expect(JSON.stringify(chart.spec)).toContain('"scale":{"domain":[0,4],"range":[0,1600]}');
});

describe('scores', () => {
  const scores = [
    { method: 'base', facet: 'comment', value: 1, parameters: 0 },
    { method: 'LoRA', facet: 'comment', value: 9, low: 8, high: 10, parameters: 900_000, seeds: [8.5, 9.5] },
    { method: 'prefix', facet: 'comment', value: 4, low: 3, high: 5, parameters: 160_000 },
  ];

  test('stand from the best to the worst', async () => {
    const chart = scorePlot(scores, { scoreTitle: { comment: 'BLEU-4' } });
    expect(chart.sentence).toBe('Scores. comment, BLEU-4: LoRA 9 (8 to 10); prefix 4 (3 to 5); base 1.');
    const [lora = 0, prefix = 0, base = 0] = heights(await chart.svg(), ['LoRA', 'prefix', 'base']);
    expect(lora).toBeLessThan(prefix);
    expect(prefix).toBeLessThan(base);
  });

  test('against parameters have the untrained base as a line', async () => {
    expect(await scorePlot(scores, { scoreTitle: 'BLEU-4', form: 'parameters' }).svg()).toContain('>base 1<');
    const { parameters: _, ...unknown } = scores[1] ?? scores[0] ?? { method: '', value: 0 };
    expect(() => scorePlot([unknown], { scoreTitle: 'BLEU-4', form: 'parameters' })).toThrow('LoRA has no parameters');
  });

  test('far below the others leave the axis, with an arrow', async () => {
    const close = [
      { method: 'base', value: 10, low: 9, high: 11, parameters: 0 },
      { method: 'LoRA', value: 88, low: 87, high: 89, parameters: 900_000 },
      { method: 'prefix', value: 84, low: 83, high: 85, parameters: 160_000 },
    ];
    const sorted = scorePlot(close, { scoreTitle: 'BLEU-4' });
    expect(await sorted.svg()).not.toMatch(/>(20|40|60)</);
    expect(await sorted.svg()).toContain('>10<'); // its number stays
    expect(await scorePlot(close, { scoreTitle: 'BLEU-4', form: 'parameters' }).svg()).toContain('>base 10 ↓<');
  });

  test('beside each other fit on a small screen, however long the names are', async () => {
    const methods = ['most frequent comment', 'LoRA of the experiment', 'base'];
    const scores = ['first', 'second'].flatMap((facet) => methods.map((method, index) => ({ facet, method, value: 10 * index + 1 })));
    const svg = await scorePlot(scores, { scoreTitle: 'BLEU-4' }).svg();
    const width = Number(/ width="([\d.]+)"/.exec(svg)?.[1]);
    expect(width).toBeGreaterThan(700);
    expect(width).toBeLessThanOrEqual(803);
    expect(textFaults(svg)).toEqual([]);
  });

  test('of one method in one facet occur once', () => {
    expect(() => scorePlot([...scores, ...scores], { scoreTitle: 'BLEU-4' })).toThrow("base is twice in the facet 'comment'");
  });
});

describe('what would be drawn wrongly or not at all is refused:', () => {
  const half = { low: 1 };
  const point = { x: 1, y: 2 };
  const bar = { group: 'a', series: 'b', value: 1 };
  const count = { label: 'a', parameters: 1 };
  const lines = (mark: unknown, options: object = {}, more: object = {}) =>
    linePlot([{ label: 'a', points: [{ ...point, ...more }], mark: mark as 'line' }], { xTitle: 'x', yTitle: 'y', ...options });
  const bubbles = (more: object, options: object = {}) =>
    tradeoffBubbles([{ label: 'a', ...point, size: 1, ...more }], { xTitle: 'x', yTitle: 'y', sizeTitle: 'MB', ...options });

  test.each([
    ['a mark of no series', () => lines('dots'), 'the mark of a "dots" is none of "line", "point"'],
    ['a scale of x', () => lines('line', { xScale: 'ln' }), 'xScale "ln" is none of "linear", "log"'],
    ['a scale of y', () => lines('line', { yScale: 'ln' }), 'yScale "ln" is none of "linear", "log"'],
    ['a place of the names', () => lines('line', { labels: 'none' }), 'labels "none" is none of "direct", "legend"'],
    ['a scale of bubbles', () => bubbles({}, { xScale: 'ln' }), 'xScale "ln" is none of "linear", "log"'],
    ['a scale of bars', () => parameterBars([count], { scale: 'ln' as never }), 'scale "ln" is none of "linear", "log"'],
    ['colours of a map', () => heatmaps([{ title: 'a', values: [[1]], colours: 'grey' as never }]), 'the colours of a "grey" is none of'],
    ['half an interval of a point', () => lines('line', {}, half), "the interval of a has no 'high'; pass both ends, or none"],
    ['half an interval of a bubble', () => bubbles({ high: 3 }), "the interval of a has no 'low'"],
    ['half an interval of a bar', () => groupedBars([{ ...bar, ...half }], { yTitle: 'y' }), "the interval of a has no 'high'"],
    ['half an interval of a score', () => scorePlot([{ method: 'a', value: 1, ...half }], { scoreTitle: 'F1' }), 'the interval of a'],
    ...[
      ['lower', 'upper'],
      ['lo', 'hi'],
      ['lwo', 'hgih'],
      ['ciLow', 'ciHigh'],
      ['min', 'max'],
    ].flatMap(([low = '', high = '']): [string, () => unknown, string][] => {
      const ends = { [low]: 1, [high]: 2 };
      const told = `${low}, ${high}; an interval is read from low and high: rename ${low} and ${high}, or leave them out`;
      return [
        [`the interval ${low} of a point`, () => lines('line', {}, ends), `a has x, y, ${told}`],
        [`the interval ${low} of a bubble`, () => bubbles(ends), `a has label, x, y, size, ${told}`],
        [`the interval ${low} of a bar`, () => groupedBars([{ ...bar, ...ends }], { yTitle: 'y' }), `a has group, series, value, ${told}`],
        [
          `the interval ${low} of a score`,
          () => scorePlot([{ method: 'a', value: 1, ...ends }], { scoreTitle: 'F1' }),
          `a has method, value, ${told}`,
        ],
      ];
    }),
    ['a count on another', () => parameterBars([count, count]), "the label 'a' is twice"],
    ['a bar on another', () => groupedBars([bar, bar], { yTitle: 'y' }), "b is twice in the group 'a'"],
  ])('%s', (_what, draw, message) => {
    expect(draw).toRefuse(ArgumentError, message);
  });

  test('but not fields of one’s own beside an interval, or without one', () => {
    for (const more of [
      { low: 1, high: 3, min: 0, max: 4 },
      { low: undefined, high: undefined },
      { max: 4, loss: 1, step: 2, series: 'a' },
    ])
      expect(lines('line', {}, more).sentence).toContain('a 2');
  });
});

test('a long run is drawn, of more points than a call takes arguments', () => {
  const points = Array.from({ length: 200_000 }, (_, step) => ({ step, loss: 2 - step / 200_000 }));
  expect(lossCurve([{ label: 'LoRA', points }]).sentence).toContain('LoRA from 2 at 0 to 1 at 199,999');
  expect(new NumericAxis([...Array(200_000).keys()], { length: 100, padding: 0 }).domain).toEqual([0, 199_999]);
});

describe('curves over seeds', () => {
  const run = (losses: readonly number[], pace: number) => ({
    method: 'LoRA',
    points: losses.map((loss, step) => ({ step, loss, seconds: pace * step })),
  });

  test('are the mean, from the least to the greatest', () => {
    const { sentence } = lossCurves([run([3, 1], 2), run([3, 2, 1], 4)]);
    expect(sentence).toContain('LoRA from 3 (3 to 3) at 0 to 1.5 (1 to 2) at 1');
  });

  test('run over the mean seconds of their steps', () => {
    expect(lossCurves([run([3, 1], 2), run([3, 2], 4)], { over: 'seconds' }).sentence).toContain('to 1.5 (1 to 2) at 3');
    const bare = { method: 'LoRA', points: [{ step: 0, loss: 1 }] };
    expect(() => lossCurves([bare], { over: 'seconds' })).toThrow('LoRA has no seconds at step 0');
  });
});
