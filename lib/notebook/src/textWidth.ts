/** Estimates text widths where no browser can measure them. */

/** Widths in em of the widest common sans-serif font (DejaVu Sans), so labels fit in any other font. */
const WIDTHS: readonly (readonly [characters: RegExp, em: number])[] = [
  [/[iljtfrI.,:;'|!()[\]/ -]/, 0.35],
  [/[mwMW@%–…→]/, 0.99],
  [/[\p{Lu}=+−<>≈×]/u, 0.72],
];
const OTHER = 0.62; // lower case and digits

/** An upper bound on the width of a text, in the unit of the font size. Vega's own estimate is 0.8 em for every character. */
export function textWidth(text: string, fontSize: number): number {
  const widths = Array.from(text, (character) => WIDTHS.find(([characters]) => characters.test(character))?.[1] ?? OTHER);
  return fontSize * widths.reduce((sum, width) => sum + width, 0);
}
