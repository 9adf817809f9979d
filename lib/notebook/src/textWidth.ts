/**
 * Text widths where no browser can measure them: the advance widths of DejaVu Sans, the widest common sans-serif font, so labels fit in
 * any other font too.
 */

import { ArgumentError } from 'lowrank/errors';

type Widths = readonly (readonly [thousandths: number, characters: string])[];

/** Characters by width, in thousandths of the font size, from the font's table `hmtx`. */
const REGULAR: Widths = [
  [278, "ijl'′"],
  [318, ' ,.·’IJ'],
  [337, '/:;\\|'],
  [361, '-f'],
  [390, '()[]'],
  [411, '!²³₀₁₂¹rt'],
  [500, '*_`‖–°"ᵥₚ'],
  [525, 'sz“”?'],
  [557, 'cL'],
  [592, 'vxyγλkF'],
  [612, 'oδθTYPτ'],
  [636, '$0123456789{}μSbdgpqhnuσüeéEΣa√β'],
  [659, 'Kα'],
  [686, 'AVΔXZB'],
  [698, 'RC'],
  [752, 'UNH'],
  [787, 'DG&OQ'],
  [838, 'w∞#+<=>^~×−→←↓↑≥≤≈±⏎⇥'],
  [863, 'M'],
  [1000, '%mW@—…'],
  [1342, '‰'],
];
const BOLD: Widths = [
  [348, "ijl' ′"],
  [380, ',.·’/\\|IJ'],
  [457, ':;-f!²³₀₁₂¹()[]'],
  [500, 'rt_`‖–°ₚ'],
  [523, '*"ᵥ'],
  [595, '?zcs'],
  [657, 'λLτxvy“”'],
  [687, 'k√aeéγTEFΣoαδθ'],
  [716, '$0123456789hnu{}übdgpqβ'],
  [736, 'SYZPCμ'],
  [779, 'BRXAVΔKσ'],
  [838, 'UGDHN∞#+<=>^~×−→←↓↑≥≤≈±⏎⇥'],
  [872, 'OQ&'],
  [924, 'w'],
  [1042, 'M@—…%m'],
  [1103, 'W'],
  [1440, '‰'],
];

function byCharacter(widths: Widths): ReadonlyMap<string, number> {
  return new Map(widths.flatMap(([width, characters]) => Array.from(characters, (character) => [character, width / 1000] as const)));
}

const regular = byCharacter(REGULAR);
const bold = byCharacter(BOLD);
const OTHER = 1; // as wide as the font is high

/** An upper bound on the width of a text, in the unit of the font size. Vega's own estimate is 0.8 em for every character. */
export function textWidth(text: string, fontSize: number, isBold = false): number {
  if (typeof text !== 'string') throw new ArgumentError(`a title, a label or a column is ${String(text)}, not a text`);
  const widths = isBold ? bold : regular;
  return fontSize * Array.from(text, (character) => widths.get(character) ?? OTHER).reduce((sum, width) => sum + width, 0);
}
