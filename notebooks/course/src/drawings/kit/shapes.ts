/** The shapes of drawings. */
import type { Tone } from './palette';

/** A point in pixels, from the top left corner of the card. */
export type Point = readonly [x: number, y: number];

export interface Rectangle {
  readonly kind: 'rectangle';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly tone: Tone;
  /** `tint` is a thin edge and a pale inside, `solid` all colour, `dashed` an edge alone: something computed and not kept. */
  readonly look: 'tint' | 'solid' | 'dashed';
  readonly radius: number;
}

/** A closed shape with straight sides, filled. */
export interface Polygon {
  readonly kind: 'polygon';
  readonly points: readonly Point[];
  readonly tone: Tone;
  readonly look: 'tint' | 'solid';
}

/** A line through points. */
export interface Line {
  readonly kind: 'line';
  readonly points: readonly Point[];
  readonly tone: Tone;
  readonly isDashed: boolean;
}

/** One line of text; `y` is its baseline. */
export interface Text {
  readonly kind: 'text';
  readonly x: number;
  readonly y: number;
  readonly content: string;
  readonly size: number;
  readonly tone: Tone;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly isBold: boolean;
  readonly isMono: boolean;
}

export type Shape = Rectangle | Polygon | Line | Text;

/** Width of every drawing in pixels: narrow enough that its smallest text is legible on a phone of 390 pixels. */
export const WIDTH = 560;
/** Space between the card's edge and what is drawn. */
export const MARGIN = 22;
/** Size of running text, and of the smallest. */
export const SIZE = 16;
export const SMALL = 15;

/** A drawing as data. */
export interface Drawing {
  /** What it shows, in a few words. */
  readonly title: string;
  /** The same in sentences, for readers who do not see it. */
  readonly description: string;
  readonly height: number;
  readonly shapes: readonly Shape[];
}
