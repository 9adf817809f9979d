import { box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL } from '../kit/shapes';
import { textWidth } from '../kit/textExtent';

const EXPECTED = 'use strict equality to compare the length with zero .'.split(' ');
const ANSWER = 'use strict equality to compare the values .'.split(' ');
const [LEFT, TOP, ROW] = [MARGIN + 62, 128, 36];

/** What BLEU counts: the runs of one to four words of an answer that the expected text has too. */
export function matchingRuns(): Drawing {
  const places = wordPlaces(ANSWER);
  const rows = [1, 2, 3, 4].map((n) => {
    const runs = runsOf(ANSWER, n);
    const expected = new Set(runsOf(EXPECTED, n));
    return { n, isMatching: runs.map((run) => expected.has(run)) };
  });
  const counts = rows.map(({ n, isMatching }) => `${isMatching.filter(Boolean).length} of ${isMatching.length} for n = ${n}`);
  return {
    title: 'BLEU counts the runs of words that match',
    description:
      `The answer "${ANSWER.join(' ')}" word by word. Below each word, a cell for each run of one to four words that begins there; it is ` +
      `filled where the expected text "${EXPECTED.join(' ')}" has the same run. Matching runs: ${counts.join(', ')}.`,
    height: TOP + 4 * ROW + 66,
    shapes: [
      heading('BLEU counts the runs of words that match'),
      ...note(MARGIN, 60, [`expected: ${EXPECTED.join(' ')}`]),
      text(MARGIN, TOP - 14, 'answer', { size: SMALL, tone: 'soft' }),
      ...places.map(({ middle }, i) => text(middle, TOP - 14, ANSWER[i] ?? '', { size: SMALL, anchor: 'middle' })),
      ...rows.flatMap(({ n, isMatching }) => cells(n, isMatching, places)),
      ...note(MARGIN, TOP + 4 * ROW + 28, [
        'A cell is a run of n words that begins at the word above it.',
        'Filled: the expected text has it too.',
      ]),
    ],
  };
}

interface WordPlace {
  readonly x: number;
  readonly width: number;
  readonly middle: number;
}

function wordPlaces(words: readonly string[]): WordPlace[] {
  let x = LEFT;
  return words.map((content) => {
    const width = textWidth({ content, size: SMALL, isBold: false, isMono: false }) + 8;
    const place = { x, width, middle: x + width / 2 };
    x += width;
    return place;
  });
}

function cells(n: number, isMatching: readonly boolean[], places: readonly WordPlace[]): Shape[] {
  const y = TOP + (n - 1) * ROW;
  const end = places.reduce((most, { x, width }) => Math.max(most, x + width), 0);
  return [
    text(MARGIN, y + 19, `n = ${n}`, { size: SMALL, tone: 'soft' }),
    ...isMatching.flatMap((matches, i) => {
      const { x = 0, width = 0 } = places[i] ?? {};
      return box({ x: x + 1, y, width: width - 2, height: 26 }, [], {
        tone: matches ? 'ink' : 'base',
        look: matches ? 'solid' : 'tint',
        radius: 2,
      });
    }),
    text(end + 10, y + 19, `${isMatching.filter(Boolean).length} of ${isMatching.length}`, { size: SMALL }),
  ];
}

function runsOf(words: readonly string[], n: number): string[] {
  return Array.from({ length: words.length - n + 1 }, (_, i) => words.slice(i, i + n).join(' '));
}
