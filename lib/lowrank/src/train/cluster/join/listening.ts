/** Chooses the machine's addresses on which a worker's server listens: those of its own name in the cluster. */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import os from 'node:os';

/** The addresses, or the reason why the server listens on all. */
export interface Listening {
  /** Numeric addresses; an empty list means all. */
  readonly addresses: readonly string[];
  /** Why it listens on all. */
  readonly reason?: string;
}

/** A filter takes this many addresses, more than a machine has under one name. */
const MOST = 16;

/** For a host, by its name or address in the cluster's description. Rejects if no name server knows it. */
export async function listeningOf(host: string, addressesOf = addressesByName): Promise<Listening> {
  const found = isIP(host) ? [host] : await addressesOf(host);
  const list = found.join(', ');
  const own = found.filter((address) => isLocal(address));
  if (own.length === 0) return all(`${named(host, list)} is no address of this machine`);
  if (own.length > MOST) return all(`${host} stands for ${own.length} addresses`);
  const isSeenElsewhere = isIP(host) || /^(?:.*\.)?localhost$/.test(host) || !own.every((address) => isLoopback(address));
  // Debian gives a machine's own name an address that only the machine itself can use.
  if (!isSeenElsewhere) return all(`${named(host, list)} is an address that other machines cannot use`);
  return { addresses: own };
}

async function addressesByName(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function all(reason: string): Listening {
  return { addresses: [], reason };
}

function named(host: string, list: string): string {
  return host === list ? host : `${host} (${list})`;
}

function isLocal(address: string): boolean {
  if (isLoopback(address)) return true;
  const own = new BlockList();
  for (const each of Object.values(os.networkInterfaces()).flat()) if (each) own.addAddress(each.address, familyOf(each.address));
  return own.check(address, familyOf(address));
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8);
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(address, familyOf(address));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
