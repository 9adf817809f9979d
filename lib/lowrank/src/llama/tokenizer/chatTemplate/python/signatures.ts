/** The arguments that Python's filters, methods and functions take. Python refuses others, and JavaScript would ignore them. */
import { type Given, own, type Taken } from './callArguments';

/** The names of a callable's arguments. */
export interface Signature {
  readonly name: string;
  readonly names: readonly string[];
  /** The number of those that must be given. */
  readonly least: number;
  /** Whether they may be given by name. */
  readonly isNamed: boolean;
}

/**
 * As Python writes them, of what is known here: `?` is behind an argument that may be missing, `/` behind those that have no name,
 * and `*` stands for what the callable checks itself.
 */
const signatures = (list: string): ReadonlyMap<string, Signature | undefined> =>
  own(
    Object.fromEntries(
      Array.from(list.matchAll(/(\w+)\(([^)]*)\)/g), ([, name = '', inner = '']) => {
        const all = inner.split(/, ?/).filter((argument) => argument !== '' && argument !== '/');
        const names = all.map((argument) => argument.replace('?', ''));
        const least = all.filter((argument) => !argument.endsWith('?')).length;
        return [name, inner === '*' ? undefined : { name, names, least, isNamed: !inner.endsWith('/') }];
      }),
    ),
  );

export const FILTERS = signatures(`
  abs() capitalize() count() d(default_value?, boolean?) default(default_value?, boolean?) dictsort(case_sensitive?, by?, reverse?) first()
  float(default?) indent(width?, first?, blank?) int(default?) items() join(d?) last() length() list() lower() map(*) max() min() reject(*)
  rejectattr(*) replace(old, new, count?) reverse() safe() select(*) selectattr(*) sort(reverse?, case_sensitive?, attribute?) string() sum()
  title() tojson(ensure_ascii?, indent?, separators?, sort_keys?) trim(chars?) unique() upper()`);

export const METHODS_OF_TEXTS = signatures(`
  capitalize() count(sub, /) endswith(suffix, /) find(sub, /) index(sub, /) isalnum() isalpha() isdigit() islower() isspace() isupper() lower()
  lstrip(chars?, /) partition(sep, /) removeprefix(prefix, /) removesuffix(suffix, /) replace(old, new, count?, /) rfind(sub, /)
  rpartition(sep, /) rsplit(sep?, maxsplit?) rstrip(chars?, /) split(sep?, maxsplit?) splitlines(keepends?) startswith(prefix, /)
  strip(chars?, /) title() upper()`);

export const METHODS_OF_MAPPINGS = signatures('get(key, default?, /) items() keys() values()');

export const FUNCTIONS = signatures('range(start, stop?, step?, /) strftime_now(format)');

/** @throws Error for arguments that are too few, too many, given twice, or of a name that is not known here. */
export function taken(signature: Signature, { places, names: given }: Given): Taken {
  const { name, names, least, isNamed } = signature;
  const other = Array.from(given.keys()).find((key) => !isNamed || names.indexOf(key) < places.length);
  if (other !== undefined) throw new Error(`it gives ${name} the argument ${other} by name, which is not known here`);
  if (places.length > names.length) throw new Error(`it gives ${name} ${places.length} arguments; it takes at most ${names.length}`);
  const all = names.map((key, index) => places[index] ?? given.get(key));
  const missing = all.slice(0, least).indexOf(undefined);
  if (missing >= 0) throw new Error(`it calls ${name} without its argument ${names[missing]}`);
  return all;
}
