/** Where transformers 5 does not follow `tokenizer.json`: some of its classes take the vocabulary from it, and bring their own rules. */
import { isJsonObject, type JsonObject } from '../../../io';
import { QWEN2_SPLIT } from './ggufCuts';

/** A normalizer and a pre-tokenizer. */
type Rules = readonly [unknown, unknown];

const byteLevel = (addsSpace: boolean, usesRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: addsSpace,
  trim_offsets: true,
  use_regex: usesRegex,
});

/** The rules of the classes of transformers 5.23, by the settings that they read. */
const CLASSES: Readonly<Record<string, (config: JsonObject) => Rules>> = {
  GPT2Tokenizer: ({ add_prefix_space: addsSpace }) => [null, byteLevel(addsSpace === true, true)],
  LlamaTokenizer: ({ add_prefix_space: addsSpace, legacy }) => {
    const scheme = addsSpace === false ? 'never' : legacy === true ? 'always' : 'first';
    return [null, { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme, split: false }];
  },
  Qwen2Tokenizer: ({ add_prefix_space: addsSpace }) => {
    const split = { type: 'Split', pattern: { Regex: QWEN2_SPLIT }, behavior: 'Isolated', invert: false };
    return [{ type: 'NFC' }, { type: 'Sequence', pretokenizers: [split, byteLevel(addsSpace === true, false)] }];
  },
};

/** The name of the class whose rules differ from the file's; undefined if transformers 5 follows the file, or has equal rules. */
export function rebuiltByClass(config: JsonObject, modelType: unknown, tokenizerJson: JsonObject): string | undefined {
  const { normalizer = null, pre_tokenizer: cut = null } = tokenizerJson;
  const name = modelType === 'qwen2' ? 'Qwen2Tokenizer' : String(config.tokenizer_class).replace(/Fast$/, '');
  const rulesOf = Object.hasOwn(CLASSES, name) && modelType !== 'mistral' ? CLASSES[name] : undefined;
  const isByteLevel = JSON.stringify(cut).includes('"ByteLevel"');
  if (!rulesOf || (name === 'LlamaTokenizer' && isByteLevel)) return undefined;
  return ordered([normalizer, cut]) === ordered(rulesOf(config)) ? undefined : name;
}

/** JSON with the keys of objects in order, without what has no effect on the ids. */
function ordered(rules: Rules): string {
  return JSON.stringify(rules, (_, value: unknown) => {
    if (!isJsonObject(value)) return value;
    const { trim_offsets: _offsets, ...rest } = value;
    return Object.fromEntries(Object.entries(rest).sort());
  });
}
