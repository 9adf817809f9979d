/** Loops and macros with Jinja's scopes: a variable that a pass of a loop sets ends with it, and a macro does not see the names of its caller. */

import {
  constant,
  type Environment,
  type Filter,
  type For,
  type Jinja,
  type MacroNode,
  type Made,
  type Member,
  type Named,
  type Node,
  type Run,
  type SetNode,
  valueMaker,
} from '../jinjaLibrary';
import { read } from '../series';
import type { Value } from '../value';
import { type Given, givenOf } from './callArguments';
import { isTrue } from './operators';

/** `break` or `continue`: it ends the blocks around it. */
export class LoopExit extends Error {
  /** The text that these blocks have written before it. */
  text = '';

  constructor(readonly isBreak: boolean) {
    super();
  }
}

export function scopedInterpreter(jinja: Jinja) {
  const { Interpreter, Environment: Scope } = jinja;
  const made = valueMaker(jinja);
  const namespace = new Scope().lookupVariable('namespace').value as Run;

  /** The `loop` of a pass: it has fields like a namespace, but is neither a namespace nor a mapping. */
  const loopOf = (items: readonly Value[], index: number): Value => {
    const { length } = items;
    const mapping = made({
      ...{ index: index + 1, index0: index, revindex: length - index, revindex0: length - index - 1, length },
      ...{ first: index === 0, last: index === length - 1, depth: 1, depth0: 0 },
      cycle: () => null,
      changed: () => {
        throw new Error('it calls loop.changed, which is not known here');
      },
    });
    const loop = namespace([mapping], new Scope());
    const fields = loop.value as Map<string, Value>;
    Object.assign(fields.get('cycle') ?? {}, { value: (args: readonly Value[]) => cycled(givenOf(args), index) });
    fields.set('previtem', items[index - 1] ?? made(undefined));
    fields.set('nextitem', items[index + 1] ?? made(undefined));
    return Object.assign(loop, { type: 'LoopContext' });
  };

  return class extends Interpreter {
    override evaluate(node: Node | undefined, environment: Environment): Value {
      switch (node?.type) {
        case 'For':
          return this.#loop(node as For, environment);
        case 'Macro':
          return this.#macro(node as MacroNode, environment);
        case 'Set':
          return this.#set(node as SetNode, environment);
        case 'Break':
        case 'Continue':
          throw new LoopExit(node.type === 'Break');
        default:
          return super.evaluate(node, environment);
      }
    }

    #loop({ loopvar, iterable, body, defaultBlock }: For, environment: Environment): Value {
      const { lhs: source = iterable, test } = iterable;
      const scopeOf = (item: Value) => {
        const scope = new Scope(environment);
        for (const [name, value] of unpacked(loopvar, item)) scope.setVariable(name, value);
        return scope;
      };
      const all = itemsOf(this.evaluate(source, environment), made);
      const passes = (item: Value) => test === undefined || isTrue(this.evaluate(test, scopeOf(item)));
      const ahead = test !== undefined && readsAhead(body) ? all.map(passes) : undefined;
      const items = test !== undefined && !ahead ? [] : all.filter((_, place) => ahead?.[place] ?? true);
      let index = 0;
      let written = '';
      let isElse = true; // until one pass has come to its end, in Jinja too
      for (const [place, item] of all.entries()) {
        const isPassing = passes(item); // as late as here: the passes before may have changed what the condition reads
        if (ahead && ahead[place] !== isPassing) throw new Error("it changes a loop's condition within the loop, and reads loop there");
        if (!isPassing) continue;
        if (items.length === index) items.push(item);
        const scope = scopeOf(item);
        scope.setVariable('loop', loopOf(items, index++));
        try {
          written += String(this.evaluateBlock(body, scope).value);
          isElse = false;
        } catch (exit) {
          if (!(exit instanceof LoopExit)) throw exit;
          written += exit.text;
          if (exit.isBreak) break;
        }
      }
      return made(isElse ? written + String(this.evaluateBlock(defaultBlock, new Scope(environment)).value) : written);
    }

    /** A variable that the block of a `set` sets ends with the block. */
    #set(node: SetNode, environment: Environment): Value {
      const { object } = node.assignee;
      if (object && this.evaluate(object, environment).type === 'LoopContext') throw new Error('it sets a field of a loop');
      if (node.value) return super.evaluate(node, environment);
      return super.evaluate({ ...node, value: constant(this.textApart(node.body, environment)) } as Node, environment);
    }

    /** The text of a block that is not written where it stands. */
    textApart(nodes: readonly Node[], environment: Environment): Value {
      try {
        return this.evaluateBlock(nodes, new Scope(environment));
      } catch (exit) {
        if (exit instanceof LoopExit) exit.text = '';
        throw exit;
      }
    }

    /** The library runs a macro within the scope of its call. */
    #macro(node: MacroNode, environment: Environment): Value {
      const result = super.evaluate(node, environment);
      const macro = environment.lookupVariable(String(node.name.value)) as { value: Run };
      const { value: run } = macro;
      const isCalling = uses(node.body, 'caller');
      macro.value = (args, callScope) => {
        const scope = new Scope(environment);
        const caller = callScope.variables.get('caller');
        if (caller && (!isCalling || uses(node.body, 'kwargs')))
          throw new Error(`it calls the macro ${node.name.value} with a block, for which it has no use`);
        if (caller) scope.setVariable('caller', caller);
        return run(args, scope);
      };
      return result;
    }
  };
}

/** @throws SyntaxError for a variable named loop, and for a break outside of a loop: Python runs macros and generations apart from those around. */
export function checkLoops(of: unknown, isWithin = false): void {
  if (typeof of !== 'object' || of === null) return;
  const { type, filter, loopvar, assignee } = of as Node & Partial<Filter & For & SetNode>;
  if (uses(loopvar ?? (assignee?.object ? undefined : assignee), 'loop')) throw new SyntaxError('it sets the variable loop: rename it');
  if ((type === 'Break' || type === 'Continue') && !isWithin) throw new SyntaxError(`it has a ${type.toLowerCase()} outside of a loop`);
  const isCall = type === 'CallStatement' || (type === 'FilterStatement' && (filter as Named).value === 'string');
  if (isCall && uses(of, 'caller')) throw new SyntaxError('it has a caller within a call or generation block, which is not known here');
  const isApart = isCall || type === 'Macro';
  for (const [key, inner] of Object.entries(of)) checkLoops(inner, type === 'For' && key === 'body' ? true : isWithin && !isApart);
}

/** What a loop knows of itself without its later passes. */
const KNOWN_BEFORE: readonly unknown[] = ['index', 'index0', 'first', 'previtem', 'depth', 'depth0', 'cycle'];

/** Whether the body of a loop may read what comes: how many passes, or the next item. Loops within it have a `loop` of their own. */
function readsAhead(of: unknown): boolean {
  if (typeof of !== 'object' || of === null) return false;
  const { type, value, object, property, computed } = of as Named & Member;
  if (type === 'Identifier') return value === 'loop';
  if (type === 'MemberExpression' && !computed && object?.type === 'Identifier' && KNOWN_BEFORE.includes(property?.value)) return false;
  const inner = Object.entries(of instanceof Map ? Array.from(of) : of);
  return inner.some(([key, part]) => !(type === 'For' && key === 'body') && readsAhead(part));
}

/** The items of a loop: those of a list, the keys of a mapping, the characters of a text; none for an undefined value. */
export function itemsOf(source: Value, made: Made): readonly Value[] {
  const { type, value } = read(source);
  if (Array.isArray(value)) return value;
  if (value instanceof Map && type === 'ObjectValue') return Array.from(value.keys(), made);
  if (typeof value === 'string') return Array.from(value, made);
  if (type === 'UndefinedValue') return [];
  throw new Error(`it goes through a ${type} in a loop`);
}

/** `loop.cycle`. @throws Error when it gets no value, or a named one. */
function cycled({ places, names }: Given, index: number): Value {
  const value = places[index % places.length];
  if (!value || names.size > 0) throw new Error('it calls cycle without values, or with names for them');
  return value;
}

/** Whether these nodes contain the name at any depth. */
function uses(nodes: unknown, name: string): boolean {
  if (typeof nodes !== 'object' || nodes === null) return false;
  const { type, value } = nodes as Named;
  if (type === 'Identifier' && value === name) return true;
  return Object.values(nodes instanceof Map ? Array.from(nodes) : nodes).some((inner) => uses(inner, name));
}

/** The names of a loop's variables, and their values. */
function unpacked(variable: Named, item: Value): readonly (readonly [name: string, value: Value])[] {
  if (variable.type === 'Identifier') return [[String(variable.value), item]];
  const names = variable.type === 'TupleLiteral' ? (variable.value as readonly Named[]) : [];
  if (!Array.isArray(item.value) || item.value.length !== names.length || !names.every(({ type }) => type === 'Identifier'))
    throw new Error(`it unpacks a ${item.type} into ${names.length} variables`);
  return names.map((name, index) => [String(name.value), (item.value as readonly Value[])[index] as Value]);
}
