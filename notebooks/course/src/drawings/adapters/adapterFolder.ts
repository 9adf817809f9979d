import * as fs from 'node:fs';
import * as path from 'node:path';
import { planMemory } from 'lowrank';
import { box, counted, heading, line, note, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL, WIDTH } from '../kit/shapes';
import { SMOLLM2 } from '../models';

/** An adapter that PEFT wrote: LoRA of rank 4 on a tiny model, which serves the tests. */
const FOLDER = path.join(__dirname, '../../../../../tests/golden/peft/lora');
const RANK = 16;
const TASKS = ['necessity', 'comment', 'refinement'];
const HALF = 2; // bytes of a 16-bit number
const MB = 1e6;

/** The contents of an adapter's folder and of its file, and its size beside its base. */
export function adapterFolder(): Drawing {
  const file = read(path.join(FOLDER, 'adapter_model.safetensors'));
  const base = planMemory(SMOLLM2, { task: 'load' }).terms.find(({ name }) => name === 'weights')?.bytes ?? Number.NaN;
  const sizes = { base: (HALF * base) / 4 / MB, adapter: (HALF * loraNumbers()) / MB };
  return {
    title: 'What lies in the folder of an adapter',
    description:
      'adapter_config.json says what the adapter is, adapter_model.safetensors holds its numbers, README.md is a model card. ' +
      `A safetensors file of ${counted(file.bytes)} bytes is 8 bytes with the length of the header, ${counted(file.header)} of header and ` +
      `${counted(file.numbers)} of numbers. SmolLM2-135M has ${sizes.base.toFixed(0)} MB, one adapter of rank ${RANK} ${sizes.adapter.toFixed(1)}.`,
    height: 680,
    shapes: [
      heading('An adapter is a folder with two files that count'),
      ...folder(72),
      ...fileBytes(216, file),
      ...besideBase(486, sizes),
    ],
  };
}

function folder(y: number): Shape[] {
  const files = [
    ['adapter_config.json', 'what it is: method, r, α, where'],
    ['adapter_model.safetensors', 'its numbers'],
    ['README.md', 'a card for people'],
  ] as const;
  const trunk = MARGIN + 12;
  return [
    text(MARGIN, y, 'comment/', { isMono: true, isBold: true, size: SMALL }),
    line([trunk, y + 8, trunk, y + 23 + 30 * (files.length - 1)]),
    ...files.flatMap(([name, what], index) => {
      const at = y + 28 + 30 * index;
      return [
        line([trunk, at - 5, trunk + 14, at - 5]),
        text(trunk + 20, at, name, { isMono: true, size: SMALL }),
        text(290, at, what, { size: SMALL, tone: 'soft' }),
      ];
    }),
  ];
}

interface FileParts {
  readonly bytes: number;
  readonly header: number;
  readonly numbers: number;
  /** The first tensor. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly offsets: readonly number[];
}

/** By hand, as notebook 07 does. */
function read(file: string): FileParts {
  const content = fs.readFileSync(file);
  const header = Number(content.readBigUInt64LE(0));
  const entries: Record<string, { shape: number[]; data_offsets: number[] }> = JSON.parse(content.subarray(8, 8 + header).toString());
  const [[name, { shape, data_offsets: offsets }] = ['', { shape: [], data_offsets: [] }]] = Object.entries(entries).filter(
    ([each]) => each !== '__metadata__',
  );
  return { bytes: content.length, header, numbers: content.length - 8 - header, name, shape, offsets };
}

function fileBytes(y: number, { bytes, header, numbers, name, shape, offsets }: FileParts): Shape[] {
  const width = WIDTH - 2 * MARGIN;
  const scale = width / bytes;
  const [headerAt, numbersAt] = [MARGIN + 8 * scale, MARGIN + scale * (8 + header)];
  const parts = name.split('.');
  return [
    subheading(y, `The numbers of a tiny adapter: ${counted(bytes)} bytes, to scale`),
    { kind: 'rectangle', x: MARGIN, y: y + 16, width: 8 * scale, height: 40, tone: 'ink', look: 'solid', radius: 0 },
    ...box({ x: headerAt, y: y + 16, width: scale * header, height: 40 }, ['header, JSON'], { tone: 'base', radius: 0 }),
    ...box({ x: numbersAt, y: y + 16, width: scale * numbers, height: 40 }, ['numbers'], { tone: 'lora', radius: 0 }),
    text(MARGIN, y + 76, '8', { size: SMALL, tone: 'soft' }),
    text(headerAt + (scale * header) / 2, y + 76, counted(header), { anchor: 'middle', size: SMALL, tone: 'soft' }),
    text(numbersAt + (scale * numbers) / 2, y + 76, counted(numbers), { anchor: 'middle', size: SMALL, tone: 'soft' }),
    ...note(MARGIN, y + 110, ["The 8 bytes hold the header's length. The header's first entry:"], { tone: 'ink' }),
    ...entry(y + 138, [
      ['name', parts.slice(0, 2).join('.'), "PEFT's wrapper"],
      ['', parts.slice(2, -2).join('.'), 'the layer'],
      ['', parts.slice(-2).join('.'), 'the factor A'],
      ['shape', shape.join(' × '), 'r × inputs'],
      ['bytes', offsets.join(' to '), 'of the numbers'],
    ]),
  ];
}

function entry(y: number, rows: readonly (readonly [string, string, string])[]): Shape[] {
  return rows.flatMap(([key, value, meaning], index) => [
    ...(key ? [text(MARGIN + 8, y + 22 * index, key, { size: SMALL, tone: 'soft' })] : []),
    text(84, y + 22 * index, value, { size: SMALL, isMono: true }),
    text(396, y + 22 * index, meaning, { size: SMALL, tone: 'soft' }),
  ]);
}

/** Squares whose areas are the sizes. */
function besideBase(y: number, { base, adapter }: { base: number; adapter: number }): Shape[] {
  const side = 132;
  const small = side * Math.sqrt(adapter / base);
  return [
    subheading(y, 'One base, an adapter for each task: areas to scale'),
    ...box({ x: MARGIN, y: y + 20, width: side, height: side }, ['base', `${base.toFixed(0)} MB`], { tone: 'base', radius: 0 }),
    ...TASKS.flatMap((task, index): Shape[] => {
      const at = y + 54 + 34 * index;
      return [
        { kind: 'rectangle', x: MARGIN + side + 30, y: at - 10, width: small, height: small, tone: 'lora', look: 'solid', radius: 0 },
        text(MARGIN + side + 52, at, `${task}, ${adapter.toFixed(1)} MB`),
      ];
    }),
    ...note(MARGIN, y + 176, [`SmolLM2-135M and LoRA of rank ${RANK} on q and v, 16-bit numbers.`]),
  ];
}

/** The numbers of A and B on q and v, in all layers. */
function loraNumbers(): number {
  const { hiddenSize: C, numHiddenLayers: layers, numAttentionHeads: H, numKeyValueHeads: K } = SMOLLM2;
  return layers * RANK * (C + C + C + (C / H) * K);
}
