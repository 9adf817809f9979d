/** The common result of all readers of tokenizer files. */

/** The content of a `tokenizer.json`, and settings from the files beside it. */
export interface TokenizerDefinition {
  /** Its origin, for messages. */
  readonly path: string;
  readonly tokenizerJson: Readonly<Record<string, unknown>>;
  readonly bosToken?: string;
  readonly eosToken?: string;
  readonly padToken?: string;
  readonly unkToken?: string;
  readonly sepToken?: string;
  readonly clsToken?: string;
  readonly maskToken?: string;
  /** A Jinja template. */
  readonly chatTemplate?: string;
}
