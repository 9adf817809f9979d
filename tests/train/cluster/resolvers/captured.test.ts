import { findCluster } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { CAPTURED, DOCUMENTED, DOCUMENTED_REFUSED, NO_WORKERS, PLANE } from './captured';

describe.each([
  ['a real run', CAPTURED],
  ['a documented job', DOCUMENTED],
])('every task of %s is a worker of the same cluster', (_kind, runs) => {
  test.each(Object.entries(runs))('%s', (_, { shared, tasks, leader, workers }) => {
    const found = tasks.map((own) => findCluster({ ...shared, ...own }));
    const first = Number(found[0]?.leader.split(':')[1]);
    // a port that follows from the job's name may be any, but the ones beside it are counted from it
    const counted = (address: string) =>
      leader.endsWith(':0') ? address.replace(/\d+$/, (port) => String(Number(port) - first)) : address;
    for (const [rank, each] of found.entries()) {
      expect([each?.rank, each?.size, counted(each?.leader ?? ''), each?.workers?.map(counted)]).toEqual([
        rank,
        tasks.length,
        leader,
        workers,
      ]);
    }
    expect(new Set(found.map((each) => each?.leader)).size).toBe(1);
    expect(new Set(found.map((each) => each?.source)).size).toBe(1);
  });
});

test.each(Object.entries(NO_WORKERS))('%s is no worker', (_, environment) => {
  expect(findCluster(environment)).toBeUndefined();
});

test.each(Object.entries(DOCUMENTED_REFUSED))('%s is refused', (_, [environment, message]) => {
  expect(() => findCluster(environment)).toThrow(message);
});

test('tasks dealt out in planes are refused', () => {
  expect(() => findCluster(PLANE)).toThrow("tasks are dealt out to nodes in the order 'plane': start srun with --distribution=block");
});
