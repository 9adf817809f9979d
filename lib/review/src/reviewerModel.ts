/** What is needed of a model and its tokenizer to review code. */
import type { ForwardOptions, GenerateOptions, LlamaConfig, TokenRows, tf } from 'lowrank';
import { chunks, type PromptTokenizer } from 'lowrank/internal';

/** A LlamaForCausalLM, or a PeftModel with the adapter of the task active. */
export interface ReviewerModel {
  readonly config: LlamaConfig;
  /** Shapes: inputIds (B, T) → logits (B, logitsToKeep, V). */
  forward(inputIds: TokenRows, options?: ForwardOptions): tf.Tensor3D;
  generate(inputIds: TokenRows, options?: GenerateOptions): Promise<number[][]>;
}

/** A tokenizer that also gives text back. */
export interface ReviewerTokenizer extends PromptTokenizer {
  decode(ids: readonly number[], options?: { readonly skipSpecialTokens?: boolean }): string;
}

/** Places of the items in groups of like length, so that little is padded; longest first, so that memory runs out at once or never. */
export function groupsByLength(rows: readonly (readonly unknown[])[], size: number): number[][] {
  const order = rows.map((_, index) => index).sort((a, b) => (rows[b]?.length ?? 0) - (rows[a]?.length ?? 0));
  return chunks(order, size);
}
