import { arrow, box, heading, note, text } from '../kit/draw';
import { type Drawing, MARGIN, type Shape, SMALL, WIDTH } from '../kit/shapes';

const WORKERS = 3;
const ROUNDS = 2 * (WORKERS - 1);
const PLACES = Array.from({ length: WORKERS }, (_, i) => i);
const [TOP, ROW, HIGH] = [128, 80, 34];
const [LEFT, CELL, STEP] = [112, 40, 150];

/** How many workers' gradients are in each part: `parts[worker][part]`. */
type Parts = readonly (readonly number[])[];

/** The rounds of a sum around a ring: equation 10.2. */
export function ringSum(): Drawing {
  const states = rounds();
  const title = `A sum around a ring: ${ROUNDS} rounds for ${WORKERS} workers`;
  return {
    title,
    description:
      `The gradients of each of ${WORKERS} workers are cut into ${WORKERS} parts. In each round every worker sends one part to the next worker. ` +
      `After ${WORKERS - 1} rounds each part is summed over all workers in one place. In ${WORKERS - 1} more rounds the sums are passed on, and ` +
      `every worker has all of them. Each has sent ${ROUNDS} parts, ${ROUNDS}/${WORKERS} of the bytes.`,
    height: TOP + states.length * ROW + 36,
    shapes: [
      heading(title),
      ...note(MARGIN, 58, [`Each cuts its gradients into ${WORKERS} parts, and sends one part a round.`]),
      ...note(MARGIN, 78, ['Number: how many workers are in a part. Filled: all of them.']),
      ...PLACES.map((worker) => text(leftOf(worker), TOP - 12, `Worker ${worker}`, { isBold: true })),
      ...states.flatMap((parts, round) => rowOf(parts, round)),
      ...PLACES.flatMap((worker) => Array.from({ length: ROUNDS }, (_, round) => sending(worker, round)).flat()),
      ...note(MARGIN, TOP + states.length * ROW - 12, [
        `N = ${WORKERS}: 2 (N − 1) = ${ROUNDS} rounds; each sends ${ROUNDS}/${WORKERS} of the bytes.`,
        'The first half of the rounds adds up, the second hands round.',
      ]),
    ],
  };
}

/** The part that a worker sends in a round: the one it got in the round before. */
function partSent(worker: number, round: number): number {
  return (worker - round + WORKERS * ROUNDS) % WORKERS;
}

/** The parts before the first round and after each. */
function rounds(): Parts[] {
  const states: Parts[] = [PLACES.map(() => PLACES.map(() => 1))];
  for (let round = 0; round < ROUNDS; round++) {
    const before = states[round] ?? [];
    const next = before.map((own) => [...own]);
    for (const worker of PLACES) {
      const part = partSent(worker, round);
      const [sent, to] = [before[worker]?.[part] ?? 0, next[(worker + 1) % WORKERS]];
      if (to) to[part] = sent === WORKERS ? WORKERS : (to[part] ?? 0) + sent;
    }
    states.push(next);
  }
  return states;
}

function leftOf(worker: number): number {
  return LEFT + worker * STEP;
}

function rowOf(parts: Parts, round: number): Shape[] {
  const y = TOP + round * ROW;
  return [
    text(MARGIN, y + 22, round === 0 ? 'start' : `round ${round}`, { size: SMALL, tone: 'soft' }),
    ...parts.flatMap((own, worker) =>
      own.flatMap((count, part) => {
        const place = { x: leftOf(worker) + part * CELL, y, width: CELL - 3, height: HIGH };
        const isWhole = count === WORKERS;
        return box(place, isWhole ? [] : [String(count)], { tone: 'lora', look: isWhole ? 'solid' : 'tint', radius: 0 });
      }),
    ),
  ];
}

/** One part on its way; from the last worker it leaves at the right and comes in at the left. */
function sending(worker: number, round: number): Shape[] {
  const part = partSent(worker, round);
  const [from, to] = [TOP + round * ROW + HIGH + 2, TOP + (round + 1) * ROW - 3];
  const x = leftOf(worker) + part * CELL + CELL / 2;
  if (worker < WORKERS - 1) return arrow([x, from, x + STEP, to], 'lora');
  const middle = (from + to) / 2;
  const end = leftOf(0) + part * CELL + CELL / 2;
  return [...arrow([x, from, WIDTH - 8, middle], 'lora'), ...arrow([LEFT - 30, middle, end, to], 'lora')];
}
