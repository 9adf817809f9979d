/** Finds out who is to blame when workers cannot go on together. */
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterBinding } from './clusterBinding';
import { taskName, workersListed } from './join/serverDef';

/** A worker that looks for the others. */
interface Seeker {
  readonly rank: number;
  readonly size: number;
  /** How long workers may let others wait, in milliseconds. */
  readonly timeout: number;
}

/** A worker's knowledge when a joint operation has failed. */
export interface BrokenCluster extends Seeker {
  /** TensorFlow's message. */
  readonly reason: string;
  /** The same text in all workers that have reached this point. */
  readonly meeting: string;
}

/** The workers to blame, and a sentence that says so. */
interface Blame {
  readonly workers: readonly number[];
  readonly how: string;
}

/** Milliseconds to wait for an answer, and to stay for the questions of others. */
const PATIENCE = 5000;
/** Questions at a time: as many as Node has threads for them. */
const AT_ONCE = 4;

const ADVICE = 'the last checkpoint is whole: start all workers again to go on from it';
/** The key of the first report. */
const REPORT = 'report';
const NO_HEARTBEAT = `no heartbeat; ${ADVICE}`;
const NO_ANSWER = `no answer; ${ADVICE}`;

/**
 * In this order: the failure that another worker has reported; workers that send no heartbeat, by the coordination service; workers whose
 * server does not answer; workers that have not reached the point where the others wait.
 *
 * It tells the others and stays for a while: a worker that left at once would look lost to one that asks later.
 */
export async function findLost(broken: BrokenCluster, nameOf: (rank: number) => string): Promise<Blame> {
  const { rank, timeout, reason, meeting } = broken;
  const patience = patienceOf(timeout);
  const silent = workersListed(reason, /stopped sending heartbeats\):?/);
  if (silent.length > 0) return blame(silent, nameOf, NO_HEARTBEAT);
  const reported = reportIn(reason);
  if (reported) return reported;
  const unreachable = await findUnreachable(broken, nameOf);
  if (unreachable) return unreachable;
  const written = await writtenReport(patience);
  if (written) return written;
  const mark = (other: number) => `waiting-${meeting}/${other}`;
  const isHeard = (await failing([0], () => clusterBinding().clusterSet(mark(rank), 'here'))).length === 0;
  if (!isHeard) return blame([0], nameOf, NO_ANSWER); // it keeps the marks
  await sleep(patience);
  const late = await failing(othersOf(broken), (other) => clusterBinding().clusterGet(mark(other), patience));
  const advice = `alive, but not there after ${Math.round(timeout / 1000)} s; ${ADVICE}, with a longer timeout where a step takes longer`;
  if (late.length > 0) return blame(late, nameOf, advice);
  return { workers: [], how: `the workers cannot go on together: ${reason.split('\n')[0]}; ${ADVICE}` };
}

/** Workers whose server does not answer. It tells the others and stays for a while. */
export async function findUnreachable(seeker: Seeker, nameOf: (rank: number) => string): Promise<Blame | undefined> {
  const patience = patienceOf(seeker.timeout);
  const unreachable = await failing(othersOf(seeker), (other) => clusterBinding().clusterCheckPeer(taskName(other), patience));
  if (unreachable.length === 0) return undefined;
  const found = blame(unreachable, nameOf, NO_ANSWER);
  if (!unreachable.includes(0)) await report(found.how);
  await sleep(patience);
  return found;
}

function othersOf({ rank, size }: Seeker): number[] {
  return Array.from({ length: size }, (_, other) => other).filter((other) => other !== rank);
}

/** Ends the collectives of all workers with this text, where the service that passes it on answers. */
export async function tellAll(rank: number, text: string, timeout: number): Promise<void> {
  const isThere =
    rank === 0 || (await failing([0], () => clusterBinding().clusterCheckPeer(taskName(0), patienceOf(timeout)))).length === 0;
  if (isThere) await report(text);
}

/** It is written down too, for a worker whose connection broke before the report came. */
async function report(text: string): Promise<void> {
  for (const tell of [() => clusterBinding().clusterSet(REPORT, text), () => clusterBinding().clusterReport(text)]) {
    await tell().catch(() => undefined); // another worker was the first
  }
}

async function writtenReport(milliseconds: number): Promise<Blame | undefined> {
  const text = await clusterBinding()
    .clusterGet(REPORT, milliseconds)
    .catch(() => '');
  return reportIn(text);
}

function patienceOf(timeout: number): number {
  return Math.min(PATIENCE, timeout / 4);
}

/** A worker's report, wherever TensorFlow's messages quote it: of itself, `worker 1 (…): why`, or of others, `lost worker 1 (…): why`. */
function reportIn(reason: string): Blame | undefined {
  const [said] = /(?:lost )?worker \d+ \([^)]*\)(?:, worker \d+ \([^)]*\))*: [^\n"\\]*/.exec(reason) ?? [];
  if (said === undefined) return undefined;
  const [, names = ''] = /^(.*?\)): /.exec(said) ?? [];
  const workers = Array.from(names.matchAll(/worker (\d+)/g), ([, rank]) => Number(rank));
  return { workers, how: said.startsWith('lost ') ? said : `${said}. That ended all workers; ${ADVICE}` };
}

function blame(workers: readonly number[], nameOf: (rank: number) => string, reason: string): Blame {
  return { workers, how: `lost ${workers.map(nameOf).join(', ')}: ${reason}` };
}

async function failing(ranks: readonly number[], ask: (rank: number) => Promise<unknown>): Promise<number[]> {
  const failed: number[] = [];
  const left = [...ranks];
  const askOneByOne = async () => {
    for (let rank = left.shift(); rank !== undefined; rank = left.shift()) {
      try {
        await ask(rank);
      } catch {
        failed.push(rank);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOneByOne));
  return failed.sort((a, b) => a - b);
}
