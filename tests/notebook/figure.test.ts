import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import {
  attentionMap,
  figure,
  groupedBars,
  heatmaps,
  linePlot,
  lossCurve,
  panels,
  parameterBars,
  pointPlot,
  tradeoffBubbles,
} from 'lowrank-notebook';
import { describe, expect, it } from 'vitest';
import { displaySymbol } from '../../lib/notebook/src/bundle';
import { COUNT_LABELS, SMALL_LABELS } from '../../lib/notebook/src/charts/numericAxis';
import type { Figure } from '../../lib/notebook/src/figure';
import { compileChart } from '../../lib/notebook/src/svg';
import { INK, SERIES_COLOURS } from '../../lib/notebook/src/theme';
import { contrast } from './contrast';

const hostile = `<script>alert(1)</script>" + datum.constructor + '</svg>`;
const matrix = (rows: number, columns: number) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => (i + 1) / (j + 2)));
const curve = [
  {
    label: hostile,
    points: [
      { x: 1, y: 2 },
      { x: 2, y: 1 },
    ],
  },
  { label: 'b', points: [{ x: 1, y: 3 }] },
];
const titles = { title: hostile, xTitle: hostile, yTitle: hostile };

const figures: Readonly<Record<string, Figure>> = {
  parameterBars: parameterBars(
    [
      { label: hostile, parameters: 589_824 },
      { label: 'b', parameters: 7 },
    ],
    { title: hostile },
  ),
  'parameterBars on a logarithmic scale': parameterBars(
    [
      { label: 'a', parameters: 589_824 },
      { label: 'b', parameters: 7 },
    ],
    { scale: 'log' },
  ),
  linePlot: linePlot(curve, { ...titles, references: [{ label: hostile, y: 2.5 }] }),
  'pointPlot on logarithmic scales': pointPlot(curve, { ...titles, xScale: 'log', yScale: 'log' }),
  lossCurve: lossCurve([
    {
      label: 'LoRA',
      points: [
        { step: 0, loss: 4 },
        { step: 1, loss: Number.NaN },
        { step: 2, loss: 3 },
      ],
    },
  ]),
  heatmaps: heatmaps(
    [
      { title: hostile, values: matrix(4, 6) },
      { title: 'b', values: matrix(3, 3) },
    ],
    { title: hostile, rowTitle: hostile },
  ),
  attentionMap: attentionMap(
    [
      { title: 'a', weights: matrix(3, 3) },
      { title: hostile, weights: matrix(3, 5), prefixLength: 2 },
    ],
    {
      tokens: ['def', ' def', hostile],
    },
  ),
  groupedBars: groupedBars(
    [
      { group: hostile, series: 'x', value: 1 },
      { group: hostile, series: hostile, value: 2 },
    ],
    { yTitle: hostile },
  ),
  tradeoffBubbles: tradeoffBubbles(
    [
      { label: hostile, x: 1, y: 2, size: 3, series: 'paper' },
      { label: 'b', x: 2, y: 2, size: 850 },
    ],
    {
      ...titles,
      sizeTitle: 'storage (MB)',
      xScale: 'log',
    },
  ),
};
const all = Object.entries({ ...figures, panels: panels(Object.values(figures), { title: hostile, columns: 2 }) });

/** Every value that the specification holds under the given property, at any depth. */
function valuesOf(node: unknown, property: string): unknown[] {
  if (Array.isArray(node)) return node.flatMap((item) => valuesOf(item, property));
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => [...(key === property ? [value] : []), ...valuesOf(value, property)]);
}

describe.each(all)('%s', (_name, chart) => {
  it('compiles without a warning and draws text of the data as text', async () => {
    const { warnings, svg } = await compileChart(chart.spec);
    expect(warnings).toEqual([]);
    expect(svg).not.toMatch(/<script|NaN|undefined/);
    expect(await chart.svg()).toMatch(/^<svg role="img" aria-label="[^"<>]+" /);
  });

  it('holds data as data only, with no address and no expression', () => {
    for (const property of ['expr', 'calculate', 'transform', 'filter', 'url', 'href', 'params', 'signal', 'test']) {
      expect(valuesOf(chart.spec, property)).toEqual([]);
    }
    for (const expression of valuesOf(chart.spec, 'labelExpr')) expect([COUNT_LABELS, SMALL_LABELS]).toContain(expression);
  });

  it('tells its numbers under the pointer, and carries a PNG so that JupyterLab adds none', async () => {
    expect(valuesOf(chart.spec, 'tooltip').length).toBeGreaterThan(0);
    const { 'image/png': png } = await chart[displaySymbol]();
    expect(Buffer.from(String(png), 'base64').subarray(0, 4)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47]));
  });

  it('titles its axes or has none to title', () => {
    for (const axis of ['x', 'y']) {
      for (const encoding of valuesOf(chart.spec, axis)) {
        if (typeof encoding === 'object' && encoding && (encoding as { type?: string }).type === 'quantitative' && 'scale' in encoding) {
          expect(encoding).toHaveProperty('title');
        }
      }
    }
  });
});

describe('figures', () => {
  it('draw labels with control characters and line separators as text', async () => {
    const chart = groupedBars([{ group: 'a\u0000b\u001b[31m\u2028c', series: 'x', value: 1 }], { yTitle: 'count' });
    const drawn = await chart.svg();
    expect(drawn).toContain('a\uFFFDb\uFFFD[31m c');
    expect(chart.sentence).toContain('a\uFFFDb\uFFFD[31m c');
  });

  it('scale by finite values where a value is infinite or not a number', async () => {
    const values = [[1, Number.POSITIVE_INFINITY, Number.NaN, -2]];
    const map = heatmaps([{ title: 'a', values }]);
    expect(map.sentence).toContain('from −2 to 2');
    const bars = values.flat().map((value, index) => ({ group: `g${index}`, series: 'x', value }));
    for (const chart of [map, groupedBars(bars, { yTitle: 'count' })])
      expect(await chart.svg()).not.toMatch(/ (d|transform)="[^"]*(NaN|Infinity|undefined)/);
  });

  it('do not cut off labels that fit', async () => {
    const svg = await parameterBars([{ label: 'CodeReviewer, all weights', parameters: 1 }]).svg();
    expect(svg).toContain('>CodeReviewer, all weights<');
  });

  it('fit the schema of Vega-Lite', () => {
    const schema = createRequire(import.meta.url).resolve('vega-lite/vega-lite-schema.json');
    const check =
      'import json, sys, jsonschema\nschema, specs = (json.load(open(p)) if p != "-" else json.load(sys.stdin) for p in sys.argv[1:])\nvalidator = jsonschema.Draft7Validator(schema)\nprint(json.dumps([validator.is_valid(spec) for spec in specs]))';
    const wrong = { ...figures.linePlot?.spec, mark: 'lime' };
    const specs = [...all.map(([, chart]) => chart.spec), wrong];
    const python = resolve(import.meta.dirname, '../../.venv/bin/python');
    const valid = execFileSync(python, ['-c', check, schema, '-'], { input: JSON.stringify(specs), encoding: 'utf8' });
    expect(JSON.parse(valid)).toEqual([...all.map(() => true), false]);
    expect(readFileSync(schema, 'utf8')).toContain('TopLevelSpec');
  });

  it('can be told apart and read on white and on dark paper', () => {
    for (const colour of SERIES_COLOURS) {
      expect(contrast(colour, '#ffffff'), colour).toBeGreaterThanOrEqual(3);
      expect(contrast(colour, '#111111'), colour).toBeGreaterThanOrEqual(3);
    }
    for (const paper of ['#ffffff', '#111111']) expect(contrast(INK, paper)).toBeGreaterThanOrEqual(4.3);
  });

  it('keep the ids of their gradients apart on one page', async () => {
    const [one, other] = await Promise.all([figures.heatmaps?.svg(), figures.attentionMap?.svg()]);
    const ids = (svg = '') => [...svg.matchAll(/id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids(one).length).toBeGreaterThan(0);
    expect(ids(one).filter((id) => ids(other).includes(id))).toEqual([]);
    for (const [, id] of (one ?? '').matchAll(/url\(#([^)]+)\)/g)) expect(ids(one)).toContain(id);
  });

  it('draw the same SVG each time', async () => {
    expect(await figures.heatmaps?.svg()).toBe(await figures.heatmaps?.svg());
  });

  it('say in words what they show', () => {
    const bars = parameterBars(
      [
        { label: 'full', parameters: 589_824 },
        { label: 'LoRA, r = 8', parameters: 12_288 },
      ],
      { total: 602_112 },
    );
    expect(bars.sentence).toBe('Bar chart of trainable parameters: full 589,824 (97.96 %); LoRA, r = 8 12,288 (2.04 %).');
    const map = attentionMap([{ title: 'head 0', weights: [[0.25, 0.75]], prefixLength: 1 }]);
    expect(map.sentence).toBe('Attention weights from 0 to 1: head 0 (1 queries × 2 keys), its 1 prefix keys get 0.25 on average.');
    expect(figure({ mark: 'point' }, 'Own words.').sentence).toBe('Own words.');
    expect(panels([bars, map], { title: 'Both' }).sentence).toBe(`Both. ${bars.sentence} ${map.sentence}`);
  });

  it('refuse matrices that are ragged, too large, or do not fit their prefix', () => {
    expect(() => heatmaps([])).toThrow('no panels');
    expect(() => heatmaps([{ title: 'W', values: [[1, 2], [3]] }])).toThrow("'W' is empty or its rows differ");
    expect(() => heatmaps([{ title: 'W', values: matrix(65, 64) }])).toThrow('4160 cells together, more than 4096');
    expect(() => attentionMap([{ title: 'a', weights: matrix(3, 4) }])).toThrow('keys must be prefix + queries');
    expect(() => parameterBars([{ label: 'none', parameters: 0 }], { scale: 'log' })).toThrow('a logarithmic scale cannot show 0');
  });
});
