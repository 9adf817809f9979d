/**
 * The same value with every text made drawable, at any depth: line ends and tabs are spaces, other control characters the replacement
 * character. XML, and so an SVG, has no place for them.
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
