/** Names beside the marks of a plane. */
import { textWidth } from '../textWidth';
import { INK } from '../theme';
import { nominal } from './fields';

/** A mark to label; positions are in pixels from the upper left corner. */
interface Labelled {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** The vertical extent of the mark's interval. */
  readonly interval?: readonly [top: number, bottom: number];
}

interface PlacedLabel {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly align: 'left' | 'center' | 'right';
  /** From the mark to the label, where another mark or label is nearer or in between. */
  readonly leader?: readonly [x: number, y: number, x2: number, y2: number];
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const FONT_SIZE = 11;
const HALF_LINE = 8;
/** A label at the end of an interval is further from the mark, and touches it all the same. */
const TOUCHING = 1;

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

/** Positions around a mark with how far away they are, the usual ones first; then at the ends of its interval. */
function candidates({
  text,
  x,
  y,
  radius,
  interval: [top, bottom] = [y, y],
}: Labelled): { readonly label: PlacedLabel; readonly far: number }[] {
  const near = radius + 5;
  const ends = [top - HALF_LINE - 3, bottom + HALF_LINE + 3].flatMap((end) => {
    const labels: PlacedLabel[] = [
      { text, x, y: end, align: 'center' },
      { text, x: x - 4, y: end, align: 'left' },
      { text, x: x + 4, y: end, align: 'right' },
    ];
    return labels.map((label) => ({ label, far: TOUCHING }));
  });
  const around = [0, 12, 26, 40, 56].flatMap((far) => {
    const beside = near + (far > 0 ? 8 : 0); // a leader needs room
    const labels: PlacedLabel[] = [
      { text, x, y: y - near - HALF_LINE + 2 - far, align: 'center' },
      { text, x, y: y + near + HALF_LINE - 2 + far, align: 'center' },
      { text, x: x + beside, y: y + far, align: 'left' },
      { text, x: x - beside, y: y + far, align: 'right' },
      { text, x: x + beside, y: y - far, align: 'left' },
      { text, x: x - beside, y: y - far, align: 'right' },
    ];
    return labels.map((label) => ({ label, far }));
  });
  return [...around, ...ends];
}

/** A line from the mark to a label that is not next to it. */
function withLeader(label: PlacedLabel, far: number, { x, y, radius }: Labelled): PlacedLabel {
  if (far <= TOUCHING) return label;
  const [toX, toY] =
    label.align === 'center' ? [x, label.y + Math.sign(y - label.y) * HALF_LINE] : [label.x + (label.align === 'left' ? -2 : 2), label.y];
  const share = radius / (Math.hypot(toX - x, toY - y) || 1);
  return { ...label, leader: [x + share * (toX - x), y + share * (toY - y), toX, toY] };
}

/** Rounds in which a label may leave the place that it got before the others had theirs. */
const ROUNDS = 4;
/** The cost of a pixel of distance, in square pixels of overlap. */
const DISTANCE = 0.5;

/**
 * Places each label beside its mark, without overlapping another label, a mark or a line across the plot if the plot has room. `lines` are
 * the heights of those lines. A label that is further away has a leader to its mark.
 */
export function placeLabels(marks: readonly Labelled[], width: number, height: number, lines: readonly number[] = []): PlacedLabel[] {
  const boxes = [...marks.flatMap(boxesOf), ...lines.map((y) => ({ left: 0, right: width, top: y - 1, bottom: y + 1 }))];
  const placed = new Map<Labelled, { readonly label: PlacedLabel; readonly far: number }>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const mark of marks) {
      placed.delete(mark);
      const taken = [...boxes, ...[...placed.values()].map(({ label }) => boxOf(label))];
      const cost = ({ label, far }: { readonly label: PlacedLabel; readonly far: number }): number => {
        const box = boxOf(label);
        const outside = Math.max(0, -box.left) + Math.max(0, box.right - width) + Math.max(0, -box.top) + Math.max(0, box.bottom - height);
        return 40 * outside + DISTANCE * far + taken.reduce((sum, each) => sum + overlap(box, each), 0);
      };
      placed.set(
        mark,
        candidates(mark).reduce((a, b) => (cost(b) < cost(a) ? b : a)),
      );
    }
  }
  return marks.flatMap((mark) => {
    const found = placed.get(mark);
    return found ? [withLeader(found.label, found.far, mark)] : [];
  });
}

export function placedText({ text, x, y, align }: PlacedLabel): object {
  return {
    data: { values: [{ text }] },
    mark: { type: 'text', align, baseline: 'middle', color: INK },
    encoding: { x: { value: Math.round(x) }, y: { value: Math.round(y) }, text: nominal('text') },
  };
}
