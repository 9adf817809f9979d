import { heading, line, note, subheading, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';

/** Scores of one query, chosen for the drawing: two learned prefix vectors, and five tokens. */
const PREFIX_SCORES = [1.2, 0.4];
const TOKEN_SCORES = [1.6, 0.2, 0.9, 1.3, 2];
const GATE = 0.4;
const HALF = 0.5; // σ(0)

/** Pixels of a weight of 1. */
const SCALE = 200;
const [BAR, STEP] = [38, 48];
const FIRST_PREFIX = MARGIN + 6;
const FIRST_TOKEN = FIRST_PREFIX + 2 * STEP + 26;
const SUMS = FIRST_TOKEN + 5 * STEP + 8;

/** One query's attention weights: alone, with a prefix in the same softmax, and with one in a softmax of its own. */
export function prefixSoftmax(): Drawing {
  const alone = softmax(TOKEN_SCORES);
  const joint = softmax([...PREFIX_SCORES.map((score) => HALF * score), ...TOKEN_SCORES]);
  const taken = sum(joint.slice(0, 2));
  const own = softmax(PREFIX_SCORES);
  const rows: readonly Row[] = [
    {
      title: 'The frozen model',
      result: 'Its weights sum to 1.',
      prefix: [],
      tokens: alone,
      alone,
      under: ['', 'softmax over the tokens'],
    },
    {
      title: 'One softmax, and the gate inside it',
      result: `At its start the prefix already takes ${percent(taken)}: every token loses.`,
      prefix: joint.slice(0, 2),
      tokens: joint.slice(2),
      alone,
      under: ['softmax over prefix and tokens'],
    },
    {
      title: 'Two softmaxes, and a gate g = 0 after one',
      result: 'Nothing is added. This is the frozen model, exactly.',
      prefix: [0, 0],
      tokens: alone,
      alone,
      under: ['0 × softmax', 'softmax over the tokens'],
    },
    {
      title: `The same with g = ${GATE}, after some training`,
      result: `The prefix adds ${GATE}, and no token loses.`,
      prefix: own.map((weight) => GATE * weight),
      tokens: alone,
      alone,
      under: [`${GATE} × softmax`, 'softmax over the tokens'],
    },
  ];
  const height = 184;
  return {
    title: 'With a softmax of its own, a prefix adds and takes nothing away',
    description:
      `Attention weights of one query over five tokens. With two prefix vectors in the same softmax the tokens lose ${percent(taken)} of ` +
      `their weight, even at the gate's start. With a softmax of its own and a gate g after it, the tokens keep their weights: ` +
      `at g = 0 the prefix has none, at g = ${GATE} it adds ${GATE}.`,
    height: 90 + rows.length * height,
    shapes: [
      heading('A prefix needs a softmax of its own'),
      ...note(MARGIN, 58, ['What one query reads: a bar for each weight, to one scale.']),
      ...rows.flatMap((each, index) => row(94 + index * height, each)),
    ],
  };
}

interface Row {
  readonly title: string;
  readonly result: string;
  readonly prefix: readonly number[];
  readonly tokens: readonly number[];
  /** The frozen model's weights, as outlines. */
  readonly alone: readonly number[];
  /** The text below the bars: one for both parts, or one for each. */
  readonly under: readonly [prefix: string, tokens: string] | readonly [both: string];
}

function row(y: number, { title, result, prefix, tokens, alone, under }: Row): Shape[] {
  const floor = y + 106;
  return [
    subheading(y, title),
    ...tokens.flatMap((weight, index) => lost(FIRST_TOKEN + index * STEP, floor, [weight, alone[index] ?? 0])),
    ...tokens.map((weight, index) => bar(FIRST_TOKEN + index * STEP, floor, weight, 'base', 'solid')),
    ...prefix.filter(Boolean).map((weight, index) => bar(FIRST_PREFIX + index * STEP, floor, weight, 'prefix', 'solid')),
    ...floors(floor + 3, under),
    ...sums(floor, prefix, tokens),
    ...note(MARGIN, floor + 46, [result], { tone: 'ink' }),
  ];
}

/** A line below the bars of each softmax. */
function floors(y: number, under: Row['under']): Shape[] {
  const [left, right] = [FIRST_PREFIX - 6, SUMS - 8];
  const part = (from: number, to: number, content: string): Shape[] => [
    line([from, y - 5, from, y, to, y, to, y - 5]),
    text((from + to) / 2, y + 19, content, { anchor: 'middle', size: SMALL, tone: 'soft' }),
  ];
  const [first, second] = under;
  if (second === undefined) return part(left, right, first);
  return [...(first ? part(left, FIRST_PREFIX + 2 * STEP - 4, first) : []), ...part(FIRST_TOKEN - 6, right, second)];
}

function sums(floor: number, prefix: readonly number[], tokens: readonly number[]): Shape[] {
  const lines = [`tokens ${sum(tokens).toFixed(2)}`, ...(prefix.length > 0 ? [`prefix ${sum(prefix).toFixed(2)}`] : [])];
  return note(SUMS + 12, floor - 28, lines, { tone: 'ink' });
}

function bar(x: number, floor: number, weight: number, tone: 'base' | 'prefix', look: 'solid' | 'dashed'): Shape {
  return { kind: 'rectangle', x, y: floor - SCALE * weight, width: BAR, height: SCALE * weight, tone, look, radius: 0 };
}

/** An outline of the weight that a token has lost to the prefix. */
function lost(x: number, floor: number, [weight, before]: readonly [number, number]): Shape[] {
  return weight < before ? [bar(x, floor - SCALE * weight, before - weight, 'base', 'dashed')] : [];
}

function softmax(scores: readonly number[]): number[] {
  const powers = scores.map(Math.exp);
  return powers.map((power) => power / sum(powers));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
