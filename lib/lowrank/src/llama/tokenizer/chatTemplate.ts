/** Renders a chat template within bounds of output and memory, because its file decides how much it writes. */
import { ArgumentError } from '../../runtime';
import type { Argument, Binary, Call, Constant, Environment, Filter, Jinja, Member, Named, Node } from './jinja';
import { constant } from './jinja';
import { pythonInterpreter } from './pythonInterpreter';
import { LINE_ENDS } from './pythonStrings';
import { pythonText, type Value } from './pythonText';
import { strftime } from './strftime';

/** Characters of any one text that a template makes, the result included, beside a multiple of what it is given. */
const LONGEST_TEXT = 2 ** 22;
/** The total length of all texts made, in multiples of the longest; it bounds the memory that a template holds at one time. */
const TEXTS_IN_ALL = 8;
/** What an entry of a list takes, counted in characters. */
const ENTRY = 16;
const TIMES_GIVEN = 16;
/** What one character of a text in a list takes at most: a backslash, `u`, and four digits. */
const LONGEST_ESCAPE = 6;

/** Filters, and the method of that name, that put an argument into a text as often as the text decides. */
const MULTIPLYING = new Set(['indent', 'join', 'replace', 'tojson']);

/** Statements whose value is none, which is no text of theirs. */
const SILENT = new Set(['Set', 'Macro', 'Comment']);

export interface BoundedTemplate {
  /** @throws ArgumentError when a text in it becomes too long; Error where the template refuses what it is given. */
  render(given: Readonly<Record<string, unknown>>): string;
}

/** @throws SyntaxError when the source is no Jinja. */
export function boundedTemplate(jinja: Jinja, source: string): BoundedTemplate {
  const { parsed } = new jinja.Template(source);
  const BoundedInterpreter = boundedInterpreter(jinja);
  return {
    render: (given) => {
      const environment = new jinja.Environment();
      const interpreter = new BoundedInterpreter(environment);
      const all = { ...globals((size) => interpreter.reserve(size)), ...given };
      for (const [name, value] of Object.entries(all)) environment.set(name, value);
      interpreter.allow(Object.keys(given).map((name) => environment.lookupVariable(name)));
      return String(interpreter.run(parsed).value);
    },
  };
}

/** What every template finds, as `Template.render` has it. */
function globals(reserve: (size: number) => void): Record<string, unknown> {
  return {
    ...{ true: true, false: false, none: null, True: true, False: false, None: null },
    raise_exception: (message: string) => {
      throw new Error(message);
    },
    range: (first: number, second?: number, step = 1) => {
      const [start, stop] = second === undefined ? [0, first] : [first, second];
      const length = Math.max(0, Math.ceil((stop - start) / step));
      if (![start, stop, step].every(Number.isInteger) || !Number.isFinite(length))
        throw new Error(`range(${start}, ${stop}, ${step}) is no range of whole numbers`);
      reserve(ENTRY * length);
      return Array.from({ length }, (_, i) => start + i * step);
    },
    strftime_now: (form: string) => strftime(new Date(), form),
  };
}

function boundedInterpreter(jinja: Jinja) {
  return class extends pythonInterpreter(jinja) {
    #longest = LONGEST_TEXT;
    #left = TEXTS_IN_ALL * LONGEST_TEXT;
    readonly #sizes = new WeakMap<Value, Size>();

    /** Raises the bounds by what a conversation that is long itself needs. */
    allow(given: readonly Value[]): void {
      this.#longest += TIMES_GIVEN * given.reduce((sum, value) => sum + this.#sizeOf(value).size, 0);
      this.#left = TEXTS_IN_ALL * this.#longest;
    }

    /** @throws ArgumentError when so much is too much. */
    reserve(size: number): void {
      if (size > this.#longest) throw new ArgumentError(`filling it makes a text or list of more than ${this.#longest} characters`);
      this.#left -= size;
      if (this.#left < 0) throw new ArgumentError(`filling it makes texts of more than ${TEXTS_IN_ALL * this.#longest} characters in all`);
    }

    override evaluate(node: Node | undefined, environment: Environment): Value {
      if (node?.type === 'Constant') return (node as Constant).constant;
      const value = this.#evaluate(node, environment);
      if (!isLookUp(node) && !this.#sizes.has(value)) this.reserve(this.#sizeOf(value).size);
      return value;
    }

    /** The texts of the nodes, one after the other. */
    override evaluateBlock(nodes: readonly Node[], environment: Environment): Value {
      const texts = nodes.map((node) => {
        const value = this.evaluate(node, environment);
        return SILENT.has(node.type) ? '' : this.#text(value);
      });
      return this.#made(texts.join(''), environment);
    }

    #text(value: Value): string {
      if (typeof value.value === 'string') return value.value;
      this.reserve(LONGEST_ESCAPE * this.#sizeOf(value).size);
      return pythonText(value);
    }

    /** A text as a value of the library's. */
    #made(text: string, environment: Environment): Value {
      return super.evaluate({ type: 'StringLiteral', value: text } as Named, environment);
    }

    #evaluate(node: Node | undefined, environment: Environment): Value {
      if (node?.type === 'BinaryExpression' && (node as Binary).operator.value === '~') {
        const sides = [(node as Binary).left, (node as Binary).right].map((side) => this.#text(this.evaluate(side, environment)));
        return this.#made(sides.join(''), environment);
      }
      if (node?.type === 'FilterExpression') return this.#filter(node as Filter, environment);
      if (node?.type === 'CallExpression') return this.#call(node as Call, environment);
      if (node?.type !== 'FilterStatement') return super.evaluate(node, environment);
      const { body, filter } = node as Filter;
      return this.#filter({ type: 'FilterExpression', operand: { type: 'Program', body } as Node, filter }, environment);
    }

    #filter(node: Filter, environment: Environment): Value {
      const { filter } = node;
      const name = 'callee' in filter ? filter.callee.value : filter.value;
      if (name === 'string') return this.#made(this.#text(this.evaluate(node.operand, environment)), environment);
      if (typeof name !== 'string' || !MULTIPLYING.has(name)) return super.evaluate(node, environment);
      const operand = this.evaluate(node.operand, environment);
      const args = 'args' in filter ? this.#evaluated(filter.args, environment) : [];
      this.#reserveFor(name, operand, args);
      const known = { ...node, operand: constant(operand), filter: 'args' in filter ? { ...filter, args } : filter };
      return super.evaluate(known, environment);
    }

    #call(node: Call, environment: Environment): Value {
      const { callee } = node;
      if (callee.object === undefined || callee.computed || callee.property?.value !== 'replace') return super.evaluate(node, environment);
      const args = this.#evaluated(node.args, environment);
      const object = this.evaluate(callee.object, environment);
      this.#reserveFor('replace', object, args);
      return super.evaluate({ ...node, args, callee: { ...callee, object: constant(object) } } as Node, environment);
    }

    /** The arguments of a call with their values in them. */
    #evaluated(args: readonly Argument[], environment: Environment): Argument[] {
      const known = (node: Node | undefined) => constant(this.evaluate(node, environment));
      return args.map((arg) => {
        if (arg.type === 'KeywordArgumentExpression') return { ...arg, value: known(arg.value) };
        if (arg.type.endsWith('SpreadExpression')) return { ...arg, argument: known(arg.argument) };
        return known(arg);
      });
    }

    #reserveFor(name: string, operand: Value, args: readonly Argument[]): void {
      const values = args.map((arg) => ((arg.value ?? arg.argument ?? arg) as Constant).constant);
      const inserted = Math.max(0, ...values.map((value) => this.#inserted(value)));
      const { size, depth } = this.#sizeOf(operand);
      const places = name === 'tojson' ? depth * (1 + size / ENTRY) : placesIn(operand.value, name, values[0]?.value);
      this.reserve(size + Math.ceil(inserted * places));
    }

    /** The number of characters that an argument stands for: a text, a number of blanks, or several of these. */
    #inserted({ value }: Value): number {
      if (typeof value === 'number') return value;
      if (typeof value === 'string') return value.length;
      if (value instanceof Map) return Math.max(0, ...Array.from(value.values(), (item) => this.#inserted(item)));
      return Array.isArray(value) ? value.reduce((longest, item) => Math.max(longest, this.#inserted(item)), 0) : 0;
    }

    /** What a value takes, all that it holds included, which may be one value many times over. */
    #sizeOf(value: Value): Size {
      const content = value.value;
      if (typeof content === 'string') return { size: content.length, depth: 1 };
      if (!Array.isArray(content) && !(content instanceof Map)) return { size: 0, depth: 1 };
      const known = this.#sizes.get(value);
      if (known) return known;
      this.#sizes.set(value, { size: 0, depth: 1 }); // a namespace can hold itself
      const sum = { size: 0, depth: 0 };
      for (const item of content.values()) {
        const { size, depth } = this.#sizeOf(item);
        sum.size += ENTRY + size;
        sum.depth = Math.max(sum.depth, depth);
      }
      if (content instanceof Map) for (const key of content.keys()) sum.size += String(key).length;
      const found = { size: sum.size, depth: sum.depth + 1 };
      this.#sizes.set(value, found);
      return found;
    }
  };
}

interface Size {
  /** In characters. */
  readonly size: number;
  /** The nesting depth of lists and mappings. */
  readonly depth: number;
}

/** Names and members only find what is there; a slice makes something. */
function isLookUp(node: Node | undefined): boolean {
  if (node?.type === 'MemberExpression') return (node as Member).property?.type !== 'SliceExpression';
  return node?.type === 'Identifier';
}

/** Where a filter puts its argument into a text or a list. */
function placesIn(value: unknown, filter: string, first: unknown): number {
  if (typeof value !== 'string') return Array.isArray(value) ? value.length : 0;
  if (filter === 'join') return value.length;
  if (filter === 'indent') return value.split(LINE_ENDS).length;
  return typeof first === 'string' ? occurrences(value, first) : value.length + 1;
}

/** The number of occurrences of a text in another, plus one. */
function occurrences(text: string, sought: string): number {
  if (sought === '') return text.length + 1;
  let count = 1;
  for (let at = text.indexOf(sought); at !== -1; at = text.indexOf(sought, at + sought.length)) count++;
  return count;
}
