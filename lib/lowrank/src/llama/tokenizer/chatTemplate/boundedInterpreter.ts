/** A Jinja interpreter that counts the characters of its texts, and stops when there are too many. */
import { ArgumentError } from '../../../runtime';
import {
  type Argument,
  type Binary,
  type Call,
  type Constant,
  constant,
  type Environment,
  type Filter,
  type Jinja,
  type Member,
  type Named,
  type Node,
} from './jinjaLibrary';
import { isMarked, refuseMarked } from './marked';
import { pythonInterpreter } from './python/interpreter';
import { LoopExit } from './python/scopes';
import { pythonText } from './python/text';
import { behind } from './series';
import type { Value } from './value';
import { ENTRY, insertedSize, placesIn, ValueSizes } from './valueSizes';

/** Maximum characters of one text that a template makes, such as the result, in addition to a multiple of its input. */
const LONGEST_TEXT = 2 ** 22;
/** The total length of all texts made, in multiples of the longest; it bounds the memory that a template holds at one time. */
const TEXTS_IN_ALL = 8;
const TIMES_GIVEN = 16;
/** The longest form of one character of a text in a list: a backslash, `u`, and four digits. */
const LONGEST_ESCAPE = 6;

/** Filters, and the method of the same name, that insert an argument into a text once or many times. */
const MULTIPLYING = new Set(['indent', 'join', 'replace', 'tojson']);

/** Statements whose value, None, is not written. */
const SILENT = new Set(['Set', 'Macro', 'Comment']);

/** The class, made of the library's own. */
export function boundedInterpreter(jinja: Jinja) {
  return class extends pythonInterpreter(jinja) {
    #longest = LONGEST_TEXT;
    #left = TEXTS_IN_ALL * LONGEST_TEXT;
    readonly #sizes = new ValueSizes();

    /** Raises the bounds for a long conversation. */
    allow(given: readonly Value[]): void {
      this.#longest += TIMES_GIVEN * given.reduce((sum, value) => sum + this.#sizes.of(value).size, 0);
      this.#left = TEXTS_IN_ALL * this.#longest;
    }

    /** @throws ArgumentError when the size exceeds a bound. */
    reserve(size: number): void {
      if (size > this.#longest) throw new ArgumentError(`filling it makes a text or list of more than ${this.#longest} characters`);
      this.#left -= size;
      if (this.#left < 0) throw new ArgumentError(`filling it makes texts of more than ${TEXTS_IN_ALL * this.#longest} characters in all`);
    }

    override evaluate(node: Node | undefined, environment: Environment): Value {
      if (node?.type === 'Constant') return (node as Constant).constant;
      const value = this.#evaluate(node, environment);
      if (!isLookUp(node) && !this.#sizes.has(value)) this.reserve(this.#sizes.of(value).size);
      return value;
    }

    /** The texts of the nodes, one after the other. */
    override evaluateBlock(nodes: readonly Node[], environment: Environment): Value {
      let written = '';
      for (const node of nodes) {
        try {
          const value = this.evaluate(node, environment);
          if (!SILENT.has(node.type)) written += this.#text(value);
        } catch (exit) {
          if (exit instanceof LoopExit) exit.text = written + exit.text;
          throw exit;
        }
      }
      return this.#made(written, environment);
    }

    #text(value: Value): string {
      if (typeof value.value === 'string') return value.value;
      this.reserve(LONGEST_ESCAPE * this.#sizes.of(value).size);
      return pythonText(value);
    }

    /** A text as a value of the library. */
    #made(text: string, environment: Environment): Value {
      return super.evaluate({ type: 'StringLiteral', value: text } as Named, environment);
    }

    #evaluate(node: Node | undefined, environment: Environment): Value {
      if (node?.type === 'BinaryExpression' && (node as Binary).operator.value === '~') {
        const { operator, left, right } = node as Binary;
        const sides = [left, right].map((side) => this.evaluate(side, environment));
        const isSum = left.type === 'BinaryExpression' && (left as Binary).operator.level === operator.level;
        if (isSum && sides[0]?.type !== 'StringValue') throw new Error('it adds by + or - what ~ joins before: put the sum into brackets');
        return this.#made(sides.map((side) => this.#text(side)).join(''), environment);
      }
      if (node?.type === 'BinaryExpression' && (node as Binary).operator.value === '*') return this.#times(node as Binary, environment);
      if (node?.type === 'FilterExpression') return this.#filter(node as Filter, environment);
      if (node?.type === 'CallExpression') return this.#call(node as Call, environment);
      if (node?.type !== 'FilterStatement') return super.evaluate(node, environment);
      const { body, filter } = node as Filter;
      const operand = constant(this.textApart(body ?? [], environment));
      return this.#filter({ type: 'FilterExpression', operand, filter }, environment);
    }

    /** A text times a whole number is repeated, as in Python. */
    #times(node: Binary, environment: Environment): Value {
      const [left, right] = [this.evaluate(node.left, environment), this.evaluate(node.right, environment)];
      const [text, times] = typeof left.value === 'string' ? [left.value, right] : [right.value, left];
      if (typeof text !== 'string' || times.type !== 'IntegerValue')
        return super.evaluate({ ...node, left: constant(left), right: constant(right) } as Node, environment);
      refuseMarked('repeats', left, right);
      const count = Math.max(0, Number(times.value));
      this.reserve(text.length * count);
      return this.#made(text.repeat(count), environment);
    }

    #filter(node: Filter, environment: Environment): Value {
      const { filter } = node;
      const name = 'callee' in filter ? filter.callee.value : filter.value;
      if (name === 'string' && !('args' in filter && filter.args.length > 0))
        return this.#string(this.evaluate(node.operand, environment), environment);
      if (typeof name !== 'string' || !MULTIPLYING.has(name)) return super.evaluate(node, environment);
      const operand = this.evaluate(node.operand, environment);
      const args = 'args' in filter ? this.#evaluated(filter.args, environment) : [];
      this.#reserveFor(name, behind(operand) ?? operand, args);
      const known = { ...node, operand: constant(operand), filter: 'args' in filter ? { ...filter, args } : filter };
      return super.evaluate(known, environment);
    }

    #string(value: Value, environment: Environment): Value {
      return isMarked(value) ? value : this.#made(this.#text(value), environment);
    }

    #call(node: Call, environment: Environment): Value {
      const { callee } = node;
      if (callee.object === undefined || callee.computed || callee.property?.value !== 'replace') return super.evaluate(node, environment);
      const args = this.#evaluated(node.args, environment);
      const object = this.evaluate(callee.object, environment);
      this.#reserveFor('replace', object, args);
      return super.evaluate({ ...node, args, callee: { ...callee, object: constant(object) } } as Node, environment);
    }

    /** The arguments of a call, evaluated. */
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
      const inserted = Math.max(0, ...values.map(insertedSize));
      const { size, depth } = this.#sizes.of(operand);
      const places = name === 'tojson' ? depth * (1 + size / ENTRY) : placesIn(operand.value, name, values[0]?.value);
      this.reserve(size + Math.ceil(inserted * places));
    }
  };
}

/** Names and members only look values up; a slice makes a new one. */
function isLookUp(node: Node | undefined): boolean {
  if (node?.type === 'MemberExpression') return (node as Member).property?.type !== 'SliceExpression';
  return node?.type === 'Identifier';
}
