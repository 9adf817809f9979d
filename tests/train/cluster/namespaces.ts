/** Hosts of a network of the test's own: namespaces of this machine that are joined by pairs of virtual cables. */
import { execFileSync } from 'node:child_process';

const ip = (words: string) => execFileSync('ip', words.split(' '), { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

/** Two hosts and the cable between them. */
export interface TwoHosts {
  readonly addresses: readonly [string, string];
  /** What a command on a host begins with. */
  command(host: number): string[];
  /** Makes the cable lose and delay packets; false where the kernel cannot. */
  disturb(how: string): boolean;
  /** Cuts the cable: no packet arrives, and nobody is told. */
  cut(): void;
  remove(): void;
}

/** Whether this process may make namespaces. */
export function hasNamespaces(): boolean {
  const name = `lr-${process.pid}-try`;
  try {
    ip(`netns add ${name}`);
    ip(`netns del ${name}`);
    return true;
  } catch {
    return false;
  }
}

export function twoHosts(): TwoHosts {
  const names = [0, 1].map((host) => `lr-${process.pid}-${host}`) as [string, string];
  const addresses: [string, string] = ['10.213.77.1', '10.213.77.2'];
  for (const name of names) ip(`netns add ${name}`);
  ip(`link add cable0 netns ${names[0]} type veth peer name cable1 netns ${names[1]}`);
  for (const [host, name] of names.entries()) {
    ip(`-n ${name} addr add ${addresses[host]}/24 dev cable${host}`);
    ip(`-n ${name} link set cable${host} up`);
    ip(`-n ${name} link set lo up`);
  }
  return {
    addresses,
    command: (host) => ['ip', 'netns', 'exec', names[host] ?? '', 'node'],
    disturb: (how) => {
      try {
        for (const [host, name] of names.entries()) ip(`netns exec ${name} tc qdisc add dev cable${host} root netem ${how}`);
        return true;
      } catch {
        return false;
      }
    },
    // An address that the other one no longer has: packets leave and are dropped, and no connection is reset.
    cut: () => {
      for (const [host, name] of names.entries())
        ip(`netns exec ${name} ip neigh replace ${addresses[1 - host]} lladdr 02:00:00:00:00:0${host} dev cable${host} nud permanent`);
    },
    remove: () => {
      for (const name of names) ip(`netns del ${name}`);
    },
  };
}
