/** Values as a notebook's console prints them. */

/** What `console.log` prints for its arguments. */
export function printed(values: readonly unknown[]): string {
  return values.map((value) => (typeof value === 'string' ? value : inspected(value))).join(' ');
}

const DEEPEST = 2;

function inspected(value: unknown, depth = 0): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return `[Function: ${value.name || '(anonymous)'}]`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Error) return String(value);
  const isList = Array.isArray(value) || ArrayBuffer.isView(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  const label = name === undefined || name === 'Object' || name === 'Array' ? '' : `${name} `;
  if (depth > DEEPEST) return isList ? '[Array]' : `[${label.trim() || 'Object'}]`;
  const inner = isList
    ? Array.from(value as ArrayLike<unknown>, (item) => inspected(item, depth + 1))
    : Object.entries(value).map(([key, item]) => `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : `'${key}'`}: ${inspected(item, depth + 1)}`);
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  if (inner.length === 0) return `${label}${open}${close}`;
  const line = `${label}${open} ${inner.join(', ')} ${close}`;
  return line.length <= 76 ? line : `${label}${open}\n${inner.map((each) => `  ${each.replaceAll('\n', '\n  ')}`).join(',\n')}\n${close}`;
}
