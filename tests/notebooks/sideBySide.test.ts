import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';

const folder = temporaryFolder();

/** Notebooks that say how much memory they need, in GB; those named `alone…` measure times. */
function notebooks(memory: Readonly<Record<string, number>>): string[] {
  return Object.entries(memory).map(([name, gigabytes]) => {
    const head = { cell_type: 'markdown', metadata: {}, source: [`# ${name}\n`, `**Needs:** 02 · **Memory:** ${gigabytes} GB`] };
    const file = folder(`${name}.ipynb`);
    writeFileSync(file, JSON.stringify({ cells: [head], metadata: name.startsWith('alone') ? { lowrank: { alone: true } } : {} }));
    return file;
  });
}

/** Runs them where so much memory is free, and says in which order they began, and beside which others. */
function begun(paths: readonly string[], free: number, atOnce = 2): string[] {
  const script = `
import sys, threading
sys.path.insert(0, ${JSON.stringify(resolve('tests/notebooks'))})
import sideBySide
from pathlib import Path
sideBySide.available = lambda: ${free}
lanes = sideBySide.SideBySide([Path(name) for name in sys.argv[1:]], ${atOnce})
lock, running, short_ones_ended = threading.Lock(), set(), threading.Event()
short = [Path(name).stem for name in sys.argv[1:] if not Path(name).stem.startswith(("long", "alone"))]
def work(path):
    with lock:
        print(path.stem, "beside", *(sorted(running) or ["nothing"]), flush=True)
        running.add(path.stem)
    if path.stem.startswith("long"):
        short_ones_ended.wait(0.5)
    with lock:
        running.discard(path.stem)
        if path.stem in short:
            short.remove(path.stem)
        if not short:
            short_ones_ended.set()
    if path.stem.startswith("wrong"):
        raise ValueError(path.stem + " failed")
try:
    lanes.run(work)
except ValueError as error:
    print(error)
`;
  return execFileSync('python3', ['-c', script, ...paths], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

test('two notebooks run side by side, and one that measures times runs by itself at the end', () => {
  const said = begun(notebooks({ alone: 1, long1: 2, b: 2, c: 2 }), 16);
  expect(said).toEqual(['long1 beside nothing', 'b beside long1', 'c beside long1', 'alone beside nothing']);
});

test('they run one after the other where their memory together is not there, or one at a time is asked for', () => {
  const paths = notebooks({ long1: 4, long2: 4, c: 1 });
  expect(begun(paths, 8)).toEqual(['long1 beside nothing', 'long2 beside nothing', 'c beside long2']);
  expect(begun(paths, 16, 1)).toEqual(['long1 beside nothing', 'long2 beside nothing', 'c beside nothing']);
});

test('after a failure nothing more begins, and what failed is told', () => {
  expect(begun(notebooks({ long1: 1, wrong: 1, c: 1 }), 16)).toEqual(['long1 beside nothing', 'wrong beside long1', 'wrong failed']);
});
