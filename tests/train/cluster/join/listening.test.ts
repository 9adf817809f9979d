import fs from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { listeningOf } from '../../../../lib/lowrank/src/train/cluster/join/listening';
import { freePorts, start } from '../workers';

vi.setConfig({ hookTimeout: 300_000 }); // the second half starts several processes

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

describe.skipIf(!built)('workers that train', () => {
  const other = hasIpv6 ? '::1' : '127.0.0.3';
  const names = ['127.0.0.1', hasIpv6 ? '[::1]' : other, '127.1'];
  let warned: (string | undefined)[];
  let heard: Record<'there' | 'elsewhere' | 'everywhere', boolean[]>;

  beforeAll(async () => {
    const ports = await freePorts(names.length);
    const worker = ports.map((port, rank) => `${names[rank]}:${port}`);
    const workers = worker.map((_, index) =>
      start(
        { kind: 'bigram', compile: false, steps: 1000, rest: 20 },
        { TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } }) },
      ),
    );
    const [first = 0, second = 0, third = 0] = ports;
    const ask = (patience: number, ...addresses: [string, number][]) =>
      Promise.all(addresses.map(([host, port]) => hears(host, port, patience)));
    try {
      await Promise.all(workers.map(({ reached, ended }) => Promise.race([reached(1), ended])));
      heard = {
        there: await ask(60_000, ['127.0.0.1', first], [other, second]),
        elsewhere: await ask(1000, ['127.0.0.2', first], [other, first], ['127.0.0.1', second]),
        everywhere: await ask(60_000, ['127.0.0.1', third], ['127.0.0.2', third]),
      };
      expect(workers.map(({ process: child }) => child.exitCode)).toEqual([null, null, null]);
    } finally {
      for (const { process: child } of workers) child.kill('SIGKILL');
    }
    warned = (await Promise.all(workers.map(({ ended }) => ended))).map((ended) => ended.warned);
  });

  test('by an address of IPv4 and one of IPv6 are heard there, and nowhere else', () => {
    expect(heard.there).toEqual([true, true]);
    expect(heard.elsewhere).toEqual([false, false, false]);
    for (const said of warned.slice(0, 2)) expect(said).not.toMatch(/listens on all/);
  });

  test('are heard everywhere under a name that other machines would not find, and say so once', () => {
    expect(heard.everywhere).toEqual([true, true]);
    const reason = '127.1 (127.0.0.1) is an address that other machines cannot use';
    expect(warned[2]?.match(/worker 2 listens on all addresses of its machine: ([^;]*);/g)).toEqual([
      `worker 2 listens on all addresses of its machine: ${reason};`,
    ]);
  });
});
