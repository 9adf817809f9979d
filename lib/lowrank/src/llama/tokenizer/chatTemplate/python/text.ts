/** Writes values of a chat template as Python does: templates rely on it, and `None` and `null` have different tokens. */

import { refuseMarked } from '../marked';
import { refuseSeries } from '../series';
import type { Value } from '../value';

const DEEPEST = 100;

/** @throws Error where a value contains itself, for it would be written without end. */
export function checkDepth(depth: number): void {
  if (depth > DEEPEST) throw new Error(`it writes lists or mappings more than ${DEEPEST} deep`);
}

/** As `str(value)`; an undefined value is empty, as in Jinja. */
export function pythonText(value: Value): string {
  if (value.type === 'UndefinedValue') return '';
  return typeof value.value === 'string' ? value.value : representation(value, 0);
}

/** As `repr(value)`. */
function representation(of: Value, depth: number): string {
  const { type, value } = of;
  refuseSeries(of);
  refuseMarked('writes within a list', of);
  checkDepth(depth);
  const inner = (item: Value) => representation(item, depth + 1);
  if (type === 'NullValue') return 'None';
  if (type === 'UndefinedValue') return 'Undefined';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return numberText(type, value);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) {
    const items = value.map(inner).join(', ');
    return type === 'TupleValue' ? `(${items}${value.length === 1 ? ',' : ''})` : `[${items}]`;
  }
  if (value instanceof Map && type !== 'LoopContext') {
    const items = `{${Array.from(value, ([key, item]) => `${quoted(String(key))}: ${inner(item)}`).join(', ')}}`;
    return type === 'NamespaceValue' ? `<Namespace ${items}>` : items;
  }
  throw new Error(`it writes a ${type === 'LoopContext' ? 'loop' : 'function, not what the function returns'}`);
}

/** As `repr(number)`. @throws Error for a whole number that JavaScript has rounded. */
export function numberText(type: string, value: number): string {
  if (type === 'FloatValue') return float(value);
  if (Number.isSafeInteger(value)) return String(value);
  throw new Error(`it writes the whole number ${value}, which JavaScript cannot hold exactly; give it as text`);
}

function float(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  if (!Number.isInteger(value)) return String(value);
  return `${Object.is(value, -0) ? '-0' : value}.0`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replace(/[\\']|(?! )[\p{C}\p{Z}]/gu, (character) => escaped(character, quote)) + quote;
}

function escaped(character: string, quote: string): string {
  if (character === "'") return quote === "'" ? "\\'" : "'";
  const code = character.codePointAt(0) ?? 0;
  const [letter, digits] = code < 0x100 ? ['x', 2] : code < 0x10000 ? ['u', 4] : ['U', 8];
  return ESCAPES[character] ?? `\\${letter}${code.toString(16).padStart(digits, '0')}`;
}
