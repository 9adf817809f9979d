/** Finds parts of the JavaScript library's tokenizer by their types, which only tokenizer.json names: both are walked together. */
import { isJsonObject } from '../../io';

/** The part and those within it whose definition has the type; `within` is the field that holds the parts of a sequence. */
export function partsOfType<Part extends object>(
  part: unknown,
  definition: unknown,
  type: string,
  within: 'decoders' | 'normalizers',
): Part[] {
  if (typeof part !== 'function' || !isJsonObject(definition)) return []; // the library's parts can be called
  const parts: unknown = Reflect.get(part, within);
  const definitions = definition[within];
  const inner = Array.isArray(parts) && Array.isArray(definitions) ? parts.map((each, index) => [each, definitions[index]] as const) : [];
  const own = definition.type === type ? [part as Part] : [];
  return [...own, ...inner.flatMap(([each, its]) => partsOfType<Part>(each, its, type, within))];
}
