/** The memory of a training step: one source for the drawing and for the figure that moves. */

/** Bytes for a trained number in mixed precision with Adam (Rajbhandari et al. 2020, arXiv 1910.02054, section 3.1). */
export const TRAINED_BYTES = { weights: 2, gradients: 2, moments: 8, '32-bit copy': 4 } as const;

/** Bytes for a number in NF4 with double quantisation (Dettmers et al. 2023, section 3). */
export const NF4_BYTES = 4.127 / 8;

/** Bytes of a frozen model with `packedBytes` for each number in a projection, and 16 bits for all others. */
export function frozenBytes(all: number, projections: number, packedBytes: number): number {
  return packedBytes * projections + 2 * (all - projections);
}

/** The sizes of a model that its activations depend on. */
export interface ActivationShape {
  readonly layers: number;
  /** Model width. */
  readonly hidden: number;
  readonly heads: number;
}

/**
 * Bytes of the activations that a step keeps: `L·T·B·h·(34 + 5·a·T/h)` (Korthikanti et al. 2022, eq. 1, for GPT layers at 16 bits), with
 * layers L, length T, batch B, width h and heads a.
 */
export function activationBytes({ layers, hidden, heads }: ActivationShape, batch: number, tokens: number): number {
  return layers * tokens * batch * hidden * (34 + (5 * heads * tokens) / hidden);
}
