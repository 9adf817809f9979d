/** One case of the fuzzing: a format and a seed, and what of the input matters where it fails. */
import type { Format, OpenFormat } from './formats.ts';
import { Draw, mutated } from './mutate.ts';
import { type Outcome, tryInput } from './tryInput.ts';

/** The input of a seed; each format draws differently. */
export function inputOf({ name, form, seeds }: Format, seed: number): Buffer {
  const ofFormat = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 2 ** 20, 7);
  return mutated(form, seeds, new Draw(ofFormat * 2 ** 12 + seed));
}

const MOST_TRIES = 300;

/** A smaller input with a fault: parts are left out as long as one shows (delta debugging, Zeller 1999, without its complements). */
export async function minimised(format: OpenFormat, input: Buffer): Promise<{ readonly input: Buffer; readonly outcome: Outcome }> {
  let smallest = input;
  let outcome = await tryInput(format, input);
  let tries = 0;
  for (
    let size = Math.ceil(input.length / 2);
    size >= 1 && outcome.kind === 'fault' && outcome.ms < 500;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < smallest.length && tries < MOST_TRIES; tries++) {
      const shorter = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      const tried = await tryInput(format, shorter);
      if (tried.kind === 'fault') [smallest, outcome] = [shorter, tried];
      else at += size;
    }
  }
  return { input: smallest, outcome };
}
