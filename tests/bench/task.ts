/** What a benchmark asks of a process, ours or a peer's, and what it answers; both as JSON. */

/** A training run, or a decoding, of so many warm-up and timed rounds. */
export interface TaskOptions {
  readonly batch: number;
  readonly tokens: number;
  readonly warmup: number;
  readonly steps: number;
  readonly threads: number;
  readonly dtype: 'float32' | 'bfloat16';
  /** Ours alone: blocks of four bits, as llama.cpp has them. */
  readonly quantize?: 'q4_1';
  /** A folder that PEFT wrote, for both sides to start from. */
  readonly adapter?: string;
  /** Tokens to write, of a decoding. */
  readonly newTokens?: number;
  /** Whether the adapter is merged before decoding. */
  readonly merged?: boolean;
  /** How many adapters the rows of a decoding are spread over. */
  readonly adapters?: number;
}

export interface TrainAnswer {
  readonly losses: readonly number[];
  readonly secondsPerStep: number;
  readonly spread: readonly number[];
  readonly secondsToFirstStep: number;
  readonly peakMegabytes: number;
}

export interface DecodeAnswer {
  readonly tokensPerSecond: number;
  readonly spread: readonly number[];
  readonly newIds: readonly (readonly number[])[];
  readonly secondsToLoad: number;
  readonly peakMegabytes: number;
}

export interface AdapterAnswer {
  readonly saveMs: number;
  readonly loadMs: number;
  readonly switchMs: number;
  readonly mergeUnmergeMs: number;
}

/** The ids that both sides read: (b·1009 + t·7919 + 13) mod V. */
export function tokenIds(batch: number, tokens: number, vocabSize: number): number[][] {
  return Array.from({ length: batch }, (_, b) => Array.from({ length: tokens }, (_, t) => (b * 1009 + t * 7919 + 13) % vocabSize));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? Number.NaN) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function spreadOf(values: readonly number[]): [number, number] {
  return [Math.min(...values), Math.max(...values)];
}
