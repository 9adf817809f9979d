/** How wide a text is where no browser measures it. */

/** Widths in em, of the widest common sans-serif (DejaVu Sans), so that no other font is cut off. */
const WIDTHS: readonly (readonly [characters: RegExp, em: number])[] = [
  [/[iljtfrI.,:;'|!()[\]/ -]/, 0.35],
  [/[mwMW@%–…→]/, 0.99],
  [/[\p{Lu}=+−<>≈×]/u, 0.72],
];
const OTHER = 0.62; // lower case and digits

/** An upper estimate of a text's width in the unit of the font size; Vega's own is 0.8 em for every character. */
export function textWidth(text: string, fontSize: number): number {
  const widths = Array.from(text, (character) => WIDTHS.find(([characters]) => characters.test(character))?.[1] ?? OTHER);
  return fontSize * widths.reduce((sum, width) => sum + width, 0);
}
