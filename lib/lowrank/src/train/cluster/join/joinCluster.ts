/** Makes this process a worker of a cluster. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArgumentError, deviceInfo, StateError } from '../../../runtime';
import { checkKnown } from '../../../runtime/checks/checkKnown';
import { checkOneOf } from '../../../runtime/checks/checkValues';
import { checkGiven } from '../../../runtime/checks/door';
import { reasonOf } from '../../../runtime/messages/reasonOf';
import { warn } from '../../../runtime/messages/warn';
import { Cluster } from '../cluster';
import { clusterBinding } from '../clusterBinding';
import type { Communication } from '../collectiveReduce';
import { type ClusterDescription, describedBy, type ExplicitCluster, hostAndPort } from '../resolvers/clusterDescription';
import { findCluster } from '../resolvers/findCluster';
import type { Environment } from '../resolvers/resolver';
import { WorkerLostError } from '../workerLostError';
import { freePorts } from './freePorts';
import { type Listening, listeningOf } from './listening';
import { serverDef, taskName, workersListed } from './serverDef';

/** How a worker joins, and how long it waits. */
export interface JoinOptions {
  /** The cluster. @defaultValue what the environment's variables describe; see `findCluster` */
  readonly cluster?: ExplicitCluster;
  /** @defaultValue `process.env` */
  readonly environment?: Environment;
  /** Seconds that a worker may let the others wait; it may be silent for a third of that, at most 20 s. @defaultValue 90 */
  readonly timeout?: number;
  /** Seconds to wait for the others at the start. @defaultValue 600 */
  readonly joinTimeout?: number;
  /** Called every second with the seconds spent waiting for the others. */
  readonly onWaiting?: (seconds: number) => void;
  /** How sums travel: through NCCL between GPUs, or through gRPC around a ring. @defaultValue 'auto': NCCL on GPUs, the ring on CPUs */
  readonly communication?: Communication | 'auto';
}

/** In milliseconds; see `timeout`. */
const LONGEST_SILENCE = 20_000;
/** Milliseconds that a worker waits for a name server to know its name. */
const LONGEST_NAMELESS = 30_000;

let joined: Cluster | undefined;

/**
 * Starts TensorFlow's server in this process and waits for the other workers. Call it before anything else: TensorFlow renames its devices then,
 * and tensors made before would be lost.
 *
 * TensorFlow's server has no authentication: run it in a private network. It listens on the addresses that this worker's own name in
 * the cluster stands for. Where these cannot be used, it listens on all of the machine's, and a warning says so.
 *
 * @returns the cluster; of one worker, where no environment describes another one.
 * @throws ArgumentError when the environment's variables contradict each other; StateError when the process has tensors or has joined
 * already; WorkerLostError when others do not come in time.
 */
export async function joinCluster(options: JoinOptions = {}): Promise<Cluster> {
  checkKnown('joinCluster', options, ['cluster', 'environment', 'timeout', 'joinTimeout', 'onWaiting', 'communication']);
  const { timeout = 90, joinTimeout = 600, communication = 'auto', onWaiting } = options;
  for (const [name, value] of Object.entries({ timeout, joinTimeout })) {
    if (!(value > 0 && value < 2 ** 31 / 1000)) throw new ArgumentError(`joinCluster: ${name} ${value} is not a number of seconds`);
  }
  checkOneOf('joinCluster: communication', communication, ['auto', 'ring', 'nccl']);
  const isGpu = deviceInfo().device === 'GPU';
  if (communication === 'nccl' && !isGpu)
    throw new ArgumentError("joinCluster: communication 'nccl' is between GPUs, and this process computes on a CPU: use 'ring'");
  const { cluster } = options;
  if (cluster !== undefined) checkGiven('joinCluster(options)', { cluster }, { cluster: '{workers: text[], rank: number}' });
  const description = cluster ? describedBy('cluster', cluster) : findCluster(options.environment);
  if (joined) throw new StateError('this process is a worker already: join once, and pass the cluster on');
  const held = clusterBinding().getNumOfTensors();
  if (held > 0) throw new StateError(`this process holds ${held} tensors already: join the cluster before a model or a tensor is made`);
  const addresses = await connected(description ?? (await alone()), {
    joinTimeout: Math.round(joinTimeout * 1000),
    heartbeatTimeout: Math.round(Math.min(LONGEST_SILENCE, (timeout * 1000) / 3)),
    onWaiting,
  });
  const chosen = communication === 'auto' ? (isGpu ? 'nccl' : 'ring') : communication; // TensorFlow's own 'auto' takes the ring on GPUs too
  joined = new Cluster({ rank: description?.rank ?? 0, addresses, timeout, communication: chosen });
  return joined;
}

interface Connecting {
  readonly joinTimeout: number;
  readonly heartbeatTimeout: number;
  readonly onWaiting: JoinOptions['onWaiting'];
}

/** Joins, and returns the addresses of all workers. */
async function connected(description: ClusterDescription, { onWaiting, ...timeouts }: Connecting): Promise<readonly string[]> {
  const { rank, size, leader, workers } = description;
  const begin = performance.now();
  const tell = setInterval(() => onWaiting?.(Math.round((performance.now() - begin) / 1000)), 1000);
  let listening: Listening | undefined; // of a server, which begins with the first join
  const join = async (addresses: readonly string[]) => {
    const { host, port } = hostAndPort(addresses[rank] ?? leader);
    listening ??= await listeningSoon(host, Math.min(timeouts.joinTimeout, LONGEST_NAMELESS));
    const server = serverDef({ rank, workers: addresses, ...timeouts });
    const failure = await clusterBinding().clusterJoin(server, taskName(rank), port, listening.addresses);
    if (failure !== '') listening = { addresses: [], reason: failure };
  };
  try {
    if (workers) {
      await join(workers);
      return workers;
    }
    const mine = rank === 0 ? leader : await patiently(() => ownAddress(leader), timeouts.joinTimeout);
    const unknown = (index: number) => (index === 0 ? leader : `worker-${index}.invalid:1`);
    await join(Array.from({ length: size }, (_, index) => (index === rank ? mine : unknown(index))));
    await clusterBinding().clusterSet(`address/${rank}`, mine);
    const addresses: string[] = [];
    for (let index = 0; index < size; index++) {
      addresses.push(await clusterBinding().clusterGet(`address/${index}`, timeouts.joinTimeout));
    }
    await join(addresses); // the coordination service goes on, and the collectives get the addresses
    return addresses;
  } catch (cause) {
    throw notJoined(description, cause, timeouts.joinTimeout / 1000);
  } finally {
    clearInterval(tell);
    if (listening?.reason !== undefined) warn(heardEverywhere(rank, listening.reason));
  }
}

/** This machine's address on the way to the leader, with a free port. */
async function ownAddress(leader: string): Promise<string> {
  const { host, port } = hostAndPort(leader);
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(port, host); // sends nothing
    await once(socket, 'connect');
    const { address, family } = socket.address();
    return `${family === 'IPv6' ? `[${address}]` : address}:${(await freePorts(1))[0]}`;
  } finally {
    socket.close();
  }
}

/** If no server knows the name by then, other workers cannot find this one either. */
function listeningSoon(host: string, milliseconds: number): Promise<Listening> {
  return patiently(() => listeningOf(host), milliseconds).catch((error) => ({ addresses: [], reason: reasonOf(error) }));
}

function heardEverywhere(rank: number, reason: string): string {
  return `worker ${rank} listens on all addresses of its machine: ${reason}; name it by an address of the machine, and let a firewall keep others away`;
}

/** A name server may learn of the leader's host later than this process starts. */
async function patiently<T>(work: () => Promise<T>, milliseconds: number): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() >= end) throw error;
      await sleep(1000);
    }
  }
}

async function alone(): Promise<ClusterDescription> {
  return describedBy('a worker alone', { workers: [`127.0.0.1:${(await freePorts(1))[0]}`], rank: 0 });
}

/** TensorFlow's message lists the missing workers, if the leader is there. */
function notJoined({ rank, size, leader, workers }: ClusterDescription, cause: unknown, seconds: number): WorkerLostError {
  const reason = reasonOf(cause);
  const missing = workersListed(reason, /timed out task names:/);
  const isLeaderGone = missing.length === 0 && rank > 0 && /Deadline Exceeded|failed to connect/.test(reason);
  const lost = isLeaderGone ? [0] : missing;
  const names = lost.map((each) => `worker ${each} (${each === 0 ? leader : (workers?.[each] ?? 'of unknown address')})`);
  const what = lost.length > 0 ? `${names.join(', ')} did not come` : reason.split('\n')[0];
  return new WorkerLostError(lost, `worker ${rank} of ${size} could not join within ${seconds} s: ${what}`, { cause });
}
