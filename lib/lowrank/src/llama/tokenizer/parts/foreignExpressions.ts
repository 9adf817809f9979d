/** Finds regular expressions that a tokenizer's file brings with it: these may backtrack endlessly. */
import { isJsonObject } from '../../../io';
import { GGUF_CUTS } from '../files/ggufCuts';

const KNOWN_EXPRESSIONS = new Set(Array.from(GGUF_CUTS.values(), ({ patterns }) => patterns).flat());

/** Whether the file contains a regular expression other than those that this library knows. */
export function hasForeignExpression({ normalizer, pre_tokenizer: cut, decoder }: Readonly<Record<string, unknown>>): boolean {
  const isForeign = (value: unknown): boolean => {
    if (Array.isArray(value)) return value.some(isForeign);
    if (!isJsonObject(value)) return false;
    return Object.entries(value).some(([key, item]) =>
      key === 'Regex' ? typeof item !== 'string' || !KNOWN_EXPRESSIONS.has(item) : isForeign(item),
    );
  };
  return [normalizer, cut, decoder].some(isForeign);
}
