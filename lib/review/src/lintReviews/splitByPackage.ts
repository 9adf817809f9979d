/** Divides the examples into parts that have no package in common. */
import { shuffled } from 'lowrank/internal';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import { textHash } from './packageSources';

interface SplitOptions {
  readonly seed: number;
  /** Maximum findings per rule in the training part; the other two get a tenth of it. */
  readonly maxPerRule: number;
}

const heldOutShare = 0.1;
const largestHeldOutPackage = 0.05; // of all findings; the habits of one package must not decide a score

/**
 * Splits examples by package, with about a tenth of the findings each for validation and test. Each rule is capped, with packages taking
 * turns, and each part gets as many hunks without a finding as with one.
 */
export function splitByPackage(examples: readonly ReviewExample[], { seed, maxPerRule }: SplitOptions): ReviewSplits {
  const partOf = partsOfPackages(examples, seed);
  const seen = new Set<string>();
  const part = (name: keyof ReviewSplits, limit: number) => {
    const own = examples.filter((example) => partOf.get(packageOf(example)) === name);
    const unseen = own.filter((example) => isFirst(seen, normalizedHunk(example)));
    return shuffled(balanced(unseen, limit, seed), seed);
  };
  const heldOut = Math.ceil(maxPerRule * heldOutShare);
  // Test comes first: a hunk that also occurs elsewhere stays in the part that measures.
  const test = part('test', heldOut);
  const validation = part('validation', heldOut);
  return { train: part('train', maxPerRule), validation, test };
}

/** The code of a hunk with every run of white space replaced by one blank. Hunks with equal results count as equal. */
export function normalizedHunk({ code = '' }: ReviewExample): string {
  return code.replace(/\s+/g, ' ').trim();
}

function partsOfPackages(examples: readonly ReviewExample[], seed: number): Map<string, keyof ReviewSplits> {
  const sizes = new Map<string, number>();
  for (const example of examples) {
    const size = sizes.get(packageOf(example)) ?? 0;
    sizes.set(packageOf(example), size + (example.needsReview ? 1 : 0));
  }
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const parts = new Map<string, keyof ReviewSplits>();
  let [test, validation] = [0, 0];
  for (const name of inDrawnOrder([...sizes.keys()], (key) => key, seed)) {
    const size = sizes.get(name) ?? 0;
    if (size > largestHeldOutPackage * total) parts.set(name, 'train');
    else if (test < heldOutShare * total) {
      parts.set(name, 'test');
      test += size;
    } else if (validation < heldOutShare * total) {
      parts.set(name, 'validation');
      validation += size;
    } else parts.set(name, 'train');
  }
  return parts;
}

function balanced(examples: readonly ReviewExample[], maxPerRule: number, seed: number): ReviewExample[] {
  const byRule = new Map<string | undefined, ReviewExample[]>();
  for (const example of examples) {
    const rule = example.origin?.rule;
    byRule.set(rule, [...(byRule.get(rule) ?? []), example]);
  }
  const clean = byRule.get(undefined) ?? [];
  byRule.delete(undefined);
  const findings = [...byRule.values()].flatMap((ofRule) => packagesInTurn(ofRule, seed).slice(0, maxPerRule));
  return [...findings, ...packagesInTurn(clean, seed).slice(0, findings.length)];
}

/** One example of each package, then a second of each, and so on. */
function packagesInTurn(examples: readonly ReviewExample[], seed: number): ReviewExample[] {
  const taken = new Map<string, number>();
  const rounds: ReviewExample[][] = [];
  for (const example of inDrawnOrder(examples, (each) => each.id, seed)) {
    const round = taken.get(packageOf(example)) ?? 0;
    taken.set(packageOf(example), round + 1);
    rounds[round] = [...(rounds[round] ?? []), example];
  }
  return rounds.flat();
}

/** An order drawn from the seed and the names. Adding or removing an item keeps the order of the others. */
function inDrawnOrder<T>(items: readonly T[], name: (item: T) => string, seed: number): T[] {
  return items
    .map((item) => ({ item, name: name(item), rank: textHash(`${seed}\n${name(item)}`) }))
    .sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1))
    .map(({ item }) => item);
}

function packageOf(example: ReviewExample): string {
  return example.origin?.package ?? '';
}

function isFirst(seen: Set<string>, key: string): boolean {
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}
