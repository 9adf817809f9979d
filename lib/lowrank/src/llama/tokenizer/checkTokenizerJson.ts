/** Refuses a `tokenizer.json` that the `tokenizers` package would build, and then encode by other rules than Hugging Face's Python library. */
import { isJsonObject, type JsonObject } from '../../io';
import { FormatError, UnsupportedError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';

/** The valid values of these fields, wherever they are; the package reads any other value as one of them. */
const CHOICES: ReadonlyMap<string, readonly unknown[]> = new Map(
  Object.entries({
    behavior: ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'],
    prepend_scheme: ['first', 'never', 'always'],
    direction: ['Left', 'Right'],
  }),
);

/** For any other model, the package looks tokens up whole; older files do not name theirs. */
const MODELS: readonly unknown[] = ['BPE', 'Unigram', 'WordPiece', 'WordLevel', undefined];

/**
 * @param added - the tokens that are matched before the text is cut
 * @throws UnsupportedError for a token that matches whole words only, for a decoder of speech, for random merges (BPE dropout), and for merges with marks within words; FormatError for a value that the
 * format does not have, when a merge joins or makes a token that the vocabulary lacks, a token has two ids, an id has two tokens, or the
 * post-processor writes other ids than a token has.
 */
export function checkTokenizerJson(path: string, { model, post_processor: post, ...parts }: JsonObject, added: readonly unknown[]): void {
  for (const token of added) {
    if (!isJsonObject(token) || token.single_word !== true) continue;
    throw new UnsupportedError(
      `${path}: the token ${shown(token.content)} has "single_word": true, which is not supported; set it to false`,
    );
  }
  checkChoices(path, parts);
  const { decoder } = parts;
  const decoders: readonly unknown[] = isJsonObject(decoder) && Array.isArray(decoder.decoders) ? decoder.decoders : [decoder];
  const foreign = decoders.find((one) => isJsonObject(one) && one.type === 'CTC');
  if (foreign)
    throw new UnsupportedError(`${path} has the decoder "CTC", which is for speech, and drops repeated tokens; it is not supported`);
  const stripped = decoders.find((one) => isJsonObject(one) && one.type === 'Strip' && Number(one.start) > 0 && Number(one.stop) > 0);
  if (stripped)
    throw new UnsupportedError(
      `${path} has a decoder "Strip" with a start and a stop, by which the Python library fails; set one of them to 0`,
    );
  if (isJsonObject(model) && model.type === 'Unigram' && typeof model.unk_id !== 'number')
    throw new UnsupportedError(`${path}: the model Unigram has "unk_id": ${shown(model.unk_id)}; give it the id of its unknown token`);
  const vocab = isJsonObject(model) && isJsonObject(model.vocab) ? model.vocab : {};
  checkIds(path, vocab, added);
  checkPostProcessor(
    path,
    post,
    new Map([...Object.entries(vocab), ...added.filter(isJsonObject).map(({ content, id }) => [String(content), id] as const)]),
  );
  if (!isJsonObject(model)) return;
  if (!MODELS.includes(model.type))
    throw new FormatError(`${path}: the model has the type ${shown(model.type)}; there are ${MODELS.slice(0, -1).join(', ')}`);
  if (typeof model.dropout === 'number' && model.dropout > 0)
    throw new UnsupportedError(`${path}: the model has "dropout": ${model.dropout}, which makes encoding random; set it to null`);
  const affix = ['continuing_subword_prefix', 'end_of_word_suffix'].find((name) => model.type === 'BPE' && model[name]);
  if (affix !== undefined)
    throw new UnsupportedError(
      `${path}: the model has "${affix}": ${shown(model[affix])}, with which no LLaMA merges tokens; it is not supported`,
    );
  if (isJsonObject(model.vocab) && Array.isArray(model.merges)) checkMerges(path, model.vocab, model.merges);
}

function checkMerges(path: string, vocab: JsonObject, merges: readonly unknown[]): void {
  for (const merge of merges) {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2) continue; // the build refuses it
    const unknown = [...parts, parts.join('')].find((token) => typeof token !== 'string' || !Object.hasOwn(vocab, token));
    if (unknown === undefined) continue;
    throw new FormatError(`${path}: the merge ${shown(merge)} needs the token ${shown(unknown)}, which the vocabulary lacks`);
  }
}

function checkChoices(path: string, part: unknown): void {
  if (Array.isArray(part)) for (const item of part) checkChoices(path, item);
  if (!isJsonObject(part)) return;
  for (const [name, value] of Object.entries(part)) {
    const choices = CHOICES.get(name);
    if (choices && !choices.includes(value))
      throw new FormatError(`${path} has "${name}": ${shown(value)}; it is one of ${choices.join(', ')}`);
    if (name !== 'added_tokens') checkChoices(path, value);
  }
}

/** If two files or two entries disagree, or an id is skipped, transformers gives some tokens other ids than the files say. */
function checkIds(path: string, vocab: JsonObject, added: readonly unknown[]): void {
  const ids = new Map<unknown, unknown>(Object.entries(vocab));
  const tokens = new Map<unknown, unknown>(Array.from(ids, ([token, id]) => [id, token]));
  let next = ids.size;
  for (const token of added) {
    if (!isJsonObject(token)) continue;
    const { content, id } = token;
    const [known, holder] = [ids.get(content), tokens.get(id)];
    const remedy = 'keep the right one in tokenizer.json, tokenizer_config.json and added_tokens.json';
    if (known !== undefined && known !== id)
      throw new FormatError(`${path}: the token ${shown(content)} has two ids, ${known} and ${id}; ${remedy}`);
    if (holder !== undefined && holder !== content)
      throw new FormatError(`${path}: the id ${id} belongs to two tokens, ${shown(holder)} and ${shown(content)}; ${remedy}`);
    if (known === undefined && id !== next)
      throw new FormatError(
        `${path}: the added token ${shown(content)} has the id ${id}, and ${next} is the next: transformers gives it that one; ${remedy}`,
      );
    next = ids.set(content, id).size;
    tokens.set(id, content);
  }
}

/** The package writes the id of the token's name, and Hugging Face's library the ids beside it. */
function checkPostProcessor(path: string, post: unknown, ids: ReadonlyMap<string, unknown>): void {
  if (!isJsonObject(post)) return;
  const { processors, special_tokens: special, cls, sep } = post;
  if (Array.isArray(processors)) {
    for (const one of processors) checkPostProcessor(path, one, ids);
    const writers = processors.filter((one) => isJsonObject(one) && one.type !== 'ByteLevel');
    if (writers.length > 1)
      throw new UnsupportedError(`${path}: ${writers.length} post-processors in a row that add tokens are not supported; keep one of them`);
  }
  const named = isJsonObject(special)
    ? Object.entries(special).map(([name, token]) => [name, isJsonObject(token) ? token.ids : token])
    : [];
  const pairs = [cls, sep].filter((pair) => Array.isArray(pair)).map(([name, id]: unknown[]) => [name, [id]]);
  for (const [name, written] of [...named, ...pairs]) {
    const id = ids.get(String(name));
    if (JSON.stringify(written) === JSON.stringify([id])) continue;
    throw new FormatError(`${path}: the post-processor writes the ids ${shown(written)} for ${shown(name)}, whose id is ${shown(id)}`);
  }
}
