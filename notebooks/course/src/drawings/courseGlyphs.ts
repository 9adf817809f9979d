/** A small picture of each notebook, about 90 by 34 pixels, from its top left corner. */
import { arrow, line, polygon } from './kit/draw';
import type { Tone } from './kit/palette';
import type { Rectangle, Shape } from './kit/shapes';

/** Draws a glyph with its top left corner at (x, y). */
export type Glyph = (x: number, y: number) => Shape[];

/** It runs: a check mark. */
export const check: Glyph = (x, y) => [line([x + 30, y + 18, x + 42, y + 30, x + 64, y + 4], 'paper')];

/** Everything trained, and next to nothing. */
export const bars: Glyph = (x, y) => [block(x, y + 4, 90, 11, 'full'), block(x, y + 20, 3, 11, 'lora')];

/** A weight and two thin factors. */
export const thin: Glyph = (x, y) => [
  block(x + 6, y, 34, 34, 'base', 'tint'),
  block(x + 50, y, 3, 34, 'lora'),
  block(x + 58, y + 15, 32, 3, 'lora'),
];

/** Attention weights, with a prefix beside them. */
export const prefix: Glyph = (x, y) => [
  ...[14, 8].map((height, index) => block(x + index * 13, y + 34 - height, 10, height, 'prefix')),
  ...[22, 6, 14, 32].map((height, index) => block(x + 38 + index * 13, y + 34 - height, 10, height, 'base')),
];

/** A heat map. */
export const heat: Glyph = (x, y) =>
  [0, 1, 2, 3, 4, 5, 6, 7].flatMap((column) =>
    [0, 1, 2].map((row) => block(x + column * 11.4, y + row * 11.4, 10, 10, 'lora', (column * 3 + row * 2) % 5 < 2 ? 'solid' : 'tint')),
  );

/** Tokens read and learned. */
export const tokens: Glyph = (x, y) =>
  [0, 1, 2, 3, 4, 5, 6].map((index) => block(x + index * 13, y + 10, 11, 15, index < 5 ? 'base' : 'ink', index < 5 ? 'tint' : 'solid'));

/** Two results with their intervals. */
export const intervals: Glyph = (x, y) => [...interval(x + 58, y + 9, 24, 'lora'), ...interval(x + 34, y + 25, 26, 'prefix')];

/** One base and three adapters. */
export const adapters: Glyph = (x, y) => [
  block(x + 10, y, 34, 34, 'base', 'tint'),
  ...[0, 12, 24].map((below) => block(x + 54, y + below + 1, 8, 8, 'lora')),
];

/** Code, and what is said about it. */
export const review: Glyph = (x, y) => [
  ...[6, 16, 26].map((below, index) => line([x, y + below, x + 34 - 8 * (index % 2), y + below])),
  block(x + 48, y + 3, 42, 20, 'lora', 'tint'),
  polygon([x + 56, y + 23, x + 68, y + 23, x + 56, y + 32], 'lora', 'solid'),
];

/** Many calls, and one. */
export const calls: Glyph = (x, y) => [
  ...[0, 1, 2, 3, 4].map((index) => block(x + index * 19, y + 3, 10, 10, 'base')),
  block(x, y + 21, 86, 10, 'base'),
];

/** Machines that share the work. */
export const machines: Glyph = (x, y) => [
  ...[0, 1, 2].map((index) => block(x + index * 33, y + 5, 22, 24, 'base', 'tint')),
  ...[0, 1].flatMap((index) => arrow([x + 22 + index * 33, y + 17, x + 33 + index * 33, y + 17])),
];

/** A list. */
export const list: Glyph = (x, y) =>
  [6, 17, 28].flatMap((below) => [block(x + 8, y + below - 3, 6, 6, 'ink'), line([x + 22, y + below, x + 80, y + below])]);

/** A line struck out, and another for it. */
export const struck: Glyph = (x, y) => [
  line([x + 8, y + 10, x + 80, y + 10], 'base', true),
  line([x + 8, y + 26, x + 80, y + 26], 'paper'),
];

function block(x: number, y: number, width: number, height: number, tone: Tone, look: Rectangle['look'] = 'solid'): Rectangle {
  return { kind: 'rectangle', x, y, width, height, tone, look, radius: 0 };
}

function interval(x: number, y: number, half: number, tone: Tone): Shape[] {
  return [line([x - half, y, x + half, y], tone), block(x - 4, y - 4, 8, 8, tone)];
}
