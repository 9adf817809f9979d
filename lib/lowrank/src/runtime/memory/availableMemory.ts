/** The memory that Linux lets this process still take. */
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import process from 'node:process';
import { deviceInfo } from '../device/deviceInfo';
import { nvidiaSmi } from '../device/nvidiaSmi';

/** The bytes that may still be taken, and the source of the limit. */
export interface AvailableMemory {
  readonly bytes: number;
  /** For messages, for example `the machine has free`. */
  readonly limit: string;
}

/** The text of a file; undefined if it cannot be read. */
type ReadText = (path: string) => string | undefined;

function readText(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined; // not Linux, or a container that hides it
  }
}

/** The smallest amount that the machine, the control groups above this process and its resource limits leave free. */
export function availableHostMemory(read: ReadText = readText): AvailableMemory {
  const found = [machineMemory(read), ...controlGroupMemory(read), ...resourceLimits(read)];
  return found.reduce((least, one) => (one.bytes < least.bytes ? one : least));
}

/** The free memory of the first GPU according to `nvidia-smi`; undefined if it reports none. */
export function availableGpuMemory(query: typeof nvidiaSmi = nvidiaSmi): AvailableMemory | undefined {
  const mebibytes = Number.parseInt(query('memory.free') ?? '', 10);
  return Number.isNaN(mebibytes) ? undefined : { bytes: mebibytes * 2 ** 20, limit: 'the GPU has free' };
}

/** The memory for tensors: the GPU's if there is one, else the host's. */
export function availableTensorMemory(): AvailableMemory {
  return (deviceInfo().device === 'GPU' ? latestGpuMemory() : undefined) ?? availableHostMemory();
}

/** Starting the driver's tool takes longer than a step, so its answer is kept for a second. */
const FRESH_MILLISECONDS = 1000;
let latest: { readonly at: number; readonly memory: AvailableMemory | undefined } | undefined;

function latestGpuMemory(): AvailableMemory | undefined {
  if (!latest || performance.now() - latest.at > FRESH_MILLISECONDS) latest = { at: performance.now(), memory: availableGpuMemory() };
  return latest.memory;
}

/** The memory that this process holds now. */
export function residentMemory(): number {
  return process.memoryUsage.rss();
}

function machineMemory(read: ReadText): AvailableMemory {
  const available = kibibytes(read('/proc/meminfo'), 'MemAvailable');
  return { bytes: available ?? os.freemem(), limit: 'the machine has free' };
}

function kibibytes(text: string | undefined, field: string): number | undefined {
  const [, digits] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits) * 1024;
}

/** The names of a memory controller's files: version 2, and version 1. */
const VERSIONS = [
  { controller: '', root: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current', cache: 'inactive_file' },
  {
    controller: 'memory',
    root: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    usage: 'memory.usage_in_bytes',
    cache: 'total_inactive_file',
  },
] as const;

/** The free memory of each control group of this process and of each group above; cached pages of files count as free. */
function* controlGroupMemory(read: ReadText): Generator<AvailableMemory> {
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const version = VERSIONS.find(({ controller }) => controllers.split(',').includes(controller));
    if (!version) continue;
    // In a container of its own name space the path may be the host's: the group itself is then at the root.
    for (const group of upwards(path)) {
      const folder = nodePath.join(version.root, group);
      const limit = Number(read(nodePath.join(folder, version.limit))?.trim()); // NaN for `max`
      const usage = Number(read(nodePath.join(folder, version.usage))?.trim());
      if (!(limit < Number.MAX_SAFE_INTEGER) || Number.isNaN(usage)) continue;
      const [, cached = '0'] = new RegExp(`^${version.cache} (\\d+)$`, 'm').exec(read(nodePath.join(folder, 'memory.stat')) ?? '') ?? [];
      yield { bytes: Math.max(0, limit - usage + Number(cached)), limit: 'the control group (container) leaves' };
    }
  }
}

function* upwards(path: string): Generator<string> {
  yield path;
  if (path !== '/') yield* upwards(nodePath.dirname(path));
}

/** The memory that `ulimit -v` and `ulimit -d` leave. */
function* resourceLimits(read: ReadText): Generator<AvailableMemory> {
  const limits = read('/proc/self/limits');
  const status = read('/proc/self/status');
  for (const [name, field, option] of [
    ['Max address space', 'VmSize', '-v'],
    ['Max data size', 'VmData', '-d'],
  ] as const) {
    const [, digits] = new RegExp(`^${name}\\s+(\\d+)`, 'm').exec(limits ?? '') ?? []; // none for `unlimited`
    const used = kibibytes(status, field);
    if (digits === undefined || used === undefined) continue;
    yield { bytes: Math.max(0, Number(digits) - used), limit: `ulimit ${option} leaves` };
  }
}
