/** The extent of a text in DejaVu Sans, the widest of the usual sans-serif fonts: a text that fits there fits in any other. */
import { textWidth as proportionalWidth } from 'lowrank-notebook/internal';
import type { Text } from './shapes';

const MONO = 0.602; // em

/** The width of one line of text in pixels. */
export function textWidth({ content, size, isBold, isMono }: Pick<Text, 'content' | 'size' | 'isBold' | 'isMono'>): number {
  return isMono ? MONO * size * Array.from(content).length : proportionalWidth(content, size, isBold);
}

/** The area that a drawing's text fills, from the top of its capitals to its tails. */
export interface Extent {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The rectangle that a text fills. */
export function textExtent(text: Text): Extent {
  const width = textWidth(text);
  const left = text.x - { start: 0, middle: width / 2, end: width }[text.anchor];
  return { left, right: left + width, top: text.y - 0.76 * text.size, bottom: text.y + 0.24 * text.size };
}
