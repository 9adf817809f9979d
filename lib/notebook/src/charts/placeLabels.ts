import { textWidth } from '../textWidth';

/** A mark to label; positions are in pixels from the upper left corner. */
export interface Labelled {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  /** Of the mark. */
  readonly radius: number;
  /** The vertical extent of the mark's interval. */
  readonly interval?: readonly [top: number, bottom: number];
}

/** The position of a label. */
export interface PlacedLabel {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly align: 'left' | 'center' | 'right';
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const FONT_SIZE = 11;
const HALF_LINE = 8;

function overlap(one: Box, other: Box): number {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return width > 0 && height > 0 ? width * height : 0;
}

function boxOf({ text, x, y, align }: PlacedLabel): Box {
  const width = textWidth(text, FONT_SIZE);
  const left = align === 'left' ? x : align === 'right' ? x - width : x - width / 2;
  return { left: left - 2, right: left + width + 2, top: y - HALF_LINE, bottom: y + HALF_LINE };
}

function boxesOf({ x, y, radius, interval }: Labelled): Box[] {
  const mark = { left: x - radius, right: x + radius, top: y - radius, bottom: y + radius };
  return interval ? [mark, { left: x - 2, right: x + 2, top: interval[0], bottom: interval[1] }] : [mark];
}

/** Positions around a mark, the usual ones first, then further away. */
function candidates({ text, x, y, radius }: Labelled): PlacedLabel[] {
  const near = radius + 5;
  return [0, 12, 26, 40].flatMap((far): PlacedLabel[] => [
    { text, x, y: y - near - HALF_LINE + 2 - far, align: 'center' },
    { text, x, y: y + near + HALF_LINE - 2 + far, align: 'center' },
    { text, x: x + near, y: y + far, align: 'left' },
    { text, x: x - near, y: y + far, align: 'right' },
    { text, x: x + near, y: y - far, align: 'left' },
    { text, x: x - near, y: y - far, align: 'right' },
  ]);
}

/**
 * Places each label beside its mark, without overlapping another label or mark if the plot has room.
 */
export function placeLabels(marks: readonly Labelled[], width: number, height: number): PlacedLabel[] {
  const taken: Box[] = [];
  const boxes = marks.flatMap(boxesOf);
  return marks.map((mark) => {
    const cost = (label: PlacedLabel): number => {
      const box = boxOf(label);
      const outside = Math.max(0, -box.left) + Math.max(0, box.right - width) + Math.max(0, -box.top) + Math.max(0, box.bottom - height);
      return 40 * outside + [...taken, ...boxes].reduce((sum, each) => sum + overlap(box, each), 0);
    };
    const best = candidates(mark).reduce((a, b) => (cost(b) < cost(a) ? b : a));
    taken.push(boxOf(best));
    return best;
  });
}
