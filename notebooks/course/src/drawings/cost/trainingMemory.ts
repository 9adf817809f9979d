import type { LlamaConfigOptions } from 'lowrank';
import { activationBytes, frozenBytes, NF4_BYTES, TRAINED_BYTES } from '../../stepMemory';
import { heading, line, note, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';
import { LLAMA_7B } from '../models';

const RANK = 16;
const [BATCH, TOKENS] = [4, 512];
/** Memory of common cards, in GB. */
const CARDS = [24, 80];

const BARS = 140; // where bars begin
const SCALE = 3.1; // pixels per GB
const STEP = 25;
const GB = 1e9;

interface Method {
  readonly name: string;
  readonly tone: 'full' | 'lora';
  /** Bytes of frozen weights. */
  readonly frozen: number;
  /** Trained numbers. */
  readonly trained: number;
}

/** The memory of a training step of LLaMA-7B: all of it trained, LoRA, and LoRA on a base of 4 bits. */
export function trainingMemory(): Drawing {
  const { all, projections } = numbersOf(LLAMA_7B);
  const trained = loraNumbers(LLAMA_7B);
  const methods: readonly Method[] = [
    { name: 'Full fine-tuning', tone: 'full', frozen: 0, trained: all },
    { name: `LoRA, rank ${RANK}`, tone: 'lora', frozen: 2 * all, trained },
    { name: 'QLoRA: the same on 4-bit weights', tone: 'lora', frozen: frozenBytes(all, projections, NF4_BYTES), trained },
  ];
  const { hiddenSize: hidden, numHiddenLayers: layers, numAttentionHeads: heads } = LLAMA_7B;
  const activations = activationBytes({ layers, hidden, heads }, BATCH, TOKENS);
  const totals = methods.map((method) => partsOf(method, activations).reduce((sum, { bytes }) => sum + bytes, 0));
  const told = methods.map(({ name }, index) => `${name}: ${inGB(totals[index] ?? 0)} GB`).join('; ');
  const height = 44 + 5 * STEP;
  const end = 102 + methods.length * height;
  return {
    title: 'What one training step holds in memory',
    description:
      `LLaMA-7B, ${BATCH} texts of ${TOKENS} tokens. ${told}. Adapters save gradients, moments and the 32-bit copy, QLoRA most of the ` +
      'weights too; the activations stay.',
    height: end + 196,
    shapes: [
      heading('What one training step holds in memory'),
      ...note(MARGIN, 58, [`LLaMA-7B, ${BATCH} texts of ${TOKENS} tokens, in GB. Grey is frozen.`]),
      ...methods.flatMap((method, index) => group(100 + index * height, method, partsOf(method, activations))),
      ...together(end, methods, totals),
    ],
  };
}

/** All the model's numbers, and those of its projections, which QLoRA packs. */
function numbersOf({ vocabSize: V, hiddenSize: C, intermediateSize: F, numHiddenLayers: layers }: LlamaConfigOptions) {
  const projections = layers * (4 * C * C + 3 * C * F);
  return { projections, all: projections + 2 * V * C + (2 * layers + 1) * C };
}

/** The numbers of A and B on q and v, in all layers. */
function loraNumbers({ hiddenSize, numHiddenLayers }: LlamaConfigOptions): number {
  return numHiddenLayers * 2 * RANK * (hiddenSize + hiddenSize);
}

interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly isFrozen: boolean;
}

function partsOf({ frozen, trained }: Method, activations: number): Part[] {
  const parts = Object.entries(TRAINED_BYTES).map(([name, each]) => ({ name, bytes: each * trained, isFrozen: false }));
  const own = parts.map((part) => (part.name === 'weights' && frozen ? { ...part, bytes: part.bytes + frozen, isFrozen: true } : part));
  return [...own, { name: 'activations', bytes: activations, isFrozen: false }];
}

function group(y: number, { name, tone }: Method, parts: readonly Part[]): Shape[] {
  return [
    subheading(y, name),
    ...parts.flatMap((part, index) => {
      const at = y + 28 + index * STEP;
      return [
        text(BARS - 10, at, part.name, { anchor: 'end', size: SMALL }),
        bar(at, part.bytes, part.isFrozen ? 'base' : tone),
        text(BARS + lengthOf(part.bytes) + 8, at, inGB(part.bytes), { size: SMALL, tone: 'soft' }),
      ];
    }),
  ];
}

/** The sums, and the cards that they fit or do not. */
function together(y: number, methods: readonly Method[], totals: readonly number[]): Shape[] {
  const rows = methods.flatMap(({ name, tone }, index) => {
    const [at, total] = [y + 66 + index * 30, totals[index] ?? 0];
    const [short = name] = name.split(/[ ,:]/);
    return [text(BARS - 10, at, `${short} ${inGB(total)}`, { anchor: 'end', size: SMALL }), bar(at, total, tone)];
  });
  const cards = CARDS.flatMap((size) => {
    const x = BARS + SCALE * size;
    return [
      text(x, y + 34, `card of ${size} GB`, { anchor: 'middle', size: SMALL, tone: 'soft' }),
      line([x, y + 42, x, y + 138], 'ink', true),
    ];
  });
  return [
    subheading(y, 'Together'),
    ...rows,
    ...cards,
    ...note(MARGIN, y + 164, ['Activations by the estimate of Korthikanti et al. 2022, eq. 1.']),
  ];
}

function bar(baseline: number, bytes: number, tone: 'base' | 'full' | 'lora'): Shape {
  return { kind: 'rectangle', x: BARS, y: baseline - 13, width: lengthOf(bytes), height: 16, tone, look: 'solid', radius: 0 };
}

/** At least a visible width. */
function lengthOf(bytes: number): number {
  return Math.max(1, (SCALE * bytes) / GB);
}

function inGB(bytes: number): string {
  const value = bytes / GB;
  return value.toFixed(value < 1 ? 2 : value < 100 ? 1 : 0);
}
