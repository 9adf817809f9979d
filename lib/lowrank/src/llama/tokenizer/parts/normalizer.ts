/** How text is changed before it is split. */
import { isJsonObject, type JsonObject } from '../../../io';

/**
 * The same normalizer in parts that the JavaScript library computes as the Rust one does. Left alone, it takes `$&` in a replacement for the
 * match, a final `Σ` for `ς`, prepends to an empty text, and has other blanks.
 */
export function exactNormalizer(normalizer: unknown): unknown {
  if (!isJsonObject(normalizer)) return normalizer ?? null;
  return EXACT.get(String(normalizer.type))?.(normalizer) ?? normalizer;
}

const MEDIAL_SIGMA = replace({ String: 'Σ' }, 'σ');

type Exact = (config: JsonObject) => object;

const EXACT: ReadonlyMap<string, Exact> = new Map(
  Object.entries<Exact>({
    Sequence: ({ normalizers }) => sequence(...(Array.isArray(normalizers) ? normalizers.map(exactNormalizer) : [])),
    Replace: ({ pattern, content }) => replace(pattern, String(content)),
    Lowercase: (config) => sequence(MEDIAL_SIGMA, config),
    BertNormalizer: (config) => (config.lowercase === true ? sequence(MEDIAL_SIGMA, config) : config),
    Prepend: ({ prepend }) => replace({ Regex: String.raw`\A(?=[\s\S])` }, String(prepend)),
    Strip: ({ strip_left: left, strip_right: right }) => {
      const ends = [left === true ? String.raw`\A\s+` : [], right === true ? String.raw`\s+\z` : []].flat();
      return sequence(...ends.map((expression) => replace({ Regex: expression }, '')));
    },
  }),
);

function sequence(...normalizers: readonly unknown[]): object {
  return { type: 'Sequence', normalizers };
}

function replace(pattern: unknown, content: string): object {
  return { type: 'Replace', pattern, content: content.replaceAll('$', '$$$$') };
}
