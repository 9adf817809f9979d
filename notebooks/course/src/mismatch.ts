/** Describes how an answer differs from the expected one. */
import { tf } from 'lowrank';

/** Factors that come from a wrong unit, a forgotten half or a percentage. */
const TELLING_FACTORS = [2, 3, 4, 8, 16, 100, 1000, 1024, 1e6, 2 ** 20, 1e9, 2 ** 30];
/** Largest difference of two numbers that are not counts, as a share of the larger one. */
export const TOLERANCE = 1e-4;

function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return Math.abs(value) < 1e-4 ? value.toExponential(2) : String(Number(value.toPrecision(5)));
}

/** A value as a learner would write it, shortened. */
export function textOf(value: unknown): string {
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return `'${value}'`;
  if (value instanceof tf.Tensor) return `a tensor of shape [${value.shape.join(', ')}]`;
  if (typeof value === 'function') return 'a function';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof tf.Tensor) return 'a tensor';
  if (value instanceof Promise) return 'a promise (await it)';
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Typed arrays as arrays and data frames of polars or danfojs as rows, both known by their form; anything else as it is. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof tf.Tensor || Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value) && Symbol.iterator in value) return Array.from(value as unknown as Iterable<number>);
  const { toRecords, columns, values } = value as { toRecords?: unknown; columns?: unknown; values?: unknown };
  if (typeof toRecords === 'function') return toRecords.call(value);
  if (!Array.isArray(columns) || !Array.isArray(values)) return value;
  const cell = (row: unknown, place: number): unknown => (Array.isArray(row) ? row[place] : row);
  return values.map((row) => Object.fromEntries(columns.map((name, place) => [String(name), cell(row, place)])));
}

/** Counts are compared exactly, all other numbers up to the tolerance. */
function numbers(answer: number, expected: number, tolerance: number | undefined): string | undefined {
  if (Object.is(answer, expected) || answer === expected) return undefined;
  const isCount = tolerance === undefined && Number.isInteger(expected);
  const allowed = isCount ? 0 : (tolerance ?? TOLERANCE) * Math.max(Math.abs(answer), Math.abs(expected));
  if (Math.abs(answer - expected) <= allowed) return undefined;
  const text = numberText(answer);
  if (!Number.isFinite(answer)) return `${text} is not a number that can be right`;
  if (answer === -expected) return `${text} has the wrong sign`;
  const ratio = answer / expected;
  const telling = TELLING_FACTORS.find((factor) => [ratio, 1 / ratio].some((each) => Math.abs(each / factor - 1) < 1e-3));
  const size = Math.abs(answer) > Math.abs(expected) ? 'large' : 'small';
  if (telling !== undefined) return `${text} is too ${size}, by a factor of ${numberText(telling)}`;
  return `${text} is too ${answer > expected ? 'large' : 'small'}`;
}

function tensors(answer: tf.Tensor, expected: tf.Tensor, tolerance: number | undefined): string | undefined {
  if (answer.shape.join() !== expected.shape.join()) {
    return `the shape is [${answer.shape.join(', ')}] and should be [${expected.shape.join(', ')}]`;
  }
  const [given, wanted] = [answer, expected].map((tensor) => Array.from(tensor.dataSync<'float32'>())) as [number[], number[]];
  const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const off = given.map((value, place) => Math.abs(value - (wanted[place] ?? 0)));
  // NaN is further off than any number
  const worst = off.reduce((place, value, at) => (value <= (off[place] ?? 0) ? place : at), 0);
  const error = off[worst] ?? 0;
  if (error <= (tolerance ?? TOLERANCE) * Math.max(largest, Number.MIN_VALUE)) return undefined;
  const place = tf.tidy(() => tf.util.indexToLoc(worst, answer.rank, tf.util.computeStrides(answer.shape)));
  return `the values differ, most at [${place.join(', ')}]: ${numberText(given[worst] ?? 0)} there`;
}

function arrays(answer: readonly unknown[], expected: readonly unknown[], tolerance: number | undefined): string | undefined {
  if (answer.length !== expected.length) return `it has length ${answer.length} and should have ${expected.length}`;
  for (const [place, value] of answer.entries()) {
    const fault = mismatch(value, expected[place], tolerance);
    if (fault !== undefined) return `at [${place}], ${fault}`;
  }
  return undefined;
}

function records(answer: object, expected: object, tolerance: number | undefined): string | undefined {
  const given = new Map(Object.entries(answer));
  for (const [name, value] of Object.entries(expected)) {
    if (!given.has(name)) return `'${name}' is missing`;
    const fault = mismatch(given.get(name), value, tolerance);
    if (fault !== undefined) return `in '${name}', ${fault}`;
    given.delete(name);
  }
  const [extra] = given.keys();
  return extra === undefined ? undefined : `'${extra}' should not be there`;
}

/** What is wrong with an answer, in words that continue a sentence; nothing where it is right. Never names the right value of a number. */
export function mismatch(answer: unknown, expected: unknown, tolerance?: number): string | undefined {
  const [given, wanted] = [plain(answer), plain(expected)];
  if (given instanceof tf.Tensor && wanted instanceof tf.Tensor) return tensors(given, wanted, tolerance);
  const [kind, wantedKind] = [kindOf(given), kindOf(wanted)];
  if (kind !== wantedKind) return `there is ${kind}${kind === 'nothing' ? ' yet' : ''}, and it should be ${wantedKind}`;
  if (typeof given === 'number' && typeof wanted === 'number') return numbers(given, wanted, tolerance);
  if (Array.isArray(given) && Array.isArray(wanted)) return arrays(given, wanted, tolerance);
  if (typeof given === 'object' && typeof wanted === 'object' && given && wanted) return records(given, wanted, tolerance);
  const isSame = typeof given === 'string' ? given.trim() === String(wanted).trim() : given === wanted;
  return isSame ? undefined : `${textOf(given)} is not right`;
}
