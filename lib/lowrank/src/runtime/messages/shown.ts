/** A value in a message: its JSON, at most 80 characters; what JSON lacks, such as a symbol, as text. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each));
  return (json ?? String(value)).slice(0, 80);
}
