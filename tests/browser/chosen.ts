/** Which notebooks a run looks at. */

/**
 * Those of `all` that `only` names, by their whole names or their beginnings, with blanks or commas between them; all where it is empty.
 *
 * @throws Error where a name fits no notebook
 */
export function chosenNotebooks(all: readonly string[], only: string): string[] {
  const wanted = only.split(/[\s,]+/).filter((name) => name !== '');
  const unknown = wanted.find((name) => !all.some((each) => each.startsWith(name)));
  if (unknown !== undefined) throw new Error(`ONLY names '${unknown}'; the notebooks are ${all.join(', ')}`);
  return all.filter((each) => wanted.length === 0 || wanted.some((name) => each.startsWith(name)));
}
