/** Attributes of Python's values. A template that reads one that is unknown here is refused: it would otherwise find nothing. */

const OF_TEXT = `casefold center encode expandtabs format format_map isascii isdecimal isidentifier isnumeric isprintable istitle join ljust
  maketrans rindex rjust swapcase translate zfill`;
const OF_NUMBER = `as_integer_ratio bit_count bit_length conjugate denominator from_bytes fromhex hex imag is_integer numerator real to_bytes`;

const ATTRIBUTES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    ...{ StringValue: OF_TEXT, IntegerValue: OF_NUMBER, FloatValue: OF_NUMBER, BooleanValue: OF_NUMBER },
    ...{ ArrayValue: 'append clear copy count extend index insert pop remove reverse sort', TupleValue: 'count index' },
    ...{
      ObjectValue: 'clear copy fromkeys pop popitem setdefault update',
      FunctionValue: 'arguments caller catch_kwargs catch_varargs name',
    },
  }).map(([type, names]) => [type, new Set(names.split(/\s+/))]),
);

/** @throws Error for an attribute of Python's, or one that Jinja hides; it comes before a mapping's key of that name. */
export function checkAttribute(type: string, name: string): void {
  const isHidden = name.startsWith(type === 'ObjectValue' ? '__' : '_');
  if (isHidden || ATTRIBUTES.get(type)?.has(name)) throw new Error(`it reads .${name} of a ${type}, which is not known here`);
}
