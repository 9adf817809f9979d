/** Jinja's filters `map`, `select`, `reject` and those by attributes: they apply a filter or a test to every item. */

import { constant, type Made, type Node } from '../jinjaLibrary';
import type { Value } from '../value';
import { type Given, isText, type Taken, wholeOf } from './callArguments';
import { byCodePoints } from './json';
import { isTrue } from './operators';

type Evaluate = (node: Node) => Value;

export const SELECTIONS: ReadonlySet<string> = new Set(['map', 'reject', 'rejectattr', 'select', 'selectattr']);

/** The operators of tests, by all names of a test. */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ...['eq', '==', 'equalto'].map((name) => [name, '=='] as const),
  ...['ne', '!='].map((name) => [name, '!='] as const),
  ...['lt', '<', 'lessthan'].map((name) => [name, '<'] as const),
  ...['le', '<='].map((name) => [name, '<='] as const),
  ...['gt', '>', 'greaterthan'].map((name) => [name, '>'] as const),
  ...['ge', '>='].map((name) => [name, '>='] as const),
  ['in', 'in'],
]);

/** The result of the filter `name` on these items. @throws Error for arguments that are not known here. */
export function selection(name: string, items: readonly Value[], given: Given, evaluate: Evaluate, made: Made): Value[] {
  const { places, names } = given;
  if (name === 'map') return items.map(mapped(given, evaluate, made));
  if (names.size > 0) throw new Error(`it gives ${name} an argument by name, which is not known here`);
  const byAttribute = name.endsWith('attr');
  const [attribute, ...rest] = byAttribute ? places : [undefined, ...places];
  if (byAttribute && attribute === undefined) throw new Error(`it gives ${name} no attribute`);
  const wanted = name.startsWith('select');
  const passes = tested(rest, evaluate);
  return items.filter((item) => passes(attribute ? attributeOf(item, attribute, evaluate, made) : item) === wanted);
}

function mapped({ places, names }: Given, evaluate: Evaluate, made: Made): (item: Value) => Value {
  const attribute = names.get('attribute');
  if (attribute) {
    const fallback = names.get('default');
    if (places.length > 0 || names.size > (fallback ? 2 : 1)) throw new Error('it gives map an argument that is not known here');
    return (item) => {
      const value = attributeOf(item, attribute, evaluate, made);
      return value.type === 'UndefinedValue' && fallback && fallback.type !== 'NullValue' ? fallback : value;
    };
  }
  const [filter, ...rest] = places;
  if (!filter) throw new Error('it gives map neither a filter nor an attribute');
  const callee = { type: 'Identifier', value: filter.value };
  const named = Array.from(names, ([key, value]) => ({ type: 'KeywordArgumentExpression', key: { value: key }, value: constant(value) }));
  const args = [...rest.map(constant), ...named];
  const applied = args.length > 0 ? { type: 'CallExpression', callee, args } : callee;
  return (item) => evaluate({ type: 'FilterExpression', operand: constant(item), filter: applied } as Node);
}

/** The test that these arguments name, with the value that it compares with; without arguments, whether an item counts as true. */
function tested([name, ...rest]: readonly (Value | undefined)[], evaluate: Evaluate): (item: Value) => boolean {
  if (!name) return isTrue;
  if (!isText(name)) throw new Error(`it selects by a test whose name is a ${name.type}, not a text`);
  const test = name.value;
  const operator = OPERATORS.get(test);
  if (rest.length !== (operator ? 1 : 0)) throw new Error(`it gives the test ${test} ${rest.length} values, which is not known here`);
  if (!operator)
    return (item) => isTrue(evaluate({ type: 'TestExpression', operand: constant(item), negate: false, test: { value: test } } as Node));
  const right = constant(rest[0] as Value);
  return (item) => isTrue(evaluate({ type: 'BinaryExpression', operator: { value: operator }, left: constant(item), right } as Node));
}

/** The member at a path such as `function.name`, each part as in `item[part]`; digits are a whole number. */
function attributeOf(item: Value, attribute: Value, evaluate: Evaluate, made: Made): Value {
  if (!isText(attribute) && attribute.type !== 'IntegerValue') throw new Error('it reads an attribute without a name');
  const parts = isText(attribute) ? attribute.value.split('.').map((part) => made(/^\d+$/.test(part) ? Number(part) : part)) : [attribute];
  const member = (object: Value, part: Value) => {
    const property = { ...constant(part), value: part.value };
    return evaluate({ type: 'MemberExpression', object: constant(object), property, computed: true } as Node);
  };
  return parts.reduce(member, item);
}

/** An item to sort, and the value that decides its place. */
interface Keyed<T> {
  readonly item: T;
  readonly key: Value;
}

/** The filter `sort`. */
export function sorted(items: readonly Value[], [reverse, isCased, attribute]: Taken, evaluate: Evaluate, made: Made): Value[] {
  const isWhole = attribute === undefined || attribute.type === 'NullValue';
  if (!isWhole && String(attribute.value).includes(',')) throw new Error('it sorts by several attributes, which is not known here');
  const keyed = items.map((item) => ({ item, key: isWhole ? item : attributeOf(item, attribute, evaluate, made) }));
  return inOrder(keyed, isCased, reverse);
}

/** The filter `dictsort`. */
export function sortedPairs(mapping: ReadonlyMap<string, Value>, [isCased, by, reverse]: Taken): (readonly [string, Value])[] {
  if (by !== undefined && by.value !== 'key' && by.value !== 'value') throw new Error('it sorts a mapping by neither key nor value');
  const keyed = Array.from(mapping, (pair) => ({
    item: pair,
    key: by?.value === 'value' ? pair[1] : { type: 'StringValue', value: pair[0] },
  }));
  return inOrder(keyed, isCased, reverse);
}

/** @throws Error unless all keys are texts, or all are numbers. */
function inOrder<T>(keyed: readonly Keyed<T>[], isCased: Value | undefined, reverse: Value | undefined): T[] {
  const order = isCased && isTrue(isCased) ? (text: string) => text : (text: string) => text.toLowerCase();
  const compare = (a: Value, b: Value) =>
    isText(a) && isText(b) ? byCodePoints(order(a.value), order(b.value)) : Number(a.value) - Number(b.value);
  const isNumber = ({ key: { value } }: Keyed<T>) => typeof value === 'boolean' || (typeof value === 'number' && !Number.isNaN(value));
  if (!keyed.every(({ key }) => isText(key)) && !keyed.every(isNumber))
    throw new Error('it sorts what are neither all texts nor all numbers');
  const isDown = reverse !== undefined && wholeOf(reverse, 'turns an order around') !== 0;
  return keyed.toSorted((a, b) => (isDown ? compare(b.key, a.key) : compare(a.key, b.key))).map(({ item }) => item);
}
