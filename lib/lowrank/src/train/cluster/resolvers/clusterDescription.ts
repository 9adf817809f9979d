/** The facts that a process needs about its cluster before it can join. */

import { ArgumentError } from '../../../runtime';
import { checkWhole } from '../../../runtime/checks/checkWhole';

/** A cluster as one of its workers sees it. */
export interface ClusterDescription {
  /** The number of this worker, from 0. */
  readonly rank: number;
  /** How many workers there are. */
  readonly size: number;
  /** The address of worker 0, `host:port`. */
  readonly leader: string;
  /** The addresses of all workers by rank, if they are known in advance; otherwise the workers exchange them through worker 0. */
  readonly workers?: readonly string[];
}

/** A cluster as a caller describes it: the addresses of all workers, and the number of this one. */
export interface ExplicitCluster {
  /** `host:port` of each worker, the same list in every process. */
  readonly workers: readonly string[];
  /** The number of this worker, from 0. */
  readonly rank: number;
}

/**
 * A cluster whose addresses are all known.
 *
 * @param source - what says so, for messages
 * @throws ArgumentError when an address is none or occurs twice, or the rank is not one of them.
 */
export function describedBy(source: string, { workers, rank }: ExplicitCluster): ClusterDescription {
  if (workers.length === 0) throw new ArgumentError(`${source} names no worker`);
  for (const address of workers) checkAddress(source, address);
  const twice = workers.find((address, index) => workers.indexOf(address) !== index);
  if (twice !== undefined) throw new ArgumentError(`${source} names ${twice} twice: every worker needs an address of its own`);
  checkRank(source, rank, workers.length);
  return { rank, size: workers.length, leader: workers[0] as string, workers };
}

/**
 * A cluster of which worker 0's address alone is known: the workers exchange the others.
 *
 * @param variables - what names the address, for messages
 * @throws ArgumentError when the address is none, or the rank is not one of the workers.
 */
export function ledBy(source: string, variables: string, cluster: ClusterDescription): ClusterDescription {
  checkRank(source, cluster.rank, cluster.size);
  checkAddress(variables, cluster.leader);
  return cluster;
}

/** More than any job has: a list of so many addresses would fill the memory. */
const MOST_WORKERS = 65_536;

/** @throws ArgumentError unless the rank is one of `size` workers. */
export function checkRank(source: string, rank: number, size: number): void {
  checkWhole(`${source}: the number of workers`, size);
  if (size > MOST_WORKERS) throw new ArgumentError(`${source}: ${size} workers are more than the ${MOST_WORKERS} that can be joined`);
  if (!Number.isSafeInteger(rank) || rank < 0 || rank >= size)
    throw new ArgumentError(`${source}: rank ${rank} is none of ${size} workers, which are 0 to ${size - 1}`);
}

/** The parts of a checked address; the brackets around an address of IPv6 are left out. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/** @throws ArgumentError unless it is `host:port`. */
function checkAddress(source: string, address: string): void {
  const port = Number(/^(?:[\w.-]+|\[[0-9a-f:.]+\]):(\d{1,5})$/i.exec(address)?.[1]);
  if (port >= 1 && port <= 65535) return;
  throw new ArgumentError(`${source}: '${address}' is not an address of the form host:port`);
}
