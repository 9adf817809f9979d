/** The part of the Jinja library that is used here. Its own declarations import without endings, so TypeScript does not find them. */
import type { Value } from './value';

export interface Node {
  readonly type: string;
}

export interface Environment {
  /** The variables of this scope alone. */
  readonly variables: ReadonlyMap<string, Value>;
  set(name: string, value: unknown): Value;
  setVariable(name: string, value: Value): Value;
  lookupVariable(name: string): Value;
}

/** The value of a function. */
export type Run = (args: readonly Value[], scope: Environment) => Value;

interface Interpreter {
  run(program: Node): Value;
  evaluate(node: Node | undefined, environment: Environment): Value;
  evaluateBlock(nodes: readonly Node[], environment: Environment): Value;
}

export interface Token {
  readonly type: string;
  readonly value: string;
  /** The brackets around an operator. */
  readonly level?: object;
}

export interface Jinja {
  tokenize(source: string): readonly Token[];
  parse(tokens: readonly Token[]): Node;
  readonly Template: new (source: string) => { render(given: Readonly<Record<string, unknown>>): string };
  readonly Environment: new (parent?: Environment) => Environment;
  readonly Interpreter: new (environment: Environment) => Interpreter;
}

/** An ES module, which this CommonJS package can only reach by import(). */
export const importJinja = async (): Promise<Jinja> => (await import('@huggingface/jinja')) as object as Jinja;

export interface Named extends Node {
  readonly value?: unknown;
}

export interface Argument extends Node {
  readonly key?: Named;
  readonly value?: Node;
  readonly argument?: Node;
}

export interface Member extends Node {
  readonly object?: Node;
  readonly computed?: boolean;
  readonly property?: Named & Slice;
}

export interface Slice extends Node {
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}

export interface Call extends Node {
  readonly callee: Member & Named;
  readonly args: readonly Argument[];
}

export interface Binary extends Node {
  readonly operator: Named & Pick<Token, 'level'>;
  readonly left: Node;
  readonly right: Node;
}

export interface For extends Node {
  readonly loopvar: Named;
  /** An expression, or one with the condition on its items. */
  readonly iterable: Node & { readonly lhs?: Node; readonly test?: Node };
  readonly body: readonly Node[];
  readonly defaultBlock: readonly Node[];
}

export interface MacroNode extends Node {
  readonly name: Named;
  readonly body: readonly Node[];
}

export interface SetNode extends Node {
  readonly assignee: Member;
  /** Without one, it is the text of the body. */
  readonly value: Node | null;
  readonly body: readonly Node[];
}

export interface ObjectNode extends Node {
  readonly value: ReadonlyMap<Node, Node>;
}

export interface Test extends Node {
  readonly operand: Node;
  readonly negate: boolean;
  readonly test: Named;
}

export interface Filter extends Node {
  readonly operand: Node;
  readonly body?: readonly Node[];
  readonly filter: Named | Call;
}

/** A value in place of an expression, which is thus evaluated once. */
export interface Constant extends Node {
  readonly constant: Value;
}

export type Made = (content: unknown) => Value;

/** Makes the library's values of JavaScript's. */
export const valueMaker = ({ Environment: Scope }: Jinja): Made => {
  return (content) => new Scope().set('made', content);
};

export const constant = (value: Value): Constant => ({ type: 'Constant', constant: value });
