/**
 * Environments of real runs: each task printed its own. The variables are left out that no resolver reads; a host name within a value is replaced,
 * and the nodes of Slurm were named for the run.
 */
import type { Environment } from 'lowrank';

/** One run of a launcher. */
interface Captured {
  /** The same in all tasks. */
  readonly shared: Environment;
  /** By rank. */
  readonly tasks: readonly Environment[];
  /** The addresses of all workers, where the environment has them; a port that follows from the job's name as 0. */
  readonly workers?: readonly string[];
  readonly leader: string;
}

const slurmTask = (rank: number, node: number, local: number): Environment => ({
  SLURM_PROCID: `${rank}`,
  SLURM_NODEID: `${node}`,
  SLURM_LOCALID: `${local}`,
});
const torchTask = (rank: number, local: number): Environment => ({ RANK: `${rank}`, LOCAL_RANK: `${local}` });
const elastic = { TORCHELASTIC_USE_AGENT_STORE: 'True', TORCHELASTIC_RUN_ID: 'none' };

const threeNodes = {
  SLURM_JOB_NODELIST: 'gpu[08-10]',
  SLURM_STEP_ID: '0',
  SLURM_STEP_NODELIST: 'gpu[08-10]',
  SLURM_STEP_NUM_TASKS: '5',
  SLURM_STEP_TASKS_PER_NODE: '2(x2),1',
};

/** Slurm is 22.05.8 of Debian, with a controller and three `slurmd` on one machine; torchrun is that of torch 2.15; Open MPI is 5.0.11. */
export const CAPTURED: Readonly<Record<string, Captured>> = {
  'srun -n 5 -N 3': {
    shared: { ...threeNodes, SLURM_JOB_ID: '1' },
    tasks: [slurmTask(0, 0, 0), slurmTask(1, 0, 1), slurmTask(2, 1, 0), slurmTask(3, 1, 1), slurmTask(4, 2, 0)],
    leader: 'gpu08:0',
    workers: ['gpu08:0', 'gpu08:1', 'gpu09:0', 'gpu09:1', 'gpu10:0'],
  },
  'srun -n 5 -N 3 --distribution=cyclic': {
    shared: { ...threeNodes, SLURM_JOB_ID: '2', SLURM_DISTRIBUTION: 'cyclic' },
    tasks: [slurmTask(0, 0, 0), slurmTask(1, 1, 0), slurmTask(2, 2, 0), slurmTask(3, 0, 1), slurmTask(4, 1, 1)],
    leader: 'gpu08:0',
    workers: ['gpu08:0', 'gpu09:0', 'gpu10:0', 'gpu08:1', 'gpu09:1'],
  },
  'srun -n 6 -N 3 -m block:cyclic': {
    shared: {
      ...{ ...threeNodes, SLURM_JOB_ID: '6', SLURM_DISTRIBUTION: 'block:cyclic' },
      ...{ SLURM_STEP_NUM_TASKS: '6', SLURM_STEP_TASKS_PER_NODE: '2(x3)' },
    },
    tasks: [slurmTask(0, 0, 0), slurmTask(1, 0, 1), slurmTask(2, 1, 0), slurmTask(3, 1, 1), slurmTask(4, 2, 0), slurmTask(5, 2, 1)],
    leader: 'gpu08:0',
    workers: ['gpu08:0', 'gpu08:1', 'gpu09:0', 'gpu09:1', 'gpu10:0', 'gpu10:1'],
  },
  'srun in a batch script of two tasks on two nodes, which calls that cyclic': {
    shared: {
      ...{ SLURM_JOB_ID: '4', SLURM_JOB_NODELIST: 'gpu[08-09]', SLURM_STEP_ID: '0', SLURM_STEP_NODELIST: 'gpu[08-09]' },
      ...{ SLURM_STEP_NUM_TASKS: '2', SLURM_STEP_TASKS_PER_NODE: '1(x2)', SLURM_DISTRIBUTION: 'cyclic' },
    },
    tasks: [slurmTask(0, 0, 0), slurmTask(1, 1, 0)],
    leader: 'gpu08:0',
    workers: ['gpu08:0', 'gpu09:0'],
  },
  'torchrun --nproc-per-node 2 --master-port 29611': {
    shared: { ...elastic, WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: '29611' },
    tasks: [torchTask(0, 0), torchTask(1, 1)],
    leader: '127.0.0.1:29612', // its agent listens on the port itself
  },
  'torchrun --standalone --nproc-per-node 2': {
    shared: { ...elastic, WORLD_SIZE: '2', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: 'localhost', MASTER_PORT: '38895' },
    tasks: [torchTask(0, 0), torchTask(1, 1)],
    leader: 'localhost:38896',
  },
  'torchrun --nnodes 2 --nproc-per-node 2, two agents on one machine': {
    shared: { ...elastic, WORLD_SIZE: '4', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: '29633' },
    tasks: [torchTask(0, 0), torchTask(1, 1), torchTask(2, 0), torchTask(3, 1)],
    leader: '127.0.0.1:29634',
  },
  'mpirun -n 2': {
    shared: { OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_LOCAL_SIZE: '2', PMIX_NAMESPACE: 'prterun-login1-11013@1' },
    tasks: [
      { OMPI_COMM_WORLD_RANK: '0', OMPI_COMM_WORLD_LOCAL_RANK: '0' },
      { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_LOCAL_RANK: '1' },
    ],
    leader: '127.0.0.1:0',
  },
};

const tfTask = (type: string, index: number) => ({ type, index });
/** As a TFJob's controller writes it: the names of services, and a field that nothing reads any more. */
const tfJob = (cluster: object, task: object): Environment => ({ TF_CONFIG: JSON.stringify({ cluster, task, environment: 'cloud' }) });
const tfHosts = (type: string, count: number) => Array.from({ length: count }, (_, index) => `reviewer-${type}-${index}.kubeflow.svc:2222`);
const chiefAndWorkers = { chief: tfHosts('chief', 1), worker: tfHosts('worker', 2) };
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const pods = ['0-0', '0-1', '0-2', '1-0', '1-1', '1-2'].map((each) => `reviewer-workers-${each}.reviewer:4000`);

/** All processes of a job, as the documentation and the controllers of Kubeflow and JobSet say that they are started. */
export const DOCUMENTED: Readonly<Record<string, Captured>> = {
  'a TFJob of three workers': {
    shared: {},
    tasks: numbers(3).map((index) => tfJob({ worker: tfHosts('worker', 3) }, tfTask('worker', index))),
    leader: 'reviewer-worker-0.kubeflow.svc:2222',
    workers: tfHosts('worker', 3),
  },
  'a TFJob of a chief and two workers': {
    shared: {},
    tasks: [tfTask('chief', 0), tfTask('worker', 0), tfTask('worker', 1)].map((task) => tfJob(chiefAndWorkers, task)),
    leader: 'reviewer-chief-0.kubeflow.svc:2222',
    workers: [...tfHosts('chief', 1), ...tfHosts('worker', 2)],
  },
  'a PyTorchJob of a master and two workers': {
    shared: {
      ...{ PYTHONUNBUFFERED: '1', MASTER_ADDR: 'reviewer-master-0', MASTER_PORT: '23456', WORLD_SIZE: '3', PET_NNODES: '3' },
      ...{ PET_MASTER_ADDR: 'reviewer-master-0', PET_MASTER_PORT: '23456', PET_NPROC_PER_NODE: '1' },
    },
    tasks: numbers(3).map((rank) => ({ RANK: `${rank}`, PET_NODE_RANK: `${rank}` })),
    leader: 'reviewer-master-0:23456',
  },
  'a TrainJob of the torch runtime, started by torchrun on two nodes of two processes': {
    shared: {
      ...{ ...elastic, PET_NNODES: '2', PET_NPROC_PER_NODE: '2', PET_MASTER_ADDR: 'reviewer-node-0-0.reviewer', PET_MASTER_PORT: '29400' },
      ...{ WORLD_SIZE: '4', LOCAL_WORLD_SIZE: '2', MASTER_ADDR: 'reviewer-node-0-0.reviewer', MASTER_PORT: '29400' },
    },
    tasks: numbers(4).map((rank) => ({ ...torchTask(rank, rank % 2), PET_NODE_RANK: `${Math.floor(rank / 2)}` })),
    leader: 'reviewer-node-0-0.reviewer:29401',
  },
  'a TrainJob of the torch runtime, without torchrun': {
    shared: { PET_NNODES: '3', PET_NPROC_PER_NODE: 'auto', PET_MASTER_ADDR: 'reviewer-node-0-0.reviewer', PET_MASTER_PORT: '29400' },
    tasks: numbers(3).map((rank) => ({ PET_NODE_RANK: `${rank}`, JOB_COMPLETION_INDEX: `${rank}` })),
    leader: 'reviewer-node-0-0.reviewer:29400',
  },
  'a JobSet of two jobs of three pods': {
    shared: { JOBSET_NAME: 'reviewer', REPLICATED_JOB_NAME: 'workers', JOBSET_JOBS: '2', JOBSET_PODS: '3', JOBSET_PORT: '4000' },
    tasks: numbers(6).map((rank) => ({ JOB_INDEX: `${Math.floor(rank / 3)}`, JOB_COMPLETION_INDEX: `${rank % 3}` })),
    leader: pods[0] ?? '',
    workers: pods,
  },
};

const master = { MASTER_ADDR: 'reviewer-master-0', MASTER_PORT: '23456', PET_MASTER_ADDR: 'reviewer-master-0', PET_MASTER_PORT: '23456' };

/** Processes of such jobs that are no workers, or of which the environment does not say enough, and why. */
export const DOCUMENTED_REFUSED: Readonly<Record<string, readonly [Environment, string]>> = {
  "a TFJob's evaluator": [
    tfJob({ worker: tfHosts('worker', 2) }, tfTask('evaluator', 0)),
    'its task is of the type "evaluator", not worker',
  ],
  "a TFJob's parameter server": [tfJob({ ps: tfHosts('ps', 1), worker: tfHosts('worker', 1) }, tfTask('ps', 0)), 'it has the jobs ps'],
  'a TFJob with the old name of a chief': [tfJob({ master: tfHosts('master', 1) }, tfTask('master', 0)), 'it has the jobs master'],
  'a TFJob whose index is a text': [
    tfJob({ worker: tfHosts('worker', 2) }, { ...tfTask('worker', 1), index: '1' }),
    'the index of its task is the text "1"; write the number',
  ],
  'a TFJob with dynamic workers': [
    { TF_CONFIG: JSON.stringify({ sparseCluster: { worker: { 0: 'a:2222' }, ps: [] }, task: tfTask('worker', 0) }) },
    'TF_CONFIG: it has no cluster',
  ],
  'a PyTorchJob of two processes a node, without torchrun': [
    { ...master, WORLD_SIZE: '4', RANK: '1', PET_NNODES: '2', PET_NPROC_PER_NODE: '2', PET_NODE_RANK: '1' },
    'PET_NPROC_PER_NODE is 2, but this process is the only one of its node',
  ],
  'an elastic PyTorchJob': [
    { PET_RDZV_BACKEND: 'c10d', PET_RDZV_ENDPOINT: 'reviewer-worker-0:23456', PET_NNODES: '1:3', PET_MAX_RESTARTS: '3' },
    'PET_*: the variable PET_NODE_RANK is missing',
  ],
  "an MPIJob's process": [
    { OMPI_COMM_WORLD_RANK: '1', OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_LOCAL_SIZE: '1', PMIX_NAMESPACE: '2733768705' },
    'mpirun -x MASTER_ADDR=HOST',
  ],
};

/** What Slurm sets where no worker runs. */
export const NO_WORKERS: Readonly<Record<string, Environment>> = {
  'a command of salloc -n 2 -N 2': {
    SLURM_JOB_ID: '3',
    SLURM_JOB_NODELIST: 'gpu[08-09]',
    SLURM_NTASKS: '2',
    SLURM_TASKS_PER_NODE: '1(x2)',
  },
  'a batch script': {
    ...{ SLURM_JOB_ID: '4', SLURM_JOB_NODELIST: 'gpu[08-09]', SLURM_NTASKS: '2', SLURM_TASKS_PER_NODE: '1(x2)' },
    ...slurmTask(0, 0, 0),
  },
};

/** `srun -n 6 -N 3 --distribution=plane=2`, of which the environment does not have the 2. */
export const PLANE: Environment = {
  ...{ ...threeNodes, SLURM_JOB_ID: '5', SLURM_DISTRIBUTION: 'plane' },
  ...{ SLURM_STEP_NUM_TASKS: '6', SLURM_STEP_TASKS_PER_NODE: '2(x3)' },
  ...slurmTask(3, 1, 1),
};
