/**
 * Learning rates as functions of the step; step 0 is the first update, as in PyTorch's LambdaLR and transformers' schedules.
 *
 * As there, a warm-up begins at rate 0, so its first update changes no weight; the rate of the last step, `totalSteps - 1`, is above the
 * floor.
 */
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';

/** The learning rate of an update; `step` counts the updates made before it. */
export type Schedule = (step: number) => number;

/** The options that all schedules share. */
export interface ScheduleOptions {
  /** The learning rate after the warm-up. */
  readonly peak: number;
  /** Number of updates during which the rate climbs: the first has rate 0, the one after the last has the peak. @defaultValue 0 */
  readonly warmupSteps?: number;
}

/** A schedule that decays to `floor` after the last update. */
export interface DecayOptions extends ScheduleOptions {
  /** Updates of the whole run, warm-up included. */
  readonly totalSteps: number;
  /** The rate at `totalSteps` and after it. @defaultValue 0 */
  readonly floor?: number;
}

/**
 * Warm-up, then half a cosine down to the floor: `floor + (peak − floor)·(1 + cos(π·p))/2`; p is the finished part of the decay.
 *
 * With floor 0, it equals transformers' `get_cosine_schedule_with_warmup` up to `totalSteps`; after that it stays at the floor, and theirs
 * climbs.
 *
 * @throws ArgumentError when a rate or a count is out of range.
 */
export function cosineSchedule(options: DecayOptions): Schedule {
  checkKnown('cosineSchedule', options, ['totalSteps', 'floor', 'peak', 'warmupSteps']);
  return decayingSchedule(options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
}

/**
 * Warm-up, then a straight line down to the floor; with floor 0 transformers' `get_linear_schedule_with_warmup`.
 *
 * @throws ArgumentError when a rate or a count is out of range.
 */
export function linearSchedule(options: DecayOptions): Schedule {
  checkKnown('linearSchedule', options, ['totalSteps', 'floor', 'peak', 'warmupSteps']);
  return decayingSchedule(options, (progress) => 1 - progress);
}

/**
 * Warm-up, then a constant rate: transformers' `get_constant_schedule_with_warmup`.
 *
 * @throws ArgumentError when a rate or a count is out of range.
 */
export function constantSchedule(options: ScheduleOptions): Schedule {
  checkKnown('constantSchedule', options, ['peak', 'warmupSteps']);
  const { peak, warmupSteps = 0 } = options;
  checkRate('peak', peak);
  checkWhole('warmupSteps', warmupSteps, 0);
  return (step) => (step < warmupSteps ? (peak * step) / warmupSteps : peak);
}

function decayingSchedule(
  { peak, warmupSteps = 0, totalSteps, floor = 0 }: DecayOptions,
  remaining: (progress: number) => number,
): Schedule {
  const warmUp = constantSchedule({ peak, warmupSteps });
  checkRate('floor', floor);
  checkWhole('totalSteps', totalSteps, 0);
  if (floor > peak) throw new ArgumentError(`floor ${floor} is above the peak ${peak}`);
  if (warmupSteps > totalSteps) throw new ArgumentError(`warmupSteps ${warmupSteps} is more than totalSteps ${totalSteps}`);
  return (step) => {
    if (step < warmupSteps) return warmUp(step);
    const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
    return floor + (peak - floor) * remaining(progress);
  };
}

function checkRate(name: string, rate: number): void {
  if (!(rate >= 0 && rate < Infinity)) throw new ArgumentError(`${name} ${rate} is not a learning rate: give a number from 0 up`);
}
