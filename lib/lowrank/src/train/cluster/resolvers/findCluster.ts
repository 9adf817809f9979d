/** Finds the cluster that a process has been started in. */
import process from 'node:process';
import { checkGiven } from '../../../runtime/checks/door';
import type { ClusterDescription } from './clusterDescription';
import { jobSet } from './jobSet';
import { openMpi } from './openMpi';
import type { Environment, Resolver } from './resolver';
import { slurm } from './slurm';
import { tfConfig } from './tfConfig';
import { torch } from './torch';
import { torchEnvironment } from './torchEnvironment';

/** In the order of precedence: settings written by hand override those of a scheduler. */
const RESOLVERS: readonly Resolver[] = [tfConfig, torch, torchEnvironment, slurm, openMpi, jobSet];

/** A cluster, and who described it. */
export interface FoundCluster extends ClusterDescription {
  /** The launcher whose variables say so. */
  readonly source: string;
}

/**
 * The cluster that the environment's variables describe: `TF_CONFIG`; `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT`; `PET_*`; a
 * step of Slurm's; Open MPI; a JobSet. The first that has started this process is taken.
 *
 * @returns undefined where none of them has.
 * @throws ArgumentError when that one's variables are incomplete or contradict each other.
 */
export function findCluster(environment: Environment = process.env): FoundCluster | undefined {
  checkGiven('findCluster(environment)', { environment }, { environment: 'object' });
  for (const { name, find } of RESOLVERS) {
    const found = find(environment);
    if (found) return { ...found, source: name };
  }
  return undefined;
}
