import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hasNamespaces, type TwoHosts, twoHosts } from './namespaces';
import { type Part, runPart } from './part';
import { difference, start } from './workers';

vi.setConfig({ testTimeout: 300_000 }); // each test starts several processes

const isPossible = fs.existsSync('lib/lowrank/dist/index.js') && hasNamespaces();

describe.skipIf(!isPossible)('workers on two hosts', () => {
  let hosts: TwoHosts | undefined;
  afterEach(() => {
    hosts?.remove();
    hosts = undefined;
  });

  const launch = (made: TwoHosts, parts: readonly Part[]) =>
    [0, 1].map((rank) => {
      const place = { RANK: `${rank}`, WORLD_SIZE: '2', MASTER_ADDR: made.addresses[0], MASTER_PORT: '29500' };
      return start(parts, place, made.command(rank));
    });

  /** Whether somebody on a host who connects to an address of the first worker is heard. Without a filter the kernel answers at once. */
  const hears = (made: TwoHosts, host: number, address: string, patience = 60_000) => {
    const [program = '', ...words] = made.command(host);
    const attempt = `require('net').connect(29500, '${address}').on('connect', () => process.exit(0)).on('error', () => process.exit(1));
      setTimeout(() => process.exit(1), ${patience})`;
    return spawnSync(program, [...words, '-e', attempt]).status === 0;
  };

  test('find each other by the address of the first, do what one process does over a bad network, and name each other within the time-out when it is cut', async () => {
    hosts = twoHosts();
    hosts.disturb('delay 10ms 5ms loss 2%'); // where the kernel can
    const workers = launch(hosts, [
      { steps: 4, timeout: 12 },
      { rest: 50, steps: 10_000 },
    ]);
    const whole = await runPart({ steps: 4 });
    await Promise.all(workers.map((worker) => worker.reached(3, 1)));
    // the first worker is heard on the address that names it, from both hosts, and not on the loopback address of its own
    const [named] = hosts.addresses;
    expect([hears(hosts, 1, named), hears(hosts, 0, named), hears(hosts, 0, '127.0.0.1', 2000)]).toEqual([true, true, false]);
    hosts.cut();
    const at = performance.now();
    const ended = await Promise.all(workers.map(({ ended: end }) => end));
    expect((performance.now() - at) / 1000).toBeLessThan(60);
    for (const { runs } of ended) {
      expect(runs[0]?.error).toBeUndefined();
      expect(difference(runs[0]?.done, whole)).toBeLessThan(1e-6);
    }
    expect(ended[0]?.error?.message).toMatch(/lost worker 1 \(10\.213\.77\.2:\d+\): no (heartbeat|answer)/);
    expect(ended[1]?.error?.message).toMatch(/lost worker 0 \(10\.213\.77\.1:29500\): no answer/);
  });
});
