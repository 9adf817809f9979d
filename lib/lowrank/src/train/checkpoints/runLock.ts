/** One process at a time in a run's folder: a lock that outlives no process, however that ended. */
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { storingIn } from '../../io/storingIn';
import { StateError } from '../../runtime';

const LOCK = 'run.lock';

/** Who holds a lock; a process id alone is given to another process again. */
interface Holder {
  readonly pid: number;
  /** When the process began, in the clock ticks of its machine. */
  readonly began: string;
  /** The machine since its start, and the container: where the process id counts. */
  readonly place: string;
  readonly host: string;
}

/** Of another machine's process nobody here knows whether it lives: it touches its lock, and has ended when it no longer does. */
const TOUCH_INTERVAL = 30_000; // ms
const SILENCE = 10 * 60_000; // ms

/**
 * Takes the folder for a run of this process, and returns what gives it back.
 *
 * @throws StateError when a run that goes on has it; StorageError when the disk refuses.
 */
export function lockRun(directory: string): () => void {
  return storingIn(directory, 'lock', () => {
    fs.mkdirSync(directory, { recursive: true });
    const path = nodePath.join(directory, LOCK);
    const mine = `${path}.${process.pid}-${process.hrtime.bigint()}`;
    fs.writeFileSync(mine, JSON.stringify(thisProcess()));
    try {
      while (!tryLink(mine, path)) removeStale(path, directory);
    } finally {
      fs.rmSync(mine, { force: true });
    }
    const touch = setInterval(() => fs.utimes(path, new Date(), new Date(), () => undefined), TOUCH_INTERVAL).unref();
    return () => {
      clearInterval(touch);
      fs.rmSync(path, { force: true });
    };
  });
}

/** A link appears with its content, or not at all where one is there. */
function tryLink(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function removeStale(path: string, directory: string): void {
  const found = readLock(path);
  if (!found) return; // it has just been given back
  const { holder, silence } = found;
  if (isAlive(holder, silence)) {
    const who = holder.pid === process.pid && holder.place === thisPlace() ? 'this process' : `process ${holder.pid} on ${holder.host}`;
    throw new StateError(
      `${directory} is in use by another run, of ${who}: wait until it has ended, or take another folder. If no such process is left, remove ${path}`,
    );
  }
  const aside = `${path}.stale-${process.pid}-${process.hrtime.bigint()}`;
  try {
    fs.renameSync(path, aside); // one of those who find it stale gets it
    fs.rmSync(aside);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
}

function readLock(path: string): { readonly holder: Holder; readonly silence: number } | undefined {
  try {
    const silence = Date.now() - fs.statSync(path).mtimeMs;
    return { holder: parsedHolder(fs.readFileSync(path, 'utf8')), silence };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** What a power cut has left of a lock names nobody, so its process has ended. */
function parsedHolder(text: string): Holder {
  const nobody = { pid: 0, began: '', place: thisPlace(), host: os.hostname() };
  try {
    return { ...nobody, ...(JSON.parse(text) as Partial<Holder>) };
  } catch {
    return nobody;
  }
}

function isAlive({ pid, began, place }: Holder, silence: number): boolean {
  if (place !== thisPlace()) return silence < SILENCE;
  if (pid <= 0 || beginningOf(pid) !== began) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM'); // it is somebody else's
  }
}

function thisProcess(): Holder {
  return { pid: process.pid, began: beginningOf(process.pid), place: thisPlace(), host: os.hostname() };
}

/** The field `starttime` of /proc/PID/stat; '' where there is no such process, or no /proc. */
function beginningOf(pid: number): string {
  const stat = contentOf(() => fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? 'ended' : (fields[18] ?? '');
}

function thisPlace(): string {
  const boot = contentOf(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return `${boot || os.hostname()} ${contentOf(() => fs.readlinkSync('/proc/self/ns/pid'))}`.trim();
}

function contentOf(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
