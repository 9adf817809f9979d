import { type ClusterDescription, findCluster } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { expandHostlist } from '../../../../lib/lowrank/src/train/cluster/resolvers/hostlist';

/** What a launcher sets for one process, as its documentation says, and what that means. `captured.ts` has environments of real runs. */
interface Golden {
  readonly environment: Readonly<Record<string, string>>;
  readonly found: ClusterDescription & { readonly source: string };
}

const torchrun = { RANK: '3', LOCAL_RANK: '1', WORLD_SIZE: '4', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: 'node0', MASTER_PORT: '29500' };
const kubeflow = {
  PET_NNODES: '3',
  PET_NPROC_PER_NODE: '1',
  PET_NODE_RANK: '2',
  PET_MASTER_ADDR: 'reviewer-node-0-0.reviewer',
  PET_MASTER_PORT: '29400',
};
const srun = {
  SLURM_JOB_ID: '1183405',
  SLURM_JOB_NODELIST: 'gpu[08-10]',
  SLURM_NTASKS: '5',
  SLURM_STEP_ID: '0',
  SLURM_STEP_NODELIST: 'gpu[08-10]',
  SLURM_STEP_NUM_TASKS: '5',
  SLURM_STEP_TASKS_PER_NODE: '2(x2),1',
  SLURM_PROCID: '3',
  SLURM_NODEID: '1',
  SLURM_LOCALID: '1',
};
const mpirun = {
  OMPI_COMM_WORLD_RANK: '1',
  OMPI_COMM_WORLD_SIZE: '2',
  OMPI_COMM_WORLD_LOCAL_RANK: '1',
  OMPI_COMM_WORLD_LOCAL_SIZE: '2',
  PMIX_NAMESPACE: 'prterun-login1-41007@1',
};
const pod = {
  JOBSET_NAME: 'reviewer',
  REPLICATED_JOB_NAME: 'worker',
  JOBSET_JOBS: '2',
  JOBSET_PODS: '2',
  JOBSET_PORT: '4000',
  JOB_INDEX: '1',
  JOB_COMPLETION_INDEX: '0',
};
const tfConfig = (config: unknown) => ({ TF_CONFIG: JSON.stringify(config) });

const GOLDEN: Readonly<Record<string, Golden>> = {
  'TF_CONFIG of a worker': {
    environment: tfConfig({ cluster: { worker: ['a:1000', 'b:1000'] }, task: { type: 'worker', index: 1 } }),
    found: { source: 'TF_CONFIG', rank: 1, size: 2, leader: 'a:1000', workers: ['a:1000', 'b:1000'] },
  },
  'TF_CONFIG with a chief, which comes first': {
    environment: tfConfig({ cluster: { worker: ['b:1', 'c:1'], chief: ['a:1'] }, task: { type: 'worker', index: 0 } }),
    found: { source: 'TF_CONFIG', rank: 1, size: 3, leader: 'a:1', workers: ['a:1', 'b:1', 'c:1'] },
  },
  torchrun: { environment: torchrun, found: { source: 'RANK and WORLD_SIZE', rank: 3, size: 4, leader: 'node0:29500' } },
  'torchrun whose agent listens on the port': {
    environment: { ...torchrun, TORCHELASTIC_USE_AGENT_STORE: 'True' },
    found: { source: 'RANK and WORLD_SIZE', rank: 3, size: 4, leader: 'node0:29501' },
  },
  "Kubeflow Trainer's torch runtime": {
    environment: kubeflow,
    found: { source: 'PET_*', rank: 2, size: 3, leader: 'reviewer-node-0-0.reviewer:29400' },
  },
  'srun on three nodes': {
    environment: srun,
    found: {
      source: 'Slurm',
      rank: 3,
      size: 5,
      leader: 'gpu08:23456',
      workers: ['gpu08:23456', 'gpu08:23457', 'gpu09:23456', 'gpu09:23457', 'gpu10:23456'],
    },
  },
  'srun --distribution=cyclic': {
    environment: { ...srun, SLURM_DISTRIBUTION: 'cyclic', SLURM_NODEID: '0', SLURM_LOCALID: '1' },
    found: {
      source: 'Slurm',
      rank: 3,
      size: 5,
      leader: 'gpu08:23456',
      workers: ['gpu08:23456', 'gpu09:23456', 'gpu10:23456', 'gpu08:23457', 'gpu09:23457'],
    },
  },
  'mpirun on one machine': { environment: mpirun, found: { source: 'Open MPI', rank: 1, size: 2, leader: '127.0.0.1:23456' } },
  'mpirun -x MASTER_ADDR -x MASTER_PORT on two': {
    environment: { ...mpirun, OMPI_COMM_WORLD_LOCAL_SIZE: '1', MASTER_ADDR: 'login1', MASTER_PORT: '4000' },
    found: { source: 'Open MPI', rank: 1, size: 2, leader: 'login1:4000' },
  },
  'a pod of a JobSet': {
    environment: pod,
    found: {
      source: 'JobSet',
      rank: 2,
      size: 4,
      leader: 'reviewer-worker-0-0.reviewer:4000',
      workers: ['0-0', '0-1', '1-0', '1-1'].map((numbers) => `reviewer-worker-${numbers}.reviewer:4000`),
    },
  },
};

describe('the cluster that the environment describes', () => {
  test.each(Object.entries(GOLDEN))('%s', (_, { environment, found }) => {
    expect(withPort(findCluster(environment), 23456)).toEqual(found);
  });

  test('there is none without a launcher, in the shell of salloc, or where an address alone is exported', () => {
    expect(findCluster({ HOME: '/root', MASTER_ADDR: 'a' })).toBeUndefined();
    const { SLURM_JOB_ID, SLURM_JOB_NODELIST, SLURM_NTASKS } = srun;
    expect(findCluster({ SLURM_JOB_ID, SLURM_JOB_NODELIST, SLURM_NTASKS, SLURM_PROCID: '0' })).toBeUndefined();
  });

  test('what somebody has written down comes before what a scheduler sets', () => {
    expect(findCluster({ ...srun, ...torchrun })?.source).toBe('RANK and WORLD_SIZE');
    const written = tfConfig({ cluster: { worker: ['a:1'] }, task: { type: 'worker', index: 0 } });
    expect(findCluster({ ...torchrun, ...written })?.source).toBe('TF_CONFIG');
  });

  test('the tasks of one Slurm job find the same ports, another job others', () => {
    const found = (changes: object) => findCluster({ ...srun, ...changes })?.workers;
    expect(found({ SLURM_PROCID: '4', SLURM_NODEID: '2', SLURM_LOCALID: '0' })).toEqual(found({}));
    expect(found({ SLURM_JOB_ID: '1183406' })).not.toEqual(found({}));
  });
});

/** A port that follows from a job's name, replaced by one that reads well. */
function withPort<T extends ClusterDescription>(found: T | undefined, port: number): T | undefined {
  const first = Number(found?.leader.split(':')[1]);
  const isDerived = ['Slurm', 'Open MPI'].includes((found as { source?: string } | undefined)?.source ?? '') && first >= 10_000;
  if (!found || !isDerived) return found;
  expect(first).toBeLessThan(32_768);
  const moved = (address: string) => address.replace(/\d+$/, (own) => String(Number(own) - first + port));
  return { ...found, leader: moved(found.leader), ...(found.workers && { workers: found.workers.map(moved) }) };
}

describe('what is incomplete or contradicts itself is refused by name', () => {
  const tfTask = { type: 'worker', index: 0 };
  test.each<[string, Record<string, string>, string]>([
    ['no JSON', { TF_CONFIG: '{' }, 'TF_CONFIG: it is not a JSON object'],
    ['no cluster', tfConfig({ task: tfTask }), 'TF_CONFIG: it has no cluster'],
    ['parameter servers', tfConfig({ cluster: { worker: ['a:1'], ps: ['b:1'] }, task: tfTask }), 'it has the jobs ps'],
    ['no task', tfConfig({ cluster: { worker: ['a:1'] } }), 'it has no task'],
    ['an evaluator', tfConfig({ cluster: { worker: ['a:1'] }, task: { type: 'evaluator', index: 0 } }), 'type "evaluator"'],
    ['a task too many', tfConfig({ cluster: { worker: ['a:1'] }, task: { type: 'worker', index: 1 } }), 'worker 1, but its cluster has 1'],
    ['no port', tfConfig({ cluster: { worker: ['a'] }, task: tfTask }), "'a' is not an address of the form host:port"],
    ['an address twice', tfConfig({ cluster: { worker: ['a:1', 'a:1'] }, task: tfTask }), 'names a:1 twice'],
    ['no world size', { RANK: '0' }, 'RANK and WORLD_SIZE: the variable WORLD_SIZE is missing'],
    ['no address', { RANK: '0', WORLD_SIZE: '2' }, 'the variable MASTER_ADDR is missing'],
    ['a rank too many', { ...torchrun, RANK: '4' }, 'rank 4 is none of 4 workers, which are 0 to 3'],
    ['a rank that is no number', { ...torchrun, RANK: 'x' }, "RANK is 'x', not a whole number"],
    ['several processes per node', { ...kubeflow, PET_NPROC_PER_NODE: '8' }, 'PET_NPROC_PER_NODE is 8'],
    ['an elastic number of nodes', { ...kubeflow, PET_NNODES: '1:4' }, "PET_NNODES is '1:4', not a whole number"],
    ['other task counts', { ...srun, SLURM_STEP_NUM_TASKS: '6' }, 'has 5 tasks on 3 nodes, the other variables have 6 on 3'],
    ['another place', { ...srun, SLURM_LOCALID: '0' }, 'SLURM_LOCALID is 0; by the other variables this task would have 1'],
    ['an order of tasks that is unknown', { ...srun, SLURM_DISTRIBUTION: 'plane' }, "in the order 'plane'"],
    ['several machines without an address', { ...mpirun, OMPI_COMM_WORLD_LOCAL_SIZE: '1' }, 'mpirun -x MASTER_ADDR=HOST'],
    ['a pod too many', { ...pod, JOB_COMPLETION_INDEX: '2' }, 'JOB_COMPLETION_INDEX 2 is none of 2 pods'],
    ['more pods than can be joined', { ...pod, JOBSET_PODS: '5000000000' }, 'JobSet: 10000000000 workers are more than the 65536'],
    ['no port for the pods', { ...pod, JOBSET_PORT: '' }, 'JobSet: the variable JOBSET_PORT is missing'],
  ])('%s', (_, environment, message) => {
    expect(() => findCluster(environment)).toThrow(message);
  });
});

describe("Slurm's list of hosts", () => {
  test.each<[string, string[]]>([
    ['head', ['head']],
    ['gpu[1-3]', ['gpu1', 'gpu2', 'gpu3']],
    ['gpu[008-010,17]', ['gpu008', 'gpu009', 'gpu010', 'gpu17']],
    ['a1,b[1-2]-ib,c.example.org', ['a1', 'b1-ib', 'b2-ib', 'c.example.org']],
    ['r[1-2]n[01-02]', ['r1n01', 'r1n02', 'r2n01', 'r2n02']],
  ])('%s', (list, hosts) => {
    expect(expandHostlist(list)).toEqual(hosts);
  });

  test.each(['', 'a[1-', 'a[3-1]', 'a[1-9999999]', 'a[x]', 'a,,b', 'a[1-300]b[1-300]'])("'%s' is refused", (list) => {
    expect(() => expandHostlist(list)).toThrow('is not a list of hosts as Slurm writes it');
  });
});
