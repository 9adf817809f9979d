/** One process at a time writes to a folder, a run's or an output: the lock ends with its process, however that ends. */

import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import process from 'node:process';
import { StateError } from '../runtime';
import { isCode, makeFolder } from './pathKind';
import { storingIn } from './storingIn';

const LOCK = 'run.lock';

/** The holder of a lock; process ids are reused, so an id alone is not enough. */
interface Holder {
  readonly pid: number;
  /** The start of the process, in clock ticks of its machine. */
  readonly began: string;
  /** The machine since its start, and the container: the scope of the process id. */
  readonly place: string;
  readonly host: string;
}

/** The process of another machine cannot be checked from here: it touches its lock regularly, and has ended when it stops. */
const TOUCH_INTERVAL = 30_000; // ms
const SILENCE = 10 * 60_000; // ms

/**
 * Locks the folder for this process; returns a function that unlocks it.
 *
 * @throws StateError when a running run holds it; StorageError when the disk refuses.
 */
export function lockRun(directory: string): () => void {
  return storingIn(directory, 'lock', () => {
    makeFolder(directory);
    const path = nodePath.join(directory, LOCK);
    const mine = `${path}.${process.pid}-${process.hrtime.bigint()}`;
    try {
      fs.writeFileSync(mine, JSON.stringify(thisProcess()));
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

/** A link appears with its content, or not at all if one exists. */
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
  if (!found) return; // it was just released
  const { holder, silence } = found;
  if (isAlive(holder, silence)) {
    const who = holder.pid === process.pid && holder.place === thisPlace() ? 'this process' : `process ${holder.pid} on ${holder.host}`;
    throw new StateError(
      `${directory} is in use by another run, of ${who}: wait until it has ended, or take another folder. If no such process is left, remove ${path}`,
    );
  }
  const aside = `${path}.stale-${process.pid}-${process.hrtime.bigint()}`;
  try {
    fs.renameSync(path, aside); // one of the processes that find it stale gets it
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

/** A lock that a power cut damaged names no process, so its process has ended. */
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
    return isCode(error, 'EPERM'); // it belongs to another user
  }
}

function thisProcess(): Holder {
  return { pid: process.pid, began: beginningOf(process.pid), place: thisPlace(), host: os.hostname() };
}

/** The field `starttime` of /proc/PID/stat; '' without such a process or without /proc. */
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
