/** The functions that drawings are made with. */
import { ArgumentError } from 'lowrank/errors';
import type { Tone } from './palette';
import { type Line, MARGIN, type Point, type Polygon, type Rectangle, type Shape, SIZE, SMALL, type Text, WIDTH } from './shapes';
import { textWidth } from './textExtent';

/** The look of a text; by default, running text from its left end. */
type TextLook = Partial<Pick<Text, 'size' | 'tone' | 'anchor' | 'isBold' | 'isMono'>>;

interface BoxLook {
  readonly tone: Tone;
  /** @defaultValue 'tint' */
  readonly look?: Rectangle['look'];
  /** @defaultValue 5 */
  readonly radius?: number;
  readonly text?: TextLook;
}

export type Place = Pick<Rectangle, 'x' | 'y' | 'width' | 'height'>;

const LINE_HEIGHT = 1.32;

/** One line of text with its baseline at (x, y). */
export function text(x: number, y: number, content: string, look: TextLook = {}): Text {
  return { kind: 'text', x, y, content, size: SIZE, tone: 'ink', anchor: 'start', isBold: false, isMono: false, ...look };
}

/** Lines of small text below each other. */
export function note(x: number, y: number, lines: readonly string[], look: TextLook = {}): Text[] {
  const { size = SMALL } = look;
  return lines.map((line, index) => text(x, y + index * LINE_HEIGHT * size, line, { size, tone: 'soft', ...look }));
}

/** The title, the first line of a drawing. */
export function heading(content: string): Text {
  return fitting(text(MARGIN, 34, content, { isBold: true, size: 17 }), WIDTH - 2 * MARGIN);
}

/** A part's own heading. */
export function subheading(y: number, content: string): Text {
  return text(MARGIN, y, content, { isBold: true });
}

/** A box with lines of text in its middle. @throws ArgumentError when a line does not fit. */
export function box(place: Place, lines: readonly string[], { tone, look = 'tint', radius = 5, text: own = {} }: BoxLook): Shape[] {
  const { x, y, width, height } = place;
  const { size = SIZE } = own;
  const first = y + height / 2 + 0.36 * size - ((lines.length - 1) / 2) * LINE_HEIGHT * size;
  const inside = lines.map((line, index) =>
    fitting(text(x + width / 2, first + index * LINE_HEIGHT * size, line, { anchor: 'middle', ...own }), width - 6),
  );
  return [{ kind: 'rectangle', ...place, tone, look, radius }, ...inside];
}

/** A matrix: a box with square corners, as large as its numbers of rows and columns. */
export function matrix(place: Place, name: string, tone: Tone, look: Rectangle['look'] = 'tint'): Shape[] {
  return box(place, name === '' ? [] : [name], { tone, look, radius: 0, text: { isBold: true } });
}

/** Places as in SVG: x, y, x, y … */
export type Path = readonly number[];

/** A line, with an arrowhead at its end. */
export function arrow(path: Path, tone: Tone = 'soft', isDashed = false): [Line, Polygon] {
  const [fromX, fromY, x, y] = path.slice(-4) as [number, number, number, number];
  const length = Math.hypot(x - fromX, y - fromY);
  const [dx, dy] = [(x - fromX) / length, (y - fromY) / length];
  const [head, half] = [9, 4.5];
  const [baseX, baseY] = [x - head * dx, y - head * dy];
  const corners = [x, y, baseX - half * dy, baseY + half * dx, baseX + half * dy, baseY - half * dx];
  return [line([...path.slice(0, -2), baseX, baseY], tone, isDashed), polygon(corners, tone, 'solid')];
}

/** A line through points. */
export function line(path: Path, tone: Tone = 'soft', isDashed = false): Line {
  return { kind: 'line', points: pointsOf(path), tone, isDashed };
}

/** A filled shape. */
export function polygon(path: Path, tone: Tone, look: Polygon['look'] = 'tint'): Polygon {
  return { kind: 'polygon', points: pointsOf(path), tone, look };
}

function pointsOf(path: Path): Point[] {
  return path.flatMap((x, at): Point[] => (at % 2 === 0 ? [[x, path[at + 1] ?? 0]] : []));
}

/** A whole number with its thousands separated. */
export function counted(value: number): string {
  return value.toLocaleString('en');
}

function fitting(inside: Text, width: number): Text {
  const own = textWidth(inside);
  if (own <= width) return inside;
  throw new ArgumentError(`'${inside.content}' is ${own.toFixed(0)} px wide and has ${width.toFixed(0)}; shorten it or widen its box`);
}
