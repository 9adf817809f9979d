import fs from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import { listeningOf } from '../../../../lib/lowrank/src/train/cluster/join/listening';
import { freePorts, type Running, start } from '../workers';

vi.setConfig({ testTimeout: 300_000 }); // tests of the second half start several processes

const hasIpv6 = Object.values(os.networkInterfaces()).some((each) => each?.some(({ address }) => address === '::1'));
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

describe('a worker listens on', () => {
  const standsFor = (addresses: string[]) => async () => addresses;
  const [own] = Object.values(os.networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal }) => !internal);

  test('the address that names it, where the machine has it', async () => {
    for (const address of ['127.0.0.1', '::1', own?.address ?? '127.0.0.3'])
      expect(await listeningOf(address)).toEqual({ addresses: [address] });
  });

  test('those of the addresses behind its name that the machine has', async () => {
    expect(await listeningOf('localhost', standsFor(['127.0.0.1', '::1']))).toEqual({ addresses: ['127.0.0.1', '::1'] });
    expect(await listeningOf('a.localhost', standsFor(['203.0.113.77', '127.0.0.1']))).toEqual({ addresses: ['127.0.0.1'] });
  });

  test("all addresses, where that address is not the machine's own", async () => {
    expect(await listeningOf('203.0.113.77')).toEqual({ addresses: [], reason: '203.0.113.77 is no address of this machine' });
    expect((await listeningOf('node1', standsFor(['203.0.113.77', '203.0.113.78']))).reason).toBe(
      'node1 (203.0.113.77, 203.0.113.78) is no address of this machine',
    );
  });

  test('all addresses, where its name means another address to other machines', async () => {
    const { addresses, reason } = await listeningOf('node1', standsFor(['127.0.1.1']));
    expect([addresses, reason]).toEqual([[], 'node1 (127.0.1.1) is an address that other machines cannot use']);
  });
});

/** Whether somebody who connects to this address is heard. Without a filter the kernel answers at once. */
function hears(host: string, port: number, patience: number): Promise<boolean> {
  return new Promise((tell) => {
    const socket = connect({ host, port, timeout: patience });
    const end = (heard: boolean) => {
      socket.destroy();
      tell(heard);
    };
    socket.on('connect', () => end(true));
    for (const event of ['error', 'timeout']) socket.on(event, () => end(false));
  });
}

/** Two workers under these names that train for as long as they are asked, and their ports. */
async function twoWorkers(hosts: readonly [string, string], ask: (ports: readonly number[]) => Promise<void>): Promise<Running[]> {
  const ports = await freePorts(2);
  const worker = ports.map((port, rank) => `${hosts[rank]}:${port}`);
  const workers = worker.map((_, index) =>
    start({ steps: 1000, rest: 20 }, { TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } }) }),
  );
  try {
    await Promise.all(workers.map(({ reached, ended }) => Promise.race([reached(1), ended])));
    await ask(ports);
    expect(workers.map(({ process: child }) => child.exitCode)).toEqual([null, null]);
  } finally {
    for (const { process: child } of workers) child.kill('SIGKILL');
  }
  return workers;
}

describe.skipIf(!built)('two workers that train', () => {
  test('by an address of IPv4 and one of IPv6 are heard there, and nowhere else', async () => {
    const other = hasIpv6 ? '::1' : '127.0.0.3';
    const workers = await twoWorkers(['127.0.0.1', hasIpv6 ? '[::1]' : other], async ([first = 0, second = 0]) => {
      expect(await Promise.all([hears('127.0.0.1', first, 60_000), hears(other, second, 60_000)])).toEqual([true, true]);
      const elsewhere = [
        ['127.0.0.2', first],
        [other, first],
        ['127.0.0.1', second],
      ] as const;
      expect(await Promise.all(elsewhere.map(([host, port]) => hears(host, port, 1000)))).toEqual([false, false, false]);
    });
    for (const { ended } of workers) expect((await ended).warned).not.toMatch(/listens on all/);
  });

  test('are heard everywhere under a name that other machines would not find, and say so once', async () => {
    const workers = await twoWorkers(['127.0.0.1', '127.1'], async ([first = 0, second = 0]) => {
      expect(await Promise.all([hears('127.0.0.2', first, 1000), hears('127.0.0.2', second, 60_000)])).toEqual([false, true]);
    });
    const [first, second] = await Promise.all(workers.map(({ ended }) => ended));
    expect(first?.warned).not.toMatch(/listens on all/);
    const reason = '127.1 (127.0.0.1) is an address that other machines cannot use';
    expect(second?.warned.match(/worker 1 listens on all addresses of its machine: ([^;]*);/g)).toEqual([
      `worker 1 listens on all addresses of its machine: ${reason};`,
    ]);
  });
});
