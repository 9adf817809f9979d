/** A source of environment variables that may describe a cluster. */
import { Buffer } from 'node:buffer';
import { ArgumentError } from '../../../runtime';
import type { ClusterDescription } from './clusterDescription';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads what one launcher writes. */
export interface Resolver {
  /** The launcher's name in messages. */
  readonly name: string;
  /**
   * Undefined where this launcher has not started the process. @throws ArgumentError when its variables are incomplete or contradict each
   * other.
   */
  readonly find: (environment: Environment) => ClusterDescription | undefined;
}

/** The variables of one launcher. */
export class Variables {
  constructor(
    private readonly launcher: string,
    private readonly environment: Environment,
  ) {}

  /** An empty variable counts as none. */
  has(name: string): boolean {
    return (this.environment[name] ?? '') !== '';
  }

  /** @throws ArgumentError when it is missing. */
  text(name: string): string {
    const value = this.environment[name] ?? '';
    if (value === '') throw new ArgumentError(`${this.launcher}: the variable ${name} is missing`);
    return value;
  }

  /** @throws ArgumentError when it is missing or not a whole number from 0 up. */
  whole(name: string): number {
    const value = this.text(name);
    if (!/^\d{1,15}$/.test(value)) throw new ArgumentError(`${this.launcher}: ${name} is '${value}', not a whole number`);
    return Number(value);
  }

  /** @throws ArgumentError that begins with the launcher. */
  refuse(reason: string): never {
    throw new ArgumentError(`${this.launcher}: ${reason}`);
  }
}

const FIRST_PORT = 10_000;
const PORTS = 22_000; // ends below 32,768, where Linux starts to assign ports to connections

/**
 * A port derived from a job's name, for launchers that set none: the same for all workers of the job, and different for most other jobs.
 */
export function portOf(job: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const byte of Buffer.from(job)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return FIRST_PORT + (hash % PORTS);
}
