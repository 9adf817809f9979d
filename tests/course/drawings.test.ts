import * as fs from 'node:fs';
import { readGguf } from 'lowrank';
import { defaultModelPath } from 'lowrank/internal';
import { describe, expect, test } from 'vitest';
import { DRAWINGS } from '../../notebooks/course/src/drawings';
import { box, text } from '../../notebooks/course/src/drawings/kit/draw';
import { PALETTE, type Tone } from '../../notebooks/course/src/drawings/kit/palette';
import { type Drawing, MARGIN, type Point, type Shape, SMALL, type Text, WIDTH } from '../../notebooks/course/src/drawings/kit/shapes';
import { toSvg } from '../../notebooks/course/src/drawings/kit/svg';
import { type Extent, textExtent } from '../../notebooks/course/src/drawings/kit/textExtent';
import { SMOLLM2 } from '../../notebooks/course/src/drawings/models';
import { contrast } from '../notebook/contrast';

const FOLDER = 'notebooks/drawings';
const drawn = await Promise.all(Object.entries(DRAWINGS).map(async ([name, draw]) => ({ name, drawing: await draw() })));

test('each file in notebooks/drawings is a drawing, and each drawing is a file', () => {
  expect(fs.readdirSync(FOLDER).sort()).toEqual(
    Object.keys(DRAWINGS)
      .map((name) => `${name}.svg`)
      .sort(),
  );
});

describe.each(drawn)('$name', ({ name, drawing }) => {
  const svg = toSvg(drawing);

  test('is in its file as the code draws it; else run `make drawings`', () => {
    expect(fs.readFileSync(`${FOLDER}/${name}.svg`, 'utf8')).toBe(svg);
  });

  test('has a title and a description of its own words', () => {
    expect(svg).toContain('aria-labelledby="title description"');
    expect(drawing.title.length).toBeGreaterThan(10);
    expect(drawing.description.length).toBeGreaterThan(80);
  });

  test('asks for nothing outside itself', () => {
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|href|url\(|@import|<script|<image/);
  });

  test('is narrow, and no text is too small for a phone', () => {
    expect(WIDTH).toBeLessThanOrEqual(720);
    expect(Math.min(...textsOf(drawing).map(({ size }) => size))).toBeGreaterThanOrEqual(SMALL);
  });

  test('keeps every text inside the card and off every other text', () => {
    expect(cutTexts(drawing)).toEqual([]);
    expect(overlappingTexts(drawing)).toEqual([]);
  });

  test('draws no line through a text', () => {
    expect(crossedTexts(drawing)).toEqual([]);
  });
});

describe('what the tests would find', () => {
  const drawing = (...shapes: Shape[]): Drawing => ({ title: '', description: '', height: 100, shapes });

  test('a text that leaves the card', () => {
    expect(cutTexts(drawing(text(500, 50, 'too far right')))).toEqual(['too far right']);
  });

  test('two texts on each other', () => {
    expect(overlappingTexts(drawing(text(30, 50, 'one text'), text(60, 56, 'another')))).toEqual(['one text | another']);
  });

  test('a line and the edge of a box through a text', () => {
    const under = text(100, 50, 'struck');
    expect(
      crossedTexts(
        drawing(under, {
          kind: 'line',
          points: [
            [90, 46],
            [200, 44],
          ],
          tone: 'ink',
          isDashed: false,
        }),
      ),
    ).toEqual(['struck']);
    expect(crossedTexts(drawing(under, ...box({ x: 110, y: 20, width: 90, height: 60 }, [], { tone: 'ink' })))).toEqual(['struck']);
  });
});

test('a box refuses a text that is wider than itself', () => {
  expect(() => box({ x: 0, y: 0, width: 60, height: 30 }, ['much too long'], { tone: 'ink' })).toThrow(
    /'much too long' is 1\d\d px wide and has 54; shorten it or widen its box/,
  );
});

test('text has a contrast of 4.5 and lines one of 3, on light and dark cards', () => {
  for (const theme of ['light', 'dark'] as const) {
    const against = (tone: Tone) => contrast(PALETTE[tone][theme], PALETTE.card[theme]);
    for (const tone of ['ink', 'soft'] as const) expect(against(tone), `${tone}, ${theme}`).toBeGreaterThanOrEqual(4.5);
    for (const tone of ['lora', 'prefix', 'full', 'base', 'paper'] as const)
      expect(against(tone), `${tone}, ${theme}`).toBeGreaterThanOrEqual(2.9);
  }
});

test("the sizes in the drawings are those of the course's model", async () => {
  const { metadata } = await readGguf(defaultModelPath());
  const size = (key: string) => metadata.get(`llama.${key}`);
  expect([
    SMOLLM2.hiddenSize,
    SMOLLM2.intermediateSize,
    SMOLLM2.numHiddenLayers,
    SMOLLM2.numAttentionHeads,
    SMOLLM2.numKeyValueHeads,
  ]).toEqual([
    size('embedding_length'),
    size('feed_forward_length'),
    size('block_count'),
    size('attention.head_count'),
    size('attention.head_count_kv'),
  ]);
});

function textsOf({ shapes }: Drawing): Text[] {
  return shapes.filter((shape) => shape.kind === 'text');
}

function cutTexts(drawing: Drawing): string[] {
  const isCut = ({ left, right, top, bottom }: Extent) =>
    left < MARGIN - 6 || right > WIDTH - MARGIN + 6 || top < 6 || bottom > drawing.height - 6;
  return textsOf(drawing)
    .filter((each) => isCut(textExtent(each)))
    .map(({ content }) => content);
}

function overlappingTexts(drawing: Drawing): string[] {
  const texts = textsOf(drawing);
  return texts.flatMap((one, index) =>
    texts
      .slice(index + 1)
      .filter((other) => isOverlapping(textExtent(one), textExtent(other)))
      .map((other) => `${one.content} | ${other.content}`),
  );
}

function isOverlapping(a: Extent, b: Extent): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function crossedTexts(drawing: Drawing): string[] {
  const sides = drawing.shapes.flatMap(sidesOf);
  return textsOf(drawing)
    .filter((each) => sides.some((side) => isCrossing(side, textExtent(each))))
    .map(({ content }) => content);
}

type Side = readonly [Point, Point];

/** The straight lines that a shape draws. */
function sidesOf(shape: Shape): Side[] {
  if (shape.kind === 'text') return [];
  const { points, isClosed } = pathOf(shape);
  const ends = isClosed ? [...points.slice(1), ...points.slice(0, 1)] : points.slice(1);
  return ends.map((end, index) => [points[index] ?? end, end] as const);
}

function pathOf(shape: Exclude<Shape, Text>): { points: readonly Point[]; isClosed: boolean } {
  if (shape.kind !== 'rectangle') return { points: shape.points, isClosed: shape.kind === 'polygon' };
  const { x, y, width, height } = shape;
  const [right, bottom] = [x + width, y + height];
  return {
    points: [
      [x, y],
      [right, y],
      [right, bottom],
      [x, bottom],
    ],
    isClosed: true,
  };
}

/** Looks at points along the side, closer than the smallest text is high. */
function isCrossing([[x, y], [toX, toY]]: Side, { left, right, top, bottom }: Extent): boolean {
  const count = Math.ceil(Math.hypot(toX - x, toY - y) / 2) + 1;
  return Array.from({ length: count }, (_, index) => index / Math.max(1, count - 1)).some((share) => {
    const [px, py] = [x + share * (toX - x), y + share * (toY - y)];
    return px > left && px < right && py > top && py < bottom;
  });
}
