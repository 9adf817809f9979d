/** Jinja's interpreter with the meaning that Python gives to operators, tests, filters and methods: templates are made for it. */
import { type Given, isText, own, taken } from './given';
import type { Argument, Binary, Call, Environment, Filter, Jinja, Member, Named, Node, Test } from './jinja';
import { constant } from './jinja';
import { addsPlain, isMarked, mark, refuseMarked } from './marked';
import { checkAttribute } from './pythonAttributes';
import { type JsonOptions, pythonJson } from './pythonJson';
import { characters, METHODS } from './pythonMethods';
import { floorQuotient, isEqual, isTrue, modulo } from './pythonOperators';
import { itemsOf, scopedInterpreter } from './pythonScopes';
import { SELECTIONS, selection, sorted, sortedPairs } from './pythonSelections';
import { capitalized, indented, readFloat, readWhole, stripped, titledByJinja } from './pythonStrings';
import { numberText, pythonText } from './pythonText';
import { behind, read, refuseSeries, seriesMaker } from './series';
import type { Value } from './value';

/** Filters that take everything for a text. */
const OF_TEXTS = new Set(['capitalize', 'lower', 'replace', 'title', 'trim', 'upper']);
const NONE_GIVEN: Given = { places: [], names: new Map() };
const DIVISIONS = new Set(['/', '//', '%']);
const isNumber = ({ type }: Value) => type === 'IntegerValue' || type === 'FloatValue';
const isList = ({ type }: Value) => type === 'ArrayValue' || type === 'TupleValue';

export function pythonInterpreter(jinja: Jinja) {
  const { Environment: Scope } = jinja;
  const made = (content: unknown): Value => new Scope().set('made', content);
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
        case 'CallExpression':
          return this.#call(node as Call, environment);
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
      const known = { ...node, object: constant(object) } as Node;
      if (!node.computed) {
        const name = String(node.property?.value);
        checkAttribute(object.type, name);
        if (name === 'length' && object.type !== 'ObjectValue' && object.type !== 'NamespaceValue') return undefinedValue;
        return (
          (object.type === 'ObjectValue' && METHODS_OF_MAPPINGS.has(name) && methodOf(object, name)) || super.evaluate(known, environment)
        );
      }
      if (node.property?.type === 'SliceExpression') {
        const part = super.evaluate(known, environment);
        return object.type === 'TupleValue' ? this.#tuple(part.value as Value[], environment) : part;
      }
      if (!isText(object)) return super.evaluate(known, environment);
      const index = this.evaluate(node.property, environment);
      if (index.type !== 'IntegerValue') return super.evaluate({ ...known, property: constant(index) } as Node, environment);
      return made(Array.from(object.value).at(Number(index.value)));
    }

    #filter(node: Filter, environment: Environment): Value {
      const { filter } = node;
      const name = String('callee' in filter ? filter.callee.value : filter.value);
      const apply = FILTERS.get(name);
      const operand = read(this.evaluate(node.operand, environment), name);
      if (name === 'safe') return mark(made(pythonText(operand)));
      if (!OF_MARKED.has(name)) refuseMarked(`applies ${name} to`, operand);
      const known = { ...node, operand: constant(operand) } as Node;
      const given = () => ('args' in filter ? this.#given(filter.args, environment) : NONE_GIVEN);
      if (SELECTIONS.has(name)) {
        const items = operand.type === 'NullValue' ? [] : itemsOf(operand, made);
        const evaluate = (each: Node) => this.evaluate(each, environment);
        return series(name, this.#list(selection(name, items, given(), evaluate, made), environment));
      }
      if (name === 'sort') return this.#list(sorted(itemsOf(operand, made), given(), made), environment);
      if (OF_TEXTS.has(name) && !isText(operand))
        return this.evaluate({ ...node, operand: constant(made(pythonText(operand))) } as Node, environment);
      if (name === 'items' && operand.type === 'ObjectValue' && operand.value instanceof Map)
        return series(name, this.#entries(operand.value, environment));
      if (name === 'items') throw new Error(`it takes the items of a ${operand.type}`);
      if (name === 'dictsort' && operand.value instanceof Map) return this.#entries(sortedPairs(operand.value, given()), environment);
      if (!apply) return super.evaluate(known, environment);
      const content = apply(operand, given());
      if (content === undefined) return super.evaluate(known, environment);
      if (content === NOTHING) return undefinedValue;
      if (name === 'float' && typeof content === 'number') return this.#float(content, environment);
      if (typeof content === 'number') return exact(made(content));
      const value = isValue(content) ? content : isValues(content) ? this.#list(content, environment) : made(content);
      return ONE_BY_ONE.has(name) && isList(value) ? series(name, value) : value;
    }

    #call(node: Call, environment: Environment): Value {
      const { callee } = node;
      const name = String(callee.property?.value);
      const method = METHODS.get(name);
      if (callee.object === undefined || callee.computed || !(method || VIEWS.has(name))) return super.evaluate(node, environment);
      const object = this.evaluate(callee.object, environment);
      refuseMarked(`calls ${name} of`, object);
      const known = { ...node, callee: { ...callee, object: constant(object) } } as Node;
      if (VIEWS.has(name) && object.type === 'ObjectValue' && object.value instanceof Map) {
        if (node.args.length > 0) throw new Error(`it gives ${name} an argument`);
        if (name === 'items') return series('.items', this.#entries(object.value, environment));
        return series(
          name,
          this.#list(name === 'keys' ? Array.from(object.value.keys(), made) : Array.from(object.value.values()), environment),
        );
      }
      if (!isText(object) || !method) return super.evaluate(known, environment);
      if (method.length < 2 && node.args.length > 0) throw new Error(`it gives ${name} an argument, which it does not take`);
      const content = method(object.value, this.#given(node.args, environment));
      if (content === undefined) return super.evaluate(known, environment);
      if (!name.endsWith('partition')) return made(content);
      return this.#tuple((content as string[]).map(made), environment);
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
/** Filters whose items Python makes one after the other. */
const ONE_BY_ONE = new Set(['reverse', 'unique']);
const VIEWS = new Set(['items', 'keys', 'values']);

/** @throws Error for a whole number that JavaScript has rounded. */
function exact(value: Value): Value {
  if (value.type === 'IntegerValue') numberText(value.type, Number(value.value));
  return value;
}

/** Names that Jinja knows, and that are not known here unless the template sets them. */
const UNKNOWN_NAMES = new Set(['cycler', 'dict', 'joiner', 'lipsum', 'self', 'varargs']);

/** @throws Error for a name that Jinja knows. */
function found(name: string, value: Value): Value {
  if (UNKNOWN_NAMES.has(name) && (value.type === 'UndefinedValue' || name === 'varargs'))
    throw new Error(`it uses ${name}, which is not known here`);
  return value;
}

const METHODS_OF_MAPPINGS = new Set(['get', 'items', 'keys', 'values']);

/** A method comes before a key of its name: `{{ schema.items() }}`, although schemas have a key `items`. */
function methodOf(object: Value, name: string): Value | undefined {
  return (object as Value & { readonly builtins: ReadonlyMap<string, Value> }).builtins.get(name);
}

const isValue = (content: unknown): content is Value => typeof content === 'object' && content !== null && 'type' in content;

const isValues = (content: unknown): content is Value[] => Array.isArray(content) && content.every(isValue);

type TestOf = (operand: Value) => boolean;

const TESTS = own<TestOf>({
  callable: (operand) => operand.type === 'FunctionValue' && !behind(operand),
  iterable: (operand) =>
    isList(operand) || ['StringValue', 'ObjectValue', 'UndefinedValue'].includes(operand.type) || behind(operand) !== undefined,
  sequence: (operand) => {
    refuseSeries(operand);
    return isList(operand) || ['StringValue', 'ObjectValue', 'UndefinedValue'].includes(operand.type);
  },
  number: (operand) => isNumber(operand) || operand.type === 'BooleanValue',
  lower: (operand) => isCased(pythonText(operand), 'toLowerCase', 'toUpperCase'),
  upper: (operand) => isCased(pythonText(operand), 'toUpperCase', 'toLowerCase'),
});

type Case = 'toLowerCase' | 'toUpperCase';

/** Some letter is of that case, and none of the other. */
const isCased = (text: string, own: Case, other: Case) => text === text[own]() && text !== text[other]();

/** What a filter makes where that is undefined. */
const NOTHING = Symbol('undefined');

/** What a filter makes; undefined where the library's own does it. */
type FilterOf = (operand: Value, given: Given) => unknown;

const FILTERS: ReadonlyMap<string, FilterOf> = own<FilterOf>({
  capitalize: (operand) => (isText(operand) ? capitalized(operand.value) : undefined),
  count: lengthOf,
  default: (operand, given) => {
    const [fallback, isBoolean] = taken('default', given, ['default_value', 'boolean']);
    const isTaken = operand.type === 'UndefinedValue' || (isBoolean?.value === true && !isTrue(operand));
    return isTaken ? (fallback ?? '') : operand;
  },
  first: (operand) => end(operand, 0),
  float: (operand, given) => {
    const [fallback] = taken('float', given, ['default']);
    const value = isText(operand) ? readFloat(operand.value) : numberOf(operand);
    return value ?? fallback ?? 0;
  },
  indent: (operand, given) => {
    if (!isText(operand)) return undefined;
    const [width, first, blank] = taken('indent', given, ['width', 'first', 'blank']);
    const step = isText(width) ? width.value : ' '.repeat(Math.max(0, Number(width?.value ?? 4)));
    return indented(operand.value, step, { first: first !== undefined && isTrue(first), blank: blank !== undefined && isTrue(blank) });
  },
  int: (operand, given) => {
    const [fallback] = taken('int', given, ['default']);
    const value = isText(operand) ? readWhole(operand.value) : numberOf(operand);
    return value === undefined || !Number.isFinite(value) ? (fallback ?? 0) : Math.trunc(value);
  },
  join: (operand, given) => {
    const [between] = taken('join', given, ['d']);
    const items = isText(operand) ? Array.from(operand.value) : isList(operand) ? (operand.value as Value[]).map(pythonText) : undefined;
    return items?.join(between === undefined ? '' : pythonText(between));
  },
  last: (operand) => end(operand, -1),
  length: lengthOf,
  max: (operand, given) => extreme('max', operand, given),
  min: (operand, given) => extreme('min', operand, given),
  d: (operand, given) => FILTERS.get('default')?.(operand, given),
  list: membersOf,
  reverse: (operand) => (isText(operand) ? Array.from(operand.value).reverse().join('') : membersOf(operand)?.toReversed()),
  sum: (operand, given) => wholeNumbers('sum', operand, given).reduce((sum, value) => sum + value, 0),
  title: (operand) => (isText(operand) ? titledByJinja(operand.value) : undefined),
  tojson: (operand, given) => pythonJson(operand, jsonOptions(given)),
  trim: (operand, given) => (isText(operand) ? stripped(operand.value, 'strip', characters('trim', given)) : undefined),
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
  return operand.value instanceof Map ? Array.from(operand.value.keys()) : isList(operand) ? (operand.value as Value[]) : undefined;
}

/** The first or last item, undefined of an empty list. */
function end(operand: Value, place: 0 | -1): unknown {
  const members = membersOf(operand);
  return members && (members.at(place) ?? NOTHING);
}

/** @throws Error for other items: the order of texts, and the sum of lists, are not known here. */
function wholeNumbers(filter: string, operand: Value, { places, names }: Given): number[] {
  const numbers = (membersOf(operand) ?? [undefined]).map((item) => (isValue(item) ? item.value : item));
  if (places.length + names.size > 0 || !numbers.every(Number.isSafeInteger))
    throw new Error(`it takes the ${filter} of what are not all whole numbers, or with arguments, which is not known here`);
  return numbers.map(Number);
}

function extreme(name: 'max' | 'min', operand: Value, given: Given): unknown {
  const numbers = wholeNumbers(name, operand, given);
  return numbers.length === 0 ? NOTHING : Math[name](...numbers);
}

/** @throws Error for what is undefined, as in Python. */
function numberOf({ type, value }: Value): number | undefined {
  if (type === 'UndefinedValue') throw new Error('it takes what is undefined for a number');
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : undefined;
}

function jsonOptions(given: Given): JsonOptions {
  const [ascii, indent, separators, sorted] = taken('tojson', given, ['ensure_ascii', 'indent', 'separators', 'sort_keys']);
  const parts = separators && separators.type !== 'NullValue' ? (separators.value as Value[]) : undefined;
  if (parts && (parts.length !== 2 || !parts.every(isText))) throw new Error('it gives tojson separators that are not two texts');
  const width = indent && indent.type !== 'NullValue' ? indent.value : undefined;
  return {
    ensureAscii: ascii !== undefined && isTrue(ascii),
    sortKeys: sorted !== undefined && isTrue(sorted),
    ...(width !== undefined && { indent: typeof width === 'string' ? width : Number(width) }),
    ...(parts && { separators: [String(parts[0]?.value), String(parts[1]?.value)] as const }),
  };
}
