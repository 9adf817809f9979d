/** Axes with a domain and ticks chosen here, so that labels can be placed in pixels. */

type AxisKind = 'linear' | 'log';

interface NumericAxisOptions {
  /** Length of the axis in pixels. */
  readonly length: number;
  readonly kind?: AxisKind;
  /** Free room at both ends, as a share of the axis. @defaultValue 0.04 */
  readonly padding?: number;
  /** Whether the axis includes 0. @defaultValue `false` */
  readonly zero?: boolean;
  /** About how many ticks. @defaultValue 6 */
  readonly count?: number;
}

/** Large numbers with k, M and B (billion; SI's G is no count of parameters). The text is constant: no data reaches the expression. */
export const COUNT_LABELS = "replace(format(datum.value, '~s'), 'G', 'B')";

/** Very small numbers as powers of ten. The text is constant too. */
export const SMALL_LABELS = "datum.value < 0.001 ? format(datum.value, '~e') : format(datum.value, '.6~g')";

/** The round steps of an axis from `low` to `high`: multiples of 1, 2 or 5. */
export function niceTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * ([1, 2, 5, 10].find((each) => span / (each * power) <= count) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** 1, 2 and 5 times each power of ten; over many powers, only the powers. */
function logTicks(low: number, high: number, count: number): number[] {
  const decades = Math.log10(high / low);
  if (decades < 0.6) return niceTicks(low, high, count);
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(decades) + 2 }, (_, index) => first + index);
  const every = Math.max(1, Math.ceil(decades / 8));
  const factors = decades < 2.5 ? [1, 2, 5] : [1];
  const ticks = powers.filter((power) => power % every === 0).flatMap((power) => factors.map((factor) => factor * 10 ** power));
  return ticks.map((tick) => Number(tick.toPrecision(3))).filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
}

/** The least and the greatest of the values, of which there may be more than a call takes arguments. */
export function rangeOf(values: readonly number[]): readonly [least: number, greatest: number] {
  const least = values.reduce((before, value) => Math.min(before, value), Number.POSITIVE_INFINITY);
  return [least, values.reduce((before, value) => Math.max(before, value), Number.NEGATIVE_INFINITY)];
}

/** An axis that spans its values, with a little room at both ends. */
export class NumericAxis {
  readonly kind: AxisKind;
  readonly domain: readonly [low: number, high: number];
  readonly ticks: readonly number[];
  private readonly length: number;

  constructor(values: readonly number[], { length, kind = 'linear', padding = 0.04, zero = false, count = 6 }: NumericAxisOptions) {
    const usable = values.filter((value) => Number.isFinite(value) && (kind === 'linear' || value > 0));
    const all = zero && kind === 'linear' ? [...usable, 0] : usable;
    const [least, most] = all.length > 0 ? rangeOf(all) : [1, 2];
    const [low, high] = least === most ? apart(least, kind) : [least, most];
    this.kind = kind;
    this.length = length;
    if (kind === 'log') {
      const room = (high / low) ** padding;
      this.domain = [low / room, high * room];
      this.ticks = logTicks(...this.domain, count);
    } else {
      const room = (high - low) * padding;
      const isAtZero = least >= 0 && (zero || low - room < 0);
      this.domain = [isAtZero ? 0 : low - room, most <= 0 && high + room > 0 ? 0 : high + room];
      const ticks = niceTicks(...this.domain, count);
      const whole = ticks.filter(Number.isInteger); // between 3 and 4 layers there is none
      this.ticks = all.every(Number.isInteger) && whole.length > 1 ? whole : ticks;
    }
  }

  /** The position of a value in pixels from the low end. */
  pixel(value: number): number {
    const [low, high] = this.domain;
    const share = this.kind === 'log' ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return share * this.length;
  }

  get scale() {
    return { type: this.kind, domain: this.domain, nice: false, ...(this.kind === 'linear' ? { zero: false } : {}) };
  }

  /** The property `axis` of an encoding. */
  get axis() {
    const isLarge = Math.max(...this.ticks.map(Math.abs)) >= 1e4;
    const isSmall = this.kind === 'log' && Math.min(...this.ticks) < 1e-3;
    const labels = isLarge ? { labelExpr: COUNT_LABELS } : isSmall ? { labelExpr: SMALL_LABELS } : { format: '.6~g' };
    return { values: this.ticks, labelOverlap: 'greedy', ...labels };
  }

  encoding(field: string, title: string, axis: object = {}) {
    return { field, type: 'quantitative', title, scale: this.scale, axis: { ...this.axis, ...axis } };
  }
}

function apart(value: number, kind: AxisKind): [low: number, high: number] {
  if (kind === 'log') return [value / 2, value * 2];
  const room = Math.abs(value) / 2 || 1;
  return [value - room, value + room];
}
