/** The names of lines at their ends, in place of a legend. */
import type { MethodStyle } from '../../methodStyles';
import { INK } from '../../theme';
import { nominal } from '../fields';

/** The name of a line, drawn beside its end. */
export interface EndLabel {
  readonly text: string;
  /** Where the line ends, in pixels from the top. */
  readonly y: number;
  /** The line's look; without it, only the text is drawn. */
  readonly style?: MethodStyle;
}

const LINE_HEIGHT = 15;

/** Moves heights apart until neighbours have room for their text, and keeps them inside the plot if it is high enough. */
export function spread(heights: readonly number[], gap: number, height: number): number[] {
  const order = heights.map((_, index) => index).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  const placed = order.map((index) => heights[index] ?? 0);
  for (let i = 1; i < placed.length; i++) placed[i] = Math.max(placed[i] ?? 0, (placed[i - 1] ?? 0) + gap);
  let ceiling = Math.max(height, (placed.length - 1) * gap);
  for (let i = placed.length - 1; i >= 0; i--) {
    placed[i] = Math.min(placed[i] ?? 0, ceiling);
    ceiling = (placed[i] ?? 0) - gap;
  }
  const result = [...heights];
  order.forEach((index, place) => {
    result[index] = placed[place] ?? 0;
  });
  return result;
}

/** Views with the names of lines at the right of a plot, in place of a legend. */
export function endLabels(labels: readonly EndLabel[], width: number, height: number): object[] {
  const ends = labels.map(({ y }) => y);
  const heights = spread(ends, LINE_HEIGHT, height);
  return labels.flatMap(({ text, style }, index) => {
    const y = { value: Math.round(heights[index] ?? 0) };
    const data = { values: [{ label: text }] };
    const words = {
      data,
      mark: { type: 'text', align: 'left', baseline: 'middle', color: INK },
      encoding: { x: { value: width + (style ? 20 : 8) }, y, text: nominal('label') },
    };
    if (!style) return [words];
    const { colour: color, shape } = style;
    const symbol = { type: 'point', filled: true, shape, color, opacity: 1, size: 50 };
    return [{ data, mark: symbol, encoding: { x: { value: width + 11 }, y } }, words];
  });
}
