/** A value for a message: its JSON, at most 80 characters, or text for a value that JSON lacks, such as a symbol. */
export function shown(value: unknown): string {
  if (typeof value === 'number') return String(value);
  try {
    const json = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
    return (json ?? String(value)).slice(0, 80);
  } catch {
    return Object.prototype.toString.call(value); // it holds itself
  }
}
