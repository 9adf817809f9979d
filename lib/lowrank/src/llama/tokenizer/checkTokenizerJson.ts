/** Refuses a `tokenizer.json` that the `tokenizers` package would build, and then encode by other rules than Hugging Face's Python library. */
import { isJsonObject, type JsonObject } from '../../io';
import { FormatError, UnsupportedError } from '../../runtime';

/**
 * @param added - the tokens that are matched before the text is cut
 * @throws UnsupportedError for a token that matches whole words only, and for random merges (BPE dropout); FormatError when a merge joins
 * or makes a token that the vocabulary lacks.
 */
export function checkTokenizerJson(path: string, { model }: JsonObject, added: readonly unknown[]): void {
  for (const token of added) {
    if (!isJsonObject(token) || token.single_word !== true) continue;
    const shown = String(JSON.stringify(token.content)).slice(0, 80);
    throw new UnsupportedError(`${path}: the token ${shown} has "single_word": true, which is not supported; set it to false`);
  }
  if (!isJsonObject(model)) return;
  if (typeof model.dropout === 'number' && model.dropout > 0)
    throw new UnsupportedError(`${path}: the model has "dropout": ${model.dropout}, which makes encoding random; set it to null`);
  if (isJsonObject(model.vocab) && Array.isArray(model.merges) && !model.continuing_subword_prefix)
    checkMerges(path, model.vocab, model.merges);
}

function checkMerges(path: string, vocab: JsonObject, merges: readonly unknown[]): void {
  for (const merge of merges) {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2) continue; // the build refuses it
    const unknown = [...parts, parts.join('')].find((token) => typeof token !== 'string' || !Object.hasOwn(vocab, token));
    if (unknown === undefined) continue;
    const shown = [merge, unknown].map((value) => String(JSON.stringify(value)).slice(0, 80));
    throw new FormatError(`${path}: the merge ${shown[0]} needs the token ${shown[1]}, which the vocabulary lacks`);
  }
}
