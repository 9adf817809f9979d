import fc from 'fast-check';
import { ArgumentError, constantSchedule, cosineSchedule, linearSchedule, type Schedule } from 'lowrank';
import { expect, test } from 'vitest';
import golden from '../../golden/adamw.json';

const { peak, warmupSteps, schedules } = golden;
const totalSteps = golden.steps.length;

const pairs: [string, Schedule, number[]][] = [
  ['cosine', cosineSchedule({ peak, warmupSteps, totalSteps }), schedules.cosine],
  ['linear', linearSchedule({ peak, warmupSteps, totalSteps }), schedules.linear],
  ['constant', constantSchedule({ peak, warmupSteps }), schedules.constant],
];

test.each(pairs)('the %s schedule equals that of transformers', (_, schedule, expected) => {
  for (const [step, rate] of expected.entries()) expect(schedule(step)).toBeCloseTo(rate, 12);
});

test('a schedule climbs, comes down to its floor and stays there', () => {
  const counts = fc.record({
    warmupSteps: fc.nat(50),
    rest: fc.integer({ min: 1, max: 200 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(counts, ({ warmupSteps, rest, share }) => {
      const totalSteps = warmupSteps + rest;
      const floor = share * 0.1;
      for (const schedule of [cosineSchedule, linearSchedule]) {
        const rate = schedule({ peak: 0.1, warmupSteps, totalSteps, floor });
        for (let step = 1; step <= warmupSteps; step++) expect(rate(step)).toBeGreaterThan(rate(step - 1));
        expect(rate(warmupSteps)).toBeCloseTo(0.1, 12);
        for (let step = warmupSteps + 1; step <= totalSteps; step++) expect(rate(step)).toBeLessThanOrEqual(rate(step - 1));
        expect(rate(totalSteps)).toBeCloseTo(floor, 12);
        expect(rate(totalSteps + 1000)).toBeCloseTo(floor, 12);
      }
    }),
  );
});

test.each([
  { peak: -1, totalSteps: 10 },
  { peak: 1, totalSteps: 10, warmupSteps: 11 },
  { peak: 1, totalSteps: 1.5 },
  { peak: 1, totalSteps: 10, floor: 2 },
  { peak: Number.NaN, totalSteps: 10 },
])('%o is refused', (options) => {
  expect(() => cosineSchedule(options)).toThrow(ArgumentError);
});
