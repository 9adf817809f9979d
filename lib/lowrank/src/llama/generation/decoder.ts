/** The interface between a model and a decoding method: it reads prompts, then one token per row at a time, and returns scores. */
import { compile, tf } from '../../runtime';
import type { LlamaParts } from '../buildModel';
import type { TokenRows } from '../checkInputs';
import type { LlamaConfig } from '../config';
import type { KeyValueCache } from './growingCache';

/** A model whose layers can be compiled one by one. */
export interface CompilableModel {
  readonly llama: DecodableModel;
  /** Prepares the model for decoding this number of rows, runs the function, and restores the model. */
  readonly within: <T>(rows: number, run: () => T) => T;
  /** Whether the rows of a batch have different adapters, so none can take what another one computed. */
  readonly areRowsMixed?: boolean;
}

/** The parts of a model that decoding programs compile. */
export type DecodableModel = LlamaParts & { readonly config: LlamaConfig };

/** The parts of a model that generation needs. */
export interface GeneratingModel {
  readonly config: LlamaConfig;
  /** Shapes: inputIds (B, T) → logits (B, 1, V). */
  forward(inputIds: TokenRows, options: { attentionMask?: TokenRows; cache: KeyValueCache; logitsToKeep: number }): tf.Tensor3D;
  /** The model's layers if they can be compiled; without them, it decodes operation by operation. @internal */
  readonly compilable?: CompilableModel;
}

/** One id per row: numbers, or a float32 tensor, possibly still being computed. On a GPU, TensorFlow keeps integers on the host. */
export type NextIds = readonly number[] | tf.Tensor1D;

/**
 * Scores of the vocabulary for the next token; `likeliest` is NaN where a logit is, or the largest infinite. Shapes: logits (B, V);
 * likeliest (B), float32.
 */
export type Scores = {
  readonly logits: tf.Tensor2D;
  readonly likeliest: tf.Tensor1D;
};

/** TensorFlow's ArgMax uses one GPU thread per row, which takes longer than ten layers. */
const likeliestOf = compile(
  (logits: tf.Tensor2D) => {
    const isSound = logits.max(-1).isFinite().logicalAnd(logits.isNaN().any(-1).logicalNot()); // a maximum may pass over NaN
    return tf.where<tf.Tensor>(isSound, logits.argMax(-1).toFloat(), tf.scalar(Number.NaN)) as tf.Tensor1D;
  },
  { name: 'likeliest', variesIn: 'shapes' },
);

/** Shapes: logits (B, V). */
export function scoresOf(logits: tf.Tensor2D): Scores {
  return { logits, likeliest: likeliestOf(logits) };
}

/** Rows in progress. The owner disposes the decoder and the scores that it returns. */
export interface Decoder {
  /** Reads the prompts, which may differ in length. */
  prefill(prompts: readonly (readonly number[])[]): Scores;
  /** Reads one more token of each row. Shapes: ids (B). */
  step(ids: NextIds): Scores;
  /** Replaces the current rows by these; one row may be selected several times, as in beam search. */
  selectRows(rows: readonly number[]): void;
  dispose(): void;
}
