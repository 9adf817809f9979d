/** Renders a chat template within bounds of output and memory, because its file decides how much it writes. */
import { boundedInterpreter } from './boundedInterpreter';
import type { Jinja, Node, Run, Token } from './jinjaLibrary';
import { plainSource } from './jinjaSource';
import { givenOf } from './python/callArguments';
import { checkLoops } from './python/scopes';
import { FUNCTIONS, taken } from './python/signatures';
import { strftime } from './python/strftime';
import { seriesMaker } from './series';
import { ENTRY } from './valueSizes';

export interface BoundedTemplate {
  /** @throws ArgumentError when a text in it becomes too long; Error where the template refuses what it is given. */
  render(given: Readonly<Record<string, unknown>>): string;
}

/** @throws SyntaxError when the source is no Jinja. */
export function boundedTemplate(jinja: Jinja, source: string): BoundedTemplate {
  const parsed = parsedWhole(jinja, checked(jinja.tokenize(plainSource(source))));
  const series = seriesMaker(jinja);
  const BoundedInterpreter = boundedInterpreter(jinja);
  return {
    render: (given) => {
      const environment = new jinja.Environment();
      const interpreter = new BoundedInterpreter(environment);
      const all = { ...globals((size) => interpreter.reserve(size)), ...given };
      for (const [name, value] of Object.entries(all)) environment.set(name, value);
      for (const [name, signature] of FUNCTIONS) {
        const callable = environment.lookupVariable(name) as { value: Run };
        const { value: run } = callable;
        callable.value = (args, scope) => {
          const given = signature ? taken(signature, givenOf(args)).filter((value) => value !== undefined) : [];
          if (given.some(({ type }) => type === 'UndefinedValue')) throw new Error(`it calls ${name} with what is undefined`);
          const value = run(given, scope);
          return name === 'range' ? series(name, value) : value;
        };
      }
      interpreter.allow(Object.keys(given).map((name) => environment.lookupVariable(name)));
      return String(interpreter.run(parsed).value);
    },
  };
}

/** @throws SyntaxError where the tokens end within a block, which the library takes for an error of its own. */
function parsedWhole(jinja: Jinja, tokens: readonly Token[]): Node {
  try {
    const parsed = jinja.parse(tokens);
    checkLoops(parsed);
    return parsed;
  } catch (cause) {
    throw cause instanceof TypeError ? new SyntaxError('a block or an expression has no end') : cause;
  }
}

/** Of Jinja's sandbox. */
const LONGEST_RANGE = 100_000;

/** The variables of every template, as in `Template.render`. */
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
      if (length > LONGEST_RANGE) throw new Error(`range makes ${length} numbers, and Jinja at most ${LONGEST_RANGE}`);
      return Array.from({ length }, (_, i) => start + i * step);
    },
    strftime_now: (form: unknown) => {
      if (typeof form !== 'string') throw new Error('it calls strftime_now without the form of the date');
      return strftime(new Date(), form);
    },
  };
}

const OPENING = new Set(['OpenParen', 'OpenSquareBracket', 'OpenCurlyBracket', 'OpenStatement', 'OpenExpression']);
const CLOSING = new Set(['CloseParen', 'CloseSquareBracket', 'CloseCurlyBracket', 'CloseStatement', 'CloseExpression']);
/** The tokens that end a comparison, besides a bracket. */
const ENDS = new Set(['Comma', 'Equals', 'Colon', 'and', 'or', 'if', 'else', 'not']);

/** Operators that are words. */
const WORDS = new Set(['and', 'else', 'if', 'in', 'is', 'not', 'or']);
const isWord = ({ type, value }: Token) => type === 'Identifier' && WORDS.has(value);
const isName = (token: Token) => token.type === 'Identifier' && !isWord(token);
const LITERALS = new Set(['NumericLiteral', 'StringLiteral']);
const isOperandEnd = (token: Token) => isName(token) || LITERALS.has(token.type) || /^Close.*(Paren|Bracket)$/.test(token.type);
const isOperandBegin = (token: Token) => isName(token) || LITERALS.has(token.type) || /^(OpenCurlyBracket|UnaryOperator)$/.test(token.type);

/**
 * The tokens, of which each operator knows its level of brackets. Python takes `a == b == c` for `a == b and b == c`, and the library
 * for `(a == b) == c`; and it takes `[a b]` for `[a, b]`.
 *
 * @throws Error for either, and for a choice without brackets that a loop goes through.
 */
function checked(tokens: readonly Token[]): Token[] {
  let level = { isCompared: false };
  const outer: (typeof level)[] = [];
  let isLoop = false;
  return tokens.map((token, index) => {
    const { type, value } = token;
    const next = tokens[index + 1];
    const isComparison = type === 'ComparisonBinaryOperator' || (type === 'Identifier' && value === 'in');
    if (isComparison && level.isCompared) throw new Error(`it compares with ${value} what is itself a comparison: join the two by "and"`);
    if (/^Open(Statement|Expression)$/.test(type)) isLoop = next?.value === 'for';
    if (isLoop && outer.length === 1 && isWord(token) && value === 'else')
      throw new SyntaxError('it has an else in its for: put the choice into brackets');
    if (OPENING.has(type)) {
      outer.push(level);
      level = { isCompared: false };
    } else if (CLOSING.has(type)) level = outer.pop() ?? level;
    else if (isComparison) level.isCompared = true;
    else if (ENDS.has(type === 'Identifier' ? value : type) && next?.value !== 'in') level.isCompared = false;
    const areTexts = type === 'StringLiteral' && next?.type === type; // they are one text
    const isNot = next?.value === 'not' && tokens[index + 2]?.value !== 'in';
    if (outer.length > 1 && next && isOperandEnd(token) && (isNot || isOperandBegin(next)) && !areTexts)
      throw new SyntaxError(`it has neither a comma nor an operator between ${value} and ${next.value}`);
    return type === 'AdditiveBinaryOperator' ? { ...token, level } : token;
  });
}
