/** What the readers of tokenizer files hand to the tokenizer. */

/** What a tokenizer is made from: the content of a `tokenizer.json`, and what stands beside it. */
export interface TokenizerDefinition {
  /** Where it was read, for messages. */
  readonly path: string;
  readonly tokenizerJson: Readonly<Record<string, unknown>>;
  readonly bosToken?: string;
  readonly eosToken?: string;
  readonly padToken?: string;
  readonly unkToken?: string;
  /** A Jinja template. */
  readonly chatTemplate?: string;
}
