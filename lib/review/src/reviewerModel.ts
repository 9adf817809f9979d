/** The parts of a model and tokenizer that reviewing needs. */
import type { ForwardOptions, GenerateOptions, LlamaConfig, TokenRows, TrainableModel, tf } from 'lowrank';
import { groupsByLength, type PromptTokenizer } from 'lowrank/internal';

/** A LlamaForCausalLM, or a PeftModel with the adapter of the task active. Its optional members are compared by the workers of a cluster. */
export interface ReviewerModel extends Pick<TrainableModel, 'namedParameters' | 'peftConfig' | 'activeAdapters'> {
  readonly config: LlamaConfig;
  /** Shapes: inputIds (B, T) → logits (B, logitsToKeep, V). */
  forward(inputIds: TokenRows, options?: ForwardOptions): tf.Tensor3D;
  /** The continuations alone, a row of ids for each row of the batch. */
  generate(inputIds: TokenRows, options?: GenerateOptions): Promise<number[][]>;
}

/** A tokenizer that also decodes. */
export interface ReviewerTokenizer extends PromptTokenizer {
  /** The text of these ids. */
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
}

/** Indices of the rows in groups of similar length. The longest come first, so a run out of memory fails early. */
export function longestFirst(rows: readonly (readonly unknown[])[], size: number): number[][] {
  return groupsByLength([...rows.keys()], size, (index) => -(rows[index]?.length ?? 0));
}
