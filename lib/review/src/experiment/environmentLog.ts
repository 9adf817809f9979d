/** The machines on which an experiment ran, without their names. */
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { deviceInfo } from 'lowrank';
import { deviceName, makeFolder, readJsonFile, storingIn, writeTextAtomic } from 'lowrank/internal';
import type { ExperimentEnvironment } from './experimentResults';

const LARGEST = 100_000;

/** A file in the work folder. Its entries are distinct: one per machine, version and number of processes. */
export class EnvironmentLog {
  private readonly path: string;

  constructor(private readonly folder: string) {
    this.path = nodePath.join(folder, 'environments.json');
  }

  get all(): readonly ExperimentEnvironment[] {
    if (!fs.existsSync(this.path)) return [];
    const { environments } = readJsonFile(this.path, { largest: LARGEST });
    return Array.isArray(environments) ? (environments as ExperimentEnvironment[]) : [];
  }

  /** Adds this process's environment if it is not there yet. @throws StorageError when the disk refuses. */
  note({ version, workers = 1 }: { readonly version: string; readonly workers?: number }): void {
    const { nodeVersion, tensorflowVersion } = deviceInfo();
    const here: ExperimentEnvironment = {
      lowrank: version,
      node: nodeVersion,
      tensorflow: tensorflowVersion,
      device: deviceName(),
      cores: os.availableParallelism(),
      memoryGiB: Math.round(os.totalmem() / 2 ** 30),
      workers,
    };
    const known = this.all;
    if (known.some((each) => JSON.stringify(each) === JSON.stringify(here))) return;
    storingIn(this.folder, 'environment', () => {
      makeFolder(this.folder);
      writeTextAtomic(this.path, JSON.stringify({ environments: [...known, here] }));
    });
  }
}
