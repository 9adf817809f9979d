import { attentionExplorer, gateExplorer, memoryExplorer, rankExplorer, rateHeatmap, taskStorage, thresholdExplorer } from 'lowrank-course';
import type { Figure } from 'lowrank-notebook';
import { describe, expect, test } from 'vitest';
import { compileChart } from '../../lib/notebook/src/svg';
import { trainingMemory } from '../../notebooks/course/src/drawings/cost/trainingMemory';
import { LLAMA_7B } from '../../notebooks/course/src/drawings/models';
import { decompose, decomposeProduct } from '../../notebooks/course/src/figures/singularValues';
import { textFaults } from '../notebook/svgTexts';

const hostile = `'+datum.constructor+'<script>`;
const matrix = (rows: number, columns: number, value: (i: number, j: number) => number) =>
  Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => value(i, j)));
const wave = (i: number, j: number) => Math.sin(1 + 3 * i + 7 * j * j);
const product = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]) =>
  a.map((row) => (b[0] ?? []).map((_, column) => row.reduce((sum, value, k) => sum + value * (b[k]?.[column] ?? 0), 0)));

const sweep = Array.from({ length: 21 }, (_, index) => ({ gate: -1 + index / 10, distance: Math.abs(-1 + index / 10) }));
const labels = [true, true, true, false, false];
const probabilities = [0.9, 0.7, 0.3, 0.6, 0.1];
const causal = [
  [1, 0],
  [0.25, 0.75],
];
const figures: Readonly<Record<string, Figure>> = {
  rankExplorer: rankExplorer({ update: { loraA: matrix(30, 4, wave), loraB: matrix(4, 20, wave), scaling: 2 }, matrices: 3, total: 9000 }),
  gateExplorer: gateExplorer({
    tokens: [{ label: hostile, weight: 1 }],
    prefix: [0.25, 0.75],
    distances: [{ label: hostile, points: sweep }],
  }),
  rateHeatmap: rateHeatmap(
    [
      { learningRate: 1e-4, setting: 8, loss: 3 },
      { learningRate: 1e-3, setting: 8, loss: 2 },
      { learningRate: 1e-2, setting: 8, loss: Number.NaN },
    ],
    { settingTitle: hostile },
  ),
  thresholdExplorer: thresholdExplorer({ labels, probabilities, title: hostile }),
  attentionExplorer: attentionExplorer({
    maps: [
      [causal, causal],
      [causal, causal],
    ],
    tokens: ['if', hostile],
    layer: 1,
  }),
  taskStorage: taskStorage([
    { label: 'full copies', base: 0, each: 13.5 },
    { label: hostile, base: 13.5, each: 0.02 },
  ]),
  memoryExplorer: memoryExplorer([
    { name: hostile, parameters: 7e9, layers: 32, hidden: 4096, heads: 32, trained: { LoRA: 8e6, QLoRA: 8e6 } },
  ]),
};

interface Parameter {
  readonly name: string;
  readonly value?: unknown;
  readonly expr?: string;
  readonly bind?: { readonly min?: number; readonly max?: number; readonly options?: readonly unknown[] };
}

const drawn = new Map<string, ReturnType<typeof compileChart>>();

/** A chart drawn once, whichever test asks for it first. */
function drawing(spec: Figure['spec']): ReturnType<typeof compileChart> {
  const key = JSON.stringify(spec);
  const found = drawn.get(key) ?? compileChart(spec);
  drawn.set(key, found);
  return found;
}

/** The figure as it is drawn once a reader has moved its control to another value. */
async function moved(chart: Figure, name: string, value: unknown): Promise<string> {
  const params = (chart.spec.params as Parameter[]).map((each) => (each.name === name ? { ...each, value } : each));
  return (await drawing({ ...chart.spec, params })).svg;
}

/** Every text that Vega would run. */
function expressions(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(expressions);
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    typeof value === 'string' && ['expr', 'calculate', 'filter', 'labelExpr', 'test'].includes(key) ? [value] : expressions(value),
  );
}

describe.each(Object.entries(figures))('%s', (_name, chart) => {
  test('compiles without a warning', async () => {
    const { warnings, svg } = await drawing(chart.spec);
    expect(warnings).toEqual([]);
    expect(svg).not.toMatch(/<script|NaN|undefined/);
  });

  test('has no text that is cut or overlaps another', async () => {
    expect(textFaults(await chart.svg())).toEqual([]);
  });

  test('runs no text of its data', () => {
    expect(expressions(chart.spec).length).toBeGreaterThan(0);
    for (const expression of expressions(chart.spec)) expect(expression).not.toContain('constructor');
  });

  test('changes with each of its controls', async () => {
    const before = (await drawing(chart.spec)).svg;
    const controls = (chart.spec.params as Parameter[]).filter(({ bind }) => bind);
    expect(controls.length).toBeGreaterThan(0);
    for (const { name, value, bind } of controls) {
      if (bind?.options?.length === 1) continue;
      const other = typeof value === 'boolean' ? !value : bind?.min === value ? Number(value) + 1 : bind?.min;
      if (chart === figures.attentionExplorer) continue; // its maps are all the same here
      expect(await moved(chart, name, other), name).not.toBe(before);
    }
  });
});

describe('a moving figure', () => {
  test.each(Object.entries(figures))('has no faulty text at either end of a control: %s', async (_name, chart) => {
    for (const { name, bind } of chart.spec.params as Parameter[]) {
      const ends = bind?.options ?? (bind?.max === undefined ? [false, true] : [bind.min, bind.max]);
      for (const end of bind ? [ends[0], ends.at(-1)] : []) {
        const svg = await moved(chart, name, end);
        expect(svg).not.toMatch(/NaN|undefined/);
        expect(textFaults(svg), `${name} at ${end}`).toEqual([]);
      }
    }
  });

  test('of the rank tells the parameters and the error at each rank', async () => {
    const chart = figures.rankExplorer as Figure;
    expect(await moved(chart, 'rank', 1)).toContain('rank 1: 150 parameters, 0.0003 MB at 16 bits, 1.67 % of the model');
    expect(await moved(chart, 'rank', 4)).toContain('error 0 %');
    const alone = rankExplorer({ update: matrix(30, 20, wave), rank: 3 });
    expect(await alone.svg()).toContain('rank 3: 150 parameters, 0.0003 MB at 16 bits, 25 % of all their entries');
  });

  test('of the gate multiplies the prefix alone', async () => {
    const svg = await moved(figures.gateExplorer as Figure, 'gate', -0.5);
    expect(svg).toContain('gate −0.5, distance from the base');
  });

  test('of the threshold counts as by hand', async () => {
    const svg = await moved(figures.thresholdExplorer as Figure, 'threshold', 0.65);
    const counts = [...svg.matchAll(/font-size="18px"[^>]*>(\d+)</g)].map(([, count]) => Number(count));
    expect(counts).toEqual([2, 0, 1, 2]); // true and false positives, false and true negatives
    expect((figures.thresholdExplorer as Figure).sentence).toContain('At 0.5: 2 true and 1 false positives, 1 false and 1 true negatives');
  });

  test('of attention shows the map of its layer and head', async () => {
    const other = [
      [1, 0],
      [0.9, 0.1],
    ];
    const chart = attentionExplorer({ maps: [[causal, other]], tokens: ['a', 'b'] });
    expect(await moved(chart, 'head', 1)).not.toBe(await chart.svg());
    expect(chart.sentence).toContain('a token gives 0.63 to the first token on average');
  });

  test('of memory knows the card that fits', async () => {
    const chart = figures.memoryExplorer as Figure;
    expect(await chart.svg()).toContain('fits on: 141 GB');
    expect(await moved(chart, 'batch', 64)).toContain('fits on: no card');
  });

  test('of memory says the numbers of the drawing', () => {
    const { hiddenSize: hidden, numHiddenLayers: layers, numAttentionHeads: heads } = LLAMA_7B;
    const [projections, adapter] = [6_476_005_376, 8_388_608]; // r = 16 on q and v
    const trained = { LoRA: adapter, QLoRA: adapter };
    const llama = { name: 'LLaMA-7B', parameters: 6_738_415_616, projections, layers, hidden, heads, trained };
    const { sentence } = memoryExplorer([llama]);
    const { description } = trainingMemory();
    expect(sentence).toContain('LoRA 28.1 GB, QLoRA 18.5 GB');
    expect(description).toMatch(/LoRA, rank 16: 28\.1 GB; QLoRA[^;]*: 18\.5 GB/);
  });

  test('of the learning rate says the best run', () => {
    expect((figures.rateHeatmap as Figure).sentence).toContain('the lowest is 2.000 at learning rate 0.001');
    expect((figures.rateHeatmap as Figure).sentence).toContain('1 of 3 runs diverged');
    const [{ bind }] = (figures.rateHeatmap as Figure).spec.params as [Parameter]; // whole steps above the lowest loss, 2
    expect(bind).toMatchObject({ min: 2.01, max: 3, step: 0.03 });
  });

  test('refuses an option that there is not, and a sweep of the gate in uneven steps', () => {
    expect(() => taskStorage([{ label: 'a', base: 1, each: 1 }], { task: 3 } as object)).toThrow("did you mean 'tasks'?");
    const uneven = sweep.map((point, index) => (index === 5 ? { ...point, gate: -0.44 } : point));
    const options = { tokens: [{ label: 'a', weight: 1 }], prefix: [1] };
    expect(() => gateExplorer({ ...options, distances: [{ label: 'paper', points: uneven }] })).toThrow(
      "'paper' leaves the even steps of 0.1",
    );
  });

  test('refuses what does not fit', () => {
    expect(() => thresholdExplorer({ labels: [true], probabilities: [] })).toThrow('1 labels and 0 probabilities');
    expect(() => thresholdExplorer({ labels: [true], probabilities: [2] })).toThrow('the probability 2 is not in 0…1');
    expect(() => rankExplorer({ update: [[1]], rank: 2 })).toThrow('rank 2 is not in 1…1');
    expect(() =>
      attentionExplorer({
        maps: [
          [
            [
              [0.5, 0.5],
              [0, 1],
            ],
          ],
        ],
        tokens: ['a', 'b'],
      }),
    ).toThrow('its mask is not causal');
    expect(() => rateHeatmap([{ learningRate: 1, setting: 1, loss: Number.NaN }], { settingTitle: 'α' })).toThrow(
      'no run with a finite loss',
    );
    const large = matrix(120, 120, (i, j) => (j <= i ? 1 / (i + 1) : 0));
    const tokens = large.map((_, index) => String(index));
    expect(() => attentionExplorer({ maps: Array.from({ length: 30 }, () => [large]), tokens })).toThrow('more than 200000: pass fewer');
  });
});

describe('a decomposition', () => {
  const a = matrix(7, 3, wave);
  const b = matrix(3, 5, (i, j) => Math.cos(i * j + i));

  test('gives the matrix back', () => {
    const whole = product(a, b);
    for (const { left, values, right } of [decompose(whole), decomposeProduct(a, b)]) {
      const back = whole.map((row, i) =>
        row.map((_, j) => values.reduce((sum, s, k) => sum + s * (left[k]?.[i] ?? 0) * (right[k]?.[j] ?? 0), 0)),
      );
      for (const [i, row] of back.entries())
        for (const [j, value] of row.entries()) expect(value).toBeCloseTo(whole[i]?.[j] ?? Number.NaN, 10);
    }
  });

  test('has the known singular values of a small matrix', () => {
    expect(
      decompose([
        [3, 0],
        [4, 5],
      ]).values.map((value) => value.toFixed(6)),
    ).toEqual([Math.sqrt(45).toFixed(6), Math.sqrt(5).toFixed(6)]);
  });

  test('refuses what would take long', () => {
    expect(() => decompose(matrix(257, 257, wave))).toThrow('pass its factors A and B');
  });
});
