import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { INK, nominal, quantity, SERIES_COLOURS } from 'lowrank-notebook/internal';
import { type ActivationShape, activationBytes, frozenBytes, NF4_BYTES, TRAINED_BYTES } from '../stepMemory';
import { choice, derived, movingFigure, short, slider } from './moving';

export interface MemoryModel extends ActivationShape {
  readonly name: string;
  readonly parameters: number;
  /** Those in projections, which QLoRA stores in 4 bits; all else stays at 16. @defaultValue all */
  readonly projections?: number;
  /** Trained parameters by the name of the method; a method that is missing trains all. */
  readonly trained: Readonly<Record<string, number>>;
}

/** A method, by the bytes that it keeps. */
export interface MemoryMethod {
  readonly name: string;
  /** Bytes of each frozen weight in a projection: 2 at 16 bits, about 0.516 in NF4 with double quantisation (Dettmers et al. 2023, section 3). */
  readonly bytesPerWeight: number;
}

export interface MemoryExplorerOptions {
  /** @defaultValue full and LoRA at 16 bits, QLoRA in NF4 */
  readonly methods?: readonly MemoryMethod[];
  /** Memory of cards in GB. @defaultValue 16, 24, 48, 80, 141 */
  readonly cards?: readonly number[];
  /** @defaultValue `What a training step holds in memory` */
  readonly title?: string;
}

const METHODS: readonly MemoryMethod[] = [
  { name: 'full', bytesPerWeight: 2 },
  { name: 'LoRA', bytesPerWeight: 2 },
  { name: 'QLoRA', bytesPerWeight: NF4_BYTES },
];
const PARTS = ['weights', 'gradients', 'moments', '32-bit copy', 'activations'] as const; // TRAINED_BYTES, and what the batch adds

/**
 * The memory of a training step by method, and the cards that it fits on, with a list of models and sliders for batch and length.
 *
 * Mixed precision with AdamW (Rajbhandari et al. 2020, section 3.1): a trained parameter has 2 bytes of gradient, 8 of moments and a 32-bit
 * copy of 4. Activations of a layer take `T·B·h·(34 + 5·a·T/h)` bytes (Korthikanti et al. 2022, eq. 1, for a GPT layer at 16 bits), and
 * `2·T·B·h` if they are computed again in the backward pass; heads a, width h, length T, batch B. An estimate: it counts neither logits nor
 * what the framework keeps, and for adapters it is an upper bound: a frozen matrix needs no input for its gradient.
 */
export function memoryExplorer(models: readonly MemoryModel[], options: MemoryExplorerOptions = {}): Figure {
  checkKnown('memoryExplorer', options, ['methods', 'cards', 'title']);
  const { methods = METHODS, cards = [16, 24, 48, 80, 141], title = 'What a training step holds in memory' } = options;
  if (models.length === 0 || methods.length === 0) throw new ArgumentError('memoryExplorer needs at least one model and one method');
  const rows = methods.flatMap(({ name, bytesPerWeight }) =>
    PARTS.map((part, order) => ({
      method: name,
      part,
      order,
      // GB by model; the activations follow from batch and length
      fixed: models.map(({ parameters, projections = parameters, trained }) => {
        const n = trained[name] ?? parameters;
        const isAll = trained[name] === undefined;
        const frozen = isAll ? 0 : frozenBytes(parameters, projections, bytesPerWeight);
        const bytes = { ...TRAINED_BYTES, activations: 0 }[part] * n + (part === 'weights' ? frozen : 0);
        return short(bytes / 1e9, 5);
      }),
    })),
  );
  const params = [
    choice(
      'model',
      'model',
      models.map(({ name }) => name),
    ),
    slider('batch', 'examples in a batch', [1, 64, 1], 4),
    slider('length', 'tokens in an example', [128, 8192, 128], 512),
    { name: 'again', value: false, bind: { input: 'checkbox', name: 'compute activations again ' } },
    { name: 'layers', value: models.map(({ layers }) => layers) },
    { name: 'hidden', value: models.map(({ hidden }) => hidden) },
    { name: 'heads', value: models.map(({ heads }) => heads) },
    derived(
      'activations',
      'layers[model] * length * batch * hidden[model] * (again ? 2 : 34 + 5 * heads[model] * length / hidden[model]) / 1e9',
    ),
    { name: 'most', value: models.map((_, m) => sumOf(rows, m)) },
    { name: 'cards', value: cards },
    derived('end', '1.04 * max(most[model] + activations, cards[0])'),
  ];
  const GB = "datum.part === 'activations' ? activations : datum.fixed[model]";
  const y = {
    field: 'method',
    type: 'nominal',
    sort: methods.map(({ name }) => name),
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const scale = { domainMin: 0, domainMax: { expr: 'end' }, nice: false };
  const x = { type: 'quantitative', title: 'memory (GB)', scale, axis: { tickCount: 6 } };
  const size = (field: string) => `(${field} < 0.1 ? format(1000 * ${field}, '.3~r') + ' MB' : format(${field}, ',.3~r') + ' GB')`;
  const fits = `${cards.map((card) => `(datum.total <= ${card} ? '${card} GB' : `).join('')}'no card'${')'.repeat(cards.length)}`;
  const bars = {
    transform: [
      { calculate: GB, as: 'GB' },
      { calculate: size('datum.GB'), as: 'words' },
    ],
    mark: { type: 'bar', height: { band: 0.62 } },
    encoding: {
      y,
      x: { ...x, field: 'GB', stack: 'zero' },
      order: quantity('order'),
      color: {
        field: 'part',
        type: 'nominal',
        title: null,
        scale: { domain: PARTS, range: SERIES_COLOURS.slice(0, PARTS.length) },
        legend: { orient: 'bottom', columns: 5 },
      },
      tooltip: [nominal('method', 'method'), nominal('part', 'part'), nominal('words', 'memory')],
    },
  };
  const totals = {
    transform: [
      { calculate: GB, as: 'GB' },
      { aggregate: [{ op: 'sum', field: 'GB', as: 'total' }], groupby: ['method'] },
      { calculate: `${size('datum.total')} + ', fits on: ' + ${fits}`, as: 'words' },
    ],
    mark: { type: 'text', align: 'left', dx: 8, color: INK },
    encoding: { y, x: { value: 'width' }, text: nominal('words') },
  };
  const named = cards.map((each, index) => ({
    size: each,
    name: `${each} GB`,
    level: index % 2, // neighbours stand on two lines
    before: cards[index - 2] ?? -1e9,
  }));
  const card = { data: { values: named }, transform: [{ filter: 'datum.size <= end' }] };
  const nameOf = (level: number) => ({
    ...card,
    transform: [...card.transform, { filter: `datum.level === ${level} && (datum.size - datum.before) / end > 0.11` }],
    mark: { type: 'text', baseline: 'bottom', dy: -4 - 14 * level, color: INK },
    encoding: { x: { ...x, field: 'size' }, y: { value: 0 }, text: nominal('name') },
  });
  const view = {
    title: {
      text: title,
      subtitle: 'and the smallest card that holds it; activations are an estimate, for adapters an upper bound',
      offset: 40,
    },
    width: 440,
    height: { step: 44 },
    autosize: { type: 'pad', resize: true }, // the words at the right become longer than those it begins with
    data: { values: rows },
    layer: [
      bars,
      { ...card, mark: { type: 'rule', strokeDash: [4, 4], color: INK }, encoding: { x: { ...x, field: 'size' } } },
      nameOf(0),
      nameOf(1),
      totals,
    ],
  };
  const [first] = models;
  const activations = first ? activationBytes(first, 4, 512) / 1e9 : 0;
  const told = methods.map(
    ({ name }) =>
      `${name} ${(
        sumOf(
          rows.filter(({ method }) => method === name),
          0,
        ) + activations
      ).toFixed(1)} GB`,
  );
  return movingFigure(
    params,
    view,
    `${title}, with sliders. ${first?.name}, 4 examples of 512 tokens: ${told.join(', ')}, of which activations ${activations.toFixed(1)} GB by ` +
      'the estimate of Korthikanti et al. 2022 (eq. 1), for adapters an upper bound.',
  );
}

/** The most that a method keeps of a model without activations, in GB. */
function sumOf(rows: readonly { readonly method: string; readonly fixed: readonly (number | null)[] }[], model: number): number {
  const sums = new Map<string, number>();
  for (const { method, fixed } of rows) sums.set(method, (sums.get(method) ?? 0) + (fixed[model] ?? 0));
  return Math.max(...sums.values());
}
