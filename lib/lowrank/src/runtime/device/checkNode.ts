/** Refuses a Node that this library is not made for, before anything else can fail in it. */
import process from 'node:process';
import { ownPackage } from '../ownPackage';
import { SetupError } from '../setupError';

/** @throws SetupError with the version that runs, the one that is needed, and where to find it. */
export function checkNode(version: string = process.versions.node): void {
  const { engines } = ownPackage();
  const [, first = '', end = ''] = /^>=([\d.]+) <(\d+)$/.exec(engines.node) ?? [];
  if (!isBefore(version, first) && isBefore(version, end)) return;
  throw new SetupError(
    `this is Node ${version} (${process.execPath}); lowrank needs Node ${first} or newer, and older than ${end}. A checkout has one: run \`make setup\`, then \`export PATH=$PWD/.venv/bin:$PATH\`. In a project, install Node ${Number.parseInt(first, 10)} from nodejs.org or with a version manager`,
  );
}

/** By numbers; what a version leaves out is 0. */
function isBefore(version: string, other: string): boolean {
  const [own, theirs] = [version, other].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  const at = [0, 1, 2].find((index) => (own?.[index] ?? 0) !== (theirs?.[index] ?? 0));
  return at !== undefined && (own?.[at] ?? 0) < (theirs?.[at] ?? 0);
}
