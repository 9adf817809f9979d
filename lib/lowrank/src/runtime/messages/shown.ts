/** A value of a file in a message: its JSON, at most 80 characters. */
export function shown(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 80);
}
