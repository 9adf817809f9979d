/** Jinja's interpreter with Python's operators, tests, filters and methods, on which templates rely. */

import type { Argument, Binary, Environment, Filter, Jinja, Member, Named, Node, ObjectNode, Run, Slice, Test } from '../jinjaLibrary';
import { constant, valueMaker } from '../jinjaLibrary';
import { addsPlain, isMarked, mark, refuseMarked } from '../marked';
import { behind, isLasting, read, refuseSeries, seriesMaker } from '../series';
import type { Value } from '../value';
import { checkAttribute } from './attributes';
import { type Given, givenOf, isText, own, type Taken, wholeOf } from './callArguments';
import { type JsonOptions, pythonJson } from './json';
import { characters, METHODS } from './methods';
import { floorQuotient, isEqual, isTrue, modulo } from './operators';
import { itemsOf, scopedInterpreter } from './scopes';
import { SELECTIONS, selection, sorted, sortedPairs } from './selections';
import { METHODS_OF_MAPPINGS, METHODS_OF_TEXTS, FILTERS as SIGNATURES, taken } from './signatures';
import { capitalized, indented, isLower, isUpper, readFloat, readWhole, stripped, titledByJinja } from './strings';
import { numberText, pythonText } from './text';

/** Filters that convert their operand to a text. */
const OF_TEXTS = new Set(['capitalize', 'lower', 'replace', 'title', 'trim', 'upper']);
const DIVISIONS = new Set(['/', '//', '%']);
const isNumber = ({ type }: Value) => type === 'IntegerValue' || type === 'FloatValue';
const isList = ({ type }: Value) => type === 'ArrayValue' || type === 'TupleValue';
type Mapping = ReadonlyMap<string, Value>;

export function pythonInterpreter(jinja: Jinja) {
  const made = valueMaker(jinja);
  const undefinedValue = made(undefined);
  const series = seriesMaker(jinja);

  return class extends scopedInterpreter(jinja) {
    override evaluate(node: Node | undefined, environment: Environment): Value {
      switch (node?.type) {
        case 'BinaryExpression':
          return this.#binary(node as Binary, environment);
        case 'TestExpression':
          return this.#test(node as Test, environment);
        case 'MemberExpression':
          return this.#member(node as Member, environment);
        case 'FilterExpression':
          return this.#filter(node as Filter, environment);
        case 'ObjectLiteral':
          return this.#mapping(node as ObjectNode, environment);
        case 'IntegerLiteral':
          return exact(super.evaluate(node, environment));
        case 'Identifier':
          return found(String((node as Named).value), super.evaluate(node, environment));
        default:
          return super.evaluate(node, environment);
      }
    }

    #binary(node: Binary, environment: Environment): Value {
      const operator = String(node.operator.value);
      if (operator === 'and' || operator === 'or') return super.evaluate(node, environment);
      const left = this.evaluate(node.left, environment);
      const right =
        operator === 'in' || operator === 'not in' ? read(this.evaluate(node.right, environment)) : this.evaluate(node.right, environment);
      refuseSeries(left, right);
      if (operator === '==' || operator === '!=') return made(isEqual(left, right) === (operator === '=='));
      if ((operator === 'in' || operator === 'not in') && isList(right))
        return made((right.value as Value[]).some((item) => isEqual(item, left)) === (operator === 'in'));
      if (operator === '+' && !isNumber(left) && left.type !== right.type)
        throw new Error(`it adds what Python cannot add: ${left.type} and ${right.type}`);
      if (operator === '+' && isNumber(left) && !isNumber(right)) throw new Error(`it adds ${right.type} to a number`);
      if (DIVISIONS.has(operator) && isNumber(left) && isNumber(right)) return this.#divided(operator, left, right, environment);
      if (!COMPARING.has(operator) && (isMarked(left) || isMarked(right)) && !(operator === '+' && addsPlain(left, right)))
        refuseMarked('computes with', left, right);
      const value = super.evaluate({ ...node, left: constant(left), right: constant(right) } as Node, environment);
      if (operator === '+' && left.type === 'TupleValue') return this.#tuple(value.value as Value[], environment);
      return isMarked(left) || isMarked(right) ? mark(value) : exact(value);
    }

    #divided(operator: string, left: Value, right: Value, environment: Environment): Value {
      const [a, b] = [Number(left.value), Number(right.value)];
      if (b === 0) throw new Error('it divides by zero');
      const isFloat = operator === '/' || left.type === 'FloatValue' || right.type === 'FloatValue';
      const value = operator === '/' ? a / b : operator === '%' ? modulo(a, b) : floorQuotient(a, b);
      return isFloat ? this.#float(value, environment) : made(value);
    }

    #tuple(items: readonly Value[], environment: Environment): Value {
      return super.evaluate({ type: 'TupleLiteral', value: items.map(constant) } as Named, environment);
    }

    #float(value: number, environment: Environment): Value {
      return super.evaluate({ type: 'FloatLiteral', value } as Named, environment);
    }

    #list(items: readonly Value[], environment: Environment): Value {
      return super.evaluate({ type: 'ArrayLiteral', value: items.map(constant) } as Named, environment);
    }

    #mapping(node: ObjectNode, environment: Environment): Value {
      const entries = Array.from(node.value, ([key, item]) => [this.evaluate(key, environment), this.evaluate(item, environment)] as const);
      refuseMarked('names an entry of a mapping by', ...entries.map(([key]) => key));
      const value = new Map(entries.map(([key, item]) => [constant(key), constant(item)]));
      return super.evaluate({ ...node, value } as Node, environment);
    }

    /** The entries of a mapping, each a tuple. */
    #entries(pairs: Iterable<readonly [unknown, Value]>, environment: Environment): Value {
      return this.#list(
        Array.from(pairs, ([key, item]) => this.#tuple([made(key), item], environment)),
        environment,
      );
    }

    #test(node: Test, environment: Environment): Value {
      const operand = this.evaluate(node.operand, environment);
      const test = TESTS.get(String(node.test.value));
      if (test) return made(test(operand) !== node.negate);
      if (/^(eq|equalto)$/.test(String(node.test.value)))
        throw new Error('it compares by the test equalto, which is not known here: write ==');
      return super.evaluate({ ...node, operand: constant(operand) } as Node, environment);
    }

    #member(node: Member, environment: Environment): Value {
      const object = this.evaluate(node.object, environment);
      if (object.type === 'UndefinedValue') throw new Error(`it reads .${String(node.property?.value ?? '[…]')} of what is undefined`);
      refuseSeries(object);
      refuseMarked('takes a part of', object);
      const known = { ...node, object: constant(object) } as Member;
      if (node.property?.type === 'SliceExpression') {
        const part = super.evaluate({ ...known, property: this.#slice(node.property, environment) } as Node, environment);
        return object.type === 'TupleValue' ? this.#tuple(part.value as Value[], environment) : part;
      }
      const index = node.computed ? this.evaluate(node.property, environment) : made(node.property?.value);
      const isKey = node.computed && object.type === 'ObjectValue' && (object.value as Mapping).has(String(index.value));
      if (isText(index) && !isKey) return this.#attribute(known, object, index.value, environment);
      if (isText(object) && index.type === 'IntegerValue') return made(Array.from(object.value).at(Number(index.value)));
      if (index.type === 'IntegerValue' && !isList(object)) return undefinedValue;
      return super.evaluate(node.computed ? ({ ...known, property: constant(index) } as Node) : known, environment);
    }

    #attribute(node: Member, object: Value, name: string, environment: Environment): Value {
      checkAttribute(object.type, name);
      const method = this.#method(object, name, environment);
      if (method) return method;
      if (object.type === 'ObjectValue') return (object.value as Mapping).get(name) ?? undefinedValue;
      if (name === 'length' && !(object.value instanceof Map)) return undefinedValue;
      const property = { type: 'Identifier', value: name };
      return super.evaluate({ ...node, computed: false, property } as Node, environment);
    }

    /** @throws Error when a given side is undefined, or the step is 0. */
    #slice(node: Slice, environment: Environment): Node {
      const side = (given: Node | undefined) => {
        if (given === undefined) return undefined;
        const value = this.evaluate(given, environment);
        if (value.type === 'UndefinedValue') throw new Error('it cuts by what is undefined');
        return constant(value);
      };
      const [start, stop, step] = [node.start, node.stop, node.step].map(side);
      const by = Number(step?.constant.value ?? 1);
      if (by === 0) throw new Error('it cuts by steps of 0');
      const isLast = by < 0 && stop?.constant.value === -1; // the library takes it for the place before the first
      return { ...node, start, stop: isLast ? constant(made(Number.MAX_SAFE_INTEGER)) : stop, step } as Node;
    }

    #filter(node: Filter, environment: Environment): Value {
      const { filter } = node;
      const name = String('callee' in filter ? filter.callee.value : filter.value);
      if (!SIGNATURES.has(name)) throw new Error(`it applies the filter ${name}, which is not known here`);
      const source = this.evaluate(node.operand, environment);
      const operand = read(source, name);
      const all = this.#given('args' in filter ? filter.args : [], environment);
      const evaluate = (each: Node) => this.evaluate(each, environment);
      if (SELECTIONS.has(name)) {
        refuseMarked(`applies ${name} to`, operand);
        const items = operand.type === 'NullValue' ? [] : itemsOf(operand, made);
        return series(name, this.#list(selection(name, items, all, evaluate, made), environment));
      }
      const signature = SIGNATURES.get(name);
      const given = signature ? taken(signature, all) : [];
      if (!KEEPING.has(name)) refuseMarked(`gives ${name}`, ...given);
      if (name === 'safe') return mark(made(pythonText(operand)));
      if (!OF_MARKED.has(name)) refuseMarked(`applies ${name} to`, operand);
      if (name === 'sort') return this.#list(sorted(itemsOf(operand, made), given, evaluate, made), environment);
      if (name === 'items' && operand.type === 'ObjectValue' && operand.value instanceof Map)
        return series(name, this.#entries(operand.value, environment));
      if (name === 'items') throw new Error(`it takes the items of a ${operand.type}`);
      if (name === 'dictsort' && operand.type === 'ObjectValue' && operand.value instanceof Map)
        return this.#entries(sortedPairs(operand.value, given), environment);
      const text = OF_TEXTS.has(name) && !isText(operand) ? made(pythonText(operand)) : operand;
      const content = FILTERS.get(name)?.(text, given);
      if (content === undefined) return super.evaluate(this.#applied(name, text, given), environment);
      if (content === NOTHING) return undefinedValue;
      if (name === 'float' && typeof content === 'number') return this.#float(content, environment);
      if (typeof content === 'number') return exact(made(content));
      const value = isValue(content) ? content : isValues(content) ? this.#list(content, environment) : made(content);
      const isTurned = name === 'reverse' && behind(source) && !isLasting(source); // into a list, in Python too
      return ONE_BY_ONE.has(name) && isList(value) && !isTurned ? series(name, value) : value;
    }

    /** A call of the library's own filter. */
    #applied(name: string, operand: Value, given: Taken): Node {
      const callee = { type: 'Identifier', value: name };
      const args = given.filter((value) => value !== undefined).map(constant);
      return {
        type: 'FilterExpression',
        operand: constant(operand),
        filter: args.length > 0 ? { type: 'CallExpression', callee, args } : callee,
      } as Node;
    }

    /** A method comes before a key of its name: `{{ schema.items() }}`, although schemas have a key `items`. */
    #method(object: Value, name: string, environment: Environment): Value | undefined {
      const isMapping = object.type === 'ObjectValue';
      const signature = isMapping ? METHODS_OF_MAPPINGS.get(name) : isText(object) ? METHODS_OF_TEXTS.get(name) : undefined;
      if (!signature) return undefined;
      const call = (args: readonly Value[], scope: Environment): Value => {
        const given = taken(signature, givenOf(args));
        if (isMapping && VIEWS.has(name)) return this.#view(object.value as Mapping, name, environment);
        if (isText(object)) refuseMarked(`gives ${name}`, ...given);
        const content = isText(object) ? METHODS.get(name)?.(object.value, given) : undefined;
        if (content === undefined) return builtin(object, name)(args, scope);
        return name.endsWith('partition') ? this.#tuple((content as string[]).map(made), environment) : made(content);
      };
      return Object.assign(
        made(() => null),
        { value: call },
      );
    }

    #view(mapping: Mapping, name: string, environment: Environment): Value {
      if (name === 'items') return series('.items', this.#entries(mapping, environment));
      return series(name, this.#list(name === 'keys' ? Array.from(mapping.keys(), made) : Array.from(mapping.values()), environment));
    }

    #given(args: readonly Argument[], environment: Environment): Given {
      if (args.some(({ type }) => type.endsWith('SpreadExpression'))) throw new Error('it spreads a list into the arguments of a filter');
      const isNamed = ({ type }: Argument) => type === 'KeywordArgumentExpression';
      const named = args.filter(isNamed).map(({ key, value }) => [String(key?.value), this.evaluate(value, environment)] as const);
      return { places: args.filter((arg) => !isNamed(arg)).map((arg) => this.evaluate(arg, environment)), names: new Map(named) };
    }
  };
}

/** Operators that do not care whether a text is marked. */
const COMPARING = new Set(['==', '!=', '<', '>', '<=', '>=', 'in', 'not in', '~']);
/** Filters that do not care either. */
const OF_MARKED = new Set(['d', 'default', 'length', 'count', 'replace', 'tojson']);
/** Filters that return an argument as it is. */
const KEEPING = new Set(['d', 'default']);
/** Filters that return iterators in Python. */
const ONE_BY_ONE = new Set(['reverse', 'unique']);
const VIEWS = new Set(['items', 'keys', 'values']);

/** @throws Error for a whole number that JavaScript has rounded. */
function exact(value: Value): Value {
  if (value.type === 'IntegerValue') numberText(value.type, Number(value.value));
  return value;
}

/** Names of Jinja that are unknown here unless the template sets them. */
const UNKNOWN_NAMES = new Set(['cycler', 'dict', 'joiner', 'lipsum', 'self', 'varargs', ...['and', 'else', 'if', 'in', 'is', 'not', 'or']]);

/** @throws Error for one of these names. */
function found(name: string, value: Value): Value {
  if (UNKNOWN_NAMES.has(name) && (value.type === 'UndefinedValue' || name === 'varargs'))
    throw new Error(`it uses ${name}, which is not known here`);
  return value;
}

/** The library's own method. */
function builtin(object: Value, name: string): Run {
  return (object as Value & { readonly builtins: ReadonlyMap<string, { readonly value: Run }> }).builtins.get(name)?.value as Run;
}

const isValue = (content: unknown): content is Value => typeof content === 'object' && content !== null && 'type' in content;

const isValues = (content: unknown): content is Value[] => Array.isArray(content) && content.every(isValue);

type TestOf = (operand: Value) => boolean;

const TESTS = own<TestOf>({
  callable: (operand) => ['FunctionValue', 'UndefinedValue', 'LoopContext'].includes(operand.type) && !behind(operand),
  iterable: (operand) =>
    isList(operand) ||
    ['StringValue', 'ObjectValue', 'UndefinedValue', 'LoopContext'].includes(operand.type) ||
    behind(operand) !== undefined,
  sequence: (operand) => {
    refuseSeries(operand);
    return isList(operand) || ['StringValue', 'ObjectValue', 'UndefinedValue'].includes(operand.type);
  },
  number: (operand) => isNumber(operand) || operand.type === 'BooleanValue',
  lower: (operand) => isLower(pythonText(operand)),
  upper: (operand) => isUpper(pythonText(operand)),
});

/** The result of a filter that is undefined in Jinja. */
const NOTHING = Symbol('undefined');

/** Computes a filter; returns undefined to leave it to the library's own. */
type FilterOf = (operand: Value, given: Taken) => unknown;

const FILTERS: ReadonlyMap<string, FilterOf> = own<FilterOf>({
  capitalize: (operand) => (isText(operand) ? capitalized(operand.value) : undefined),
  count: lengthOf,
  default: (operand, [fallback, isBoolean]) => {
    const isTaken = operand.type === 'UndefinedValue' || (isBoolean !== undefined && isTrue(isBoolean) && !isTrue(operand));
    return isTaken ? (fallback ?? '') : operand;
  },
  first: (operand) => end(operand, 0),
  float: (operand, [fallback]) => {
    const value = isText(operand) ? readFloat(operand.value) : numberOf(operand);
    return value ?? fallback ?? 0;
  },
  indent: (operand, [width, first, blank]) => {
    if (!isText(operand)) return undefined;
    const step = isText(width) ? width.value : ' '.repeat(Math.max(0, width ? wholeOf(width, 'indents') : 4));
    return indented(operand.value, step, { first: first !== undefined && isTrue(first), blank: blank !== undefined && isTrue(blank) });
  },
  int: (operand, [fallback]) => {
    const value = isText(operand) ? readWhole(operand.value) : numberOf(operand);
    return value === undefined || !Number.isFinite(value) ? (fallback ?? 0) : Math.trunc(value);
  },
  join: (operand, [between]) => {
    const items = isText(operand) ? Array.from(operand.value) : isList(operand) ? (operand.value as Value[]).map(pythonText) : undefined;
    return items?.join(between === undefined ? '' : pythonText(between));
  },
  last: (operand) => end(operand, -1),
  length: lengthOf,
  max: (operand) => extreme('max', operand),
  min: (operand) => extreme('min', operand),
  d: (operand, given) => FILTERS.get('default')?.(operand, given),
  list: membersOf,
  reverse: (operand) => (isText(operand) ? Array.from(operand.value).reverse().join('') : membersOf(operand)?.toReversed()),
  sum: (operand) => wholeNumbers('sum', operand).reduce((sum, value) => sum + value, 0),
  title: (operand) => (isText(operand) ? titledByJinja(operand.value) : undefined),
  tojson: (operand, given) => pythonJson(operand, jsonOptions(given)),
  trim: (operand, given) => (isText(operand) ? stripped(operand.value, 'strip', characters(given)) : undefined),
  unique: (operand) => {
    if (!isList(operand)) return undefined;
    const items = operand.value as Value[];
    if (items.some((item) => isList(item) || item.value instanceof Map)) throw new Error('it drops repeated lists or mappings by unique');
    const keys = items.map((item) => (isText(item) ? { ...item, value: item.value.toLowerCase() } : item));
    return items.filter((_, index) => keys.findIndex((key) => isEqual(key, keys[index] as Value)) === index);
  },
});

function lengthOf(operand: Value): number | undefined {
  if (operand.type === 'UndefinedValue') return 0;
  if (Array.isArray(operand.value)) return operand.value.length;
  return isText(operand) ? Array.from(operand.value).length : undefined;
}

/** The items of a list, the keys of a mapping, the characters of a text. */
function membersOf(operand: Value): readonly unknown[] | undefined {
  if (isText(operand)) return Array.from(operand.value);
  if (operand.type === 'UndefinedValue') return [];
  return operand.type === 'ObjectValue'
    ? Array.from((operand.value as Mapping).keys())
    : isList(operand)
      ? (operand.value as Value[])
      : undefined;
}

/** The first or last item; undefined for an empty list. */
function end(operand: Value, place: 0 | -1): unknown {
  const members = membersOf(operand);
  return members && (members.at(place) ?? NOTHING);
}

/** @throws Error for other items: the order of texts, and the sum of lists, are not known here. */
function wholeNumbers(filter: string, operand: Value): number[] {
  const numbers = (membersOf(operand) ?? [undefined]).map((item) => (isValue(item) ? item.value : item));
  if (!numbers.every(Number.isSafeInteger))
    throw new Error(`it takes the ${filter} of what are not all whole numbers, which is not known here`);
  return numbers.map(Number);
}

function extreme(name: 'max' | 'min', operand: Value): unknown {
  const numbers = wholeNumbers(name, operand);
  return numbers.length === 0 ? NOTHING : numbers.reduce((a, b) => Math[name](a, b));
}

/** @throws Error for an undefined value, as in Python. */
function numberOf({ type, value }: Value): number | undefined {
  if (type === 'UndefinedValue') throw new Error('it takes what is undefined for a number');
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : undefined;
}

function jsonOptions([ascii, indent, separators, sorted]: Taken): JsonOptions {
  const parts = separators && separators.type !== 'NullValue' ? (separators.value as Value[]) : undefined;
  if (parts !== undefined && (!Array.isArray(parts) || parts.length !== 2 || !parts.every(isText)))
    throw new Error('it gives tojson separators that are not two texts');
  const width = !indent || indent.type === 'NullValue' ? undefined : isText(indent) ? indent.value : wholeOf(indent, 'indents');
  return {
    ensureAscii: ascii !== undefined && isTrue(ascii),
    sortKeys: sorted !== undefined && isTrue(sorted),
    ...(width !== undefined && { indent: width }),
    ...(parts && { separators: [String(parts[0]?.value), String(parts[1]?.value)] as const }),
  };
}
