import { textWidth } from '../../lib/notebook/src/textWidth';

/** A point of a picture, in pixels. */
export type Point = readonly [x: number, y: number];

/** A text of a picture and the four corners of its box, as DejaVu Sans has it. */
export interface DrawnText {
  readonly text: string;
  readonly corners: readonly Point[];
}

/** The texts of a picture, with its size. */
export interface DrawnTexts {
  readonly width: number;
  readonly height: number;
  readonly texts: readonly DrawnText[];
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };

function attributesOf(tag: string): ReadonlyMap<string, string> {
  return new Map([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/** Where a transform puts the origin, and by how many degrees it turns. */
function placeOf(transform = ''): { readonly x: number; readonly y: number; readonly angle: number } {
  const [, x = '0', y = '0'] = /translate\(([-\d.e]+)[ ,]+([-\d.e]+)\)/.exec(transform) ?? [];
  const [, angle = '0'] = /rotate\(([-\d.e]+)/.exec(transform) ?? [];
  return { x: Number(x), y: Number(y), angle: Number(angle) };
}

/** The corners of a line of text whose baseline begins, is centred or ends at the origin of its place. */
function cornersOf(text: string, tag: ReadonlyMap<string, string>, origin: Point, dy: number): Point[] {
  const size = Number.parseFloat(tag.get('font-size') ?? '11');
  const weight = tag.get('font-weight') ?? '';
  const width = textWidth(text, size, weight === 'bold' || Number(weight) >= 600);
  const anchor = tag.get('text-anchor');
  const left = anchor === 'middle' ? -width / 2 : anchor === 'end' ? -width : 0;
  const { x, y, angle } = placeOf(tag.get('transform'));
  const [sine, cosine] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
  const [top, bottom] = [dy - 0.73 * size, dy + 0.15 * size]; // from the height of a capital to a little below the line
  return (
    [
      [left, top],
      [left + width, top],
      [left + width, bottom],
      [left, bottom],
    ] as const
  ).map(([a, b]) => [origin[0] + x + a * cosine - b * sine, origin[1] + y + a * sine + b * cosine] as const);
}

/** Reads the texts of an SVG that Vega drew. */
export function textsOf(svg: string): DrawnTexts {
  const [head = ''] = /<svg[^>]*>/.exec(svg) ?? [];
  const size = attributesOf(head);
  const texts: DrawnText[] = [];
  const groups: Point[] = [[0, 0]];
  for (const [, closing, name, tag = '', isEmpty, after = ''] of svg.matchAll(
    /<(\/?)(g|text)\b((?:[^>"]|"[^"]*")*?)(\/?)>([^<]*(?:<tspan[^>]*>[^<]*<\/tspan>)*)/g,
  )) {
    const [x = 0, y = 0] = groups.at(-1) ?? [];
    if (name === 'g') {
      if (closing) groups.pop();
      else if (!isEmpty) {
        const moved = placeOf(attributesOf(tag).get('transform'));
        groups.push([x + moved.x, y + moved.y]);
      }
      continue;
    }
    const attributes = attributesOf(tag);
    if (closing || attributes.get('opacity') === '0') continue;
    const spans = [...after.matchAll(/<tspan([^>]*)>([^<]*)<\/tspan>/g)].map(([, span = '', words = '']) => ({
      words,
      dy: Number(attributesOf(span).get('dy') ?? 0),
    }));
    let dy = 0;
    for (const span of spans.length > 0 ? spans : [{ words: after, dy: 0 }]) {
      dy += span.dy;
      const text = span.words.replace(/&(amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity] ?? entity);
      if (text.trim()) texts.push({ text, corners: cornersOf(text, attributes, [x, y], dy) });
    }
  }
  return { width: Number(size.get('width')), height: Number(size.get('height')), texts };
}

/** By how many pixels two boxes reach into each other, along the side where they do least; 0 if they do not meet. */
function depth(one: readonly Point[], other: readonly Point[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const box of [one, other]) {
    for (const [a, b] of [
      [box[0], box[1]],
      [box[1], box[2]],
    ]) {
      if (!a || !b) continue;
      const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
      const axis = [(b[0] - a[0]) / length, (b[1] - a[1]) / length] as const;
      const along = (corners: readonly Point[]) => corners.map(([x, y]) => x * axis[0] + y * axis[1]);
      const [first, second] = [along(one), along(other)];
      least = Math.min(least, Math.min(Math.max(...first), Math.max(...second)) - Math.max(Math.min(...first), Math.min(...second)));
    }
  }
  return Math.max(0, least);
}

/** What a reader with DejaVu Sans could not read: texts over one another, and texts that the edge of the picture cuts. */
export function textFaults(svg: string): string[] {
  const { width, height, texts } = textsOf(svg);
  const cut = texts.flatMap(({ text, corners }) => {
    const [xs, ys] = [corners.map(([x]) => x), corners.map(([, y]) => y)];
    const beyond = Math.max(-Math.min(...xs), Math.max(...xs) - width, -Math.min(...ys), Math.max(...ys) - height);
    return beyond > 1 ? [`'${text}' is cut by ${beyond.toFixed(0)} px`] : [];
  });
  const overlaps = texts.flatMap((one, index) =>
    texts.slice(index + 1).flatMap((other) => {
      const deep = depth(one.corners, other.corners);
      return deep > 1.5 ? [`'${one.text}' and '${other.text}' overlap by ${deep.toFixed(0)} px`] : [];
    }),
  );
  return [...cut, ...overlaps];
}
