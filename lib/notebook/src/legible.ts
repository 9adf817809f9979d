/**
 * Replaces characters that XML, and therefore SVG, cannot contain in every string of a value, at any depth. Line ends and tabs become
 * spaces; other control characters become the replacement character.
 */
export function legible<T>(value: T): T {
  return drawable(value) as T;
}

function drawable(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\t\n\r\u2028\u2029]+/g, ' ').replace(/\p{Cc}/gu, '\uFFFD');
  if (Array.isArray(value)) return value.map(drawable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, drawable(each)]));
}
