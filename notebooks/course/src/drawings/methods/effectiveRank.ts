import { box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL, WIDTH } from '../kit/shapes';

const COUNT = 8;
const SPECTRA = [
  { name: 'one direction', values: Array.from({ length: COUNT }, (_, i) => (i === 0 ? 1 : 0)) },
  { name: 'each half the last', values: Array.from({ length: COUNT }, (_, i) => 2 ** -i) },
  { name: 'all alike', values: Array.from({ length: COUNT }, () => 1) },
] as const;
const [BASE, HIGH] = [200, 100];
const COLUMN = (WIDTH - 2 * MARGIN) / SPECTRA.length;

/** The effective rank of three sets of singular values. */
export function effectiveRank(): Drawing {
  const ranks = SPECTRA.map(({ name, values }) => ({ name, rank: participation(values).toFixed(1) }));
  return {
    title: 'How many directions an update uses',
    description:
      `Three updates of rank ${COUNT} by their singular values, as bars. The effective rank is ` +
      `${ranks.map(({ name, rank }) => `${rank} for ${name}`).join(', ')}.`,
    height: BASE + 74,
    shapes: [
      heading('How many directions does an update use?'),
      ...note(MARGIN, 58, [`${COUNT} singular values each, the largest first.`]),
      ...SPECTRA.flatMap(({ name, values }, index) => spectrum(MARGIN + index * COLUMN, name, values)),
    ],
  };
}

function spectrum(left: number, name: string, values: readonly number[]): Shape[] {
  const [step, width] = [18, 13];
  const middle = left + (COUNT * step) / 2;
  return [
    ...values.flatMap((value, i) => {
      const height = Math.max(1.5, HIGH * value); // a line for what is next to nothing
      return box({ x: left + i * step, y: BASE - height, width, height }, [], { tone: 'lora', look: 'solid', radius: 0 });
    }),
    text(middle, BASE + 24, name, { anchor: 'middle', size: SMALL, tone: 'soft' }),
    text(middle, BASE + 48, `effective rank ${participation(values).toFixed(1)}`, { anchor: 'middle', size: SMALL, isBold: true }),
  ];
}

/** (Σσ²)² / Σσ⁴ */
function participation(values: readonly number[]): number {
  const sum = (power: number) => values.reduce((total, value) => total + value ** power, 0);
  return sum(2) ** 2 / sum(4);
}
