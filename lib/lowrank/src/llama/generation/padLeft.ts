/** Pads rows of different lengths on the left. */
import type { LlamaConfig } from '../config';

/** The content of the places before a row. They are masked, so an id outside the vocabulary, as of a token that was never added, becomes 0. */
export function fillerOf({ padTokenId = 0, vocabSize }: Pick<LlamaConfig, 'padTokenId' | 'vocabSize'>): number {
  return padTokenId < vocabSize ? padTokenId : 0;
}

type Tokens = readonly (readonly number[])[];

/** The rows, preceded by `filler` up to the length of the longest or to `width`. */
export function padLeft(rows: Tokens, filler: number, width = longest(rows)): number[][] {
  return rows.map((row) => [...Array<number>(width - row.length).fill(filler), ...row]);
}

/** The attention mask of left-padded rows: 0 on the padding, 1 on the tokens. */
export function leftMask(rows: Tokens, width = longest(rows)): number[][] {
  return rows.map(({ length }) => [...Array<number>(width - length).fill(0), ...Array<number>(length).fill(1)]);
}

/** The length of the longest row. */
export function longest(rows: Tokens): number {
  return rows.reduce((most, { length }) => Math.max(most, length), -Infinity); // more rows than a call takes arguments
}
