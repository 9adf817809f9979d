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
