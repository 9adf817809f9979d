/** The machines on which an experiment ran, without their names. */
import os from 'node:os';
import nodePath from 'node:path';
import { deviceInfo } from 'lowrank';
import { deviceName, namesIn, pathKind, sha256 } from 'lowrank/internal';
import { readSealed, writeSealed } from '../sealedFile';
import type { ExperimentEnvironment } from './experimentResults';

/** Files in the work folder, one per machine, version and number of processes: several processes may write at once. */
export class EnvironmentLog {
  constructor(private readonly folder: string) {}

  get all(): readonly ExperimentEnvironment[] {
    const names = pathKind(this.folder) === undefined ? [] : namesIn(this.folder).filter((name) => /^environment-\w+\.json$/.test(name));
    const remedy = 'remove the file, and the results no longer name that environment';
    return names.map((name) => readSealed(nodePath.join(this.folder, name), remedy) as unknown as ExperimentEnvironment);
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
    const path = nodePath.join(this.folder, `environment-${sha256(JSON.stringify(here)).slice(0, 16)}.json`);
    if (pathKind(path) === undefined) writeSealed(path, 'environment', here);
  }
}
