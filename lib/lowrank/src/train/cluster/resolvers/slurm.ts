/** The variables that `srun` sets for each task of a job step. */
import { checkRank, describedBy } from './clusterDescription';
import { expandHostlist } from './hostlist';
import { portOf, type Resolver, Variables } from './resolver';

/** The place of a task: the number of its node, and its own number on that node. */
interface Seat {
  readonly node: number;
  readonly local: number;
}

/** The variables of a step. Those of a job are also set in the shell of `salloc` and in a batch script, which are not workers. */
export const slurm: Resolver = {
  name: 'Slurm',
  find: (environment) => {
    const variables = new Variables('Slurm', environment);
    if (!variables.has('SLURM_STEP_NODELIST')) return undefined;
    const [rank, size] = [variables.whole('SLURM_PROCID'), variables.whole('SLURM_STEP_NUM_TASKS')];
    const hosts = expandHostlist(variables.text('SLURM_STEP_NODELIST'));
    const counts = tasksPerNode(variables);
    checkRank(slurm.name, rank, size);
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (counts.length !== hosts.length || total !== size)
      variables.refuse(
        `SLURM_STEP_TASKS_PER_NODE has ${total} tasks on ${counts.length} nodes, the other variables have ${size} on ${hosts.length}`,
      );
    const seats = dealtOut(counts, environment.SLURM_DISTRIBUTION ?? 'block', variables);
    checkSeat(variables, seats[rank] as Seat);
    const first = portOf(`${variables.text('SLURM_JOB_ID')}.${variables.text('SLURM_STEP_ID')}`);
    return describedBy(slurm.name, { workers: seats.map(({ node, local }) => `${hosts[node]}:${first + local}`), rank });
  },
};

/** `2(x3),1` is 2, 2, 2, 1. */
function tasksPerNode(variables: Variables): number[] {
  const text = variables.text('SLURM_STEP_TASKS_PER_NODE');
  return text.split(',').flatMap((part) => {
    const [, count, times = '1'] = /^(\d{1,5})(?:\(x(\d{1,5})\))?$/.exec(part) ?? [];
    if (count === undefined) return variables.refuse(`SLURM_STEP_TASKS_PER_NODE is '${text}'`);
    return new Array<number>(Number(times)).fill(Number(count));
  });
}

/** The seats by rank: node after node, or one task on each node in turn. */
function dealtOut(counts: readonly number[], distribution: string, variables: Variables): Seat[] {
  const seats = counts.flatMap((count, node) => Array.from({ length: count }, (_, local) => ({ node, local })));
  const order = distribution.split(/[:,]/)[0];
  if (order === 'cyclic') return seats.sort((a, b) => a.local - b.local || a.node - b.node);
  if (order !== 'block') variables.refuse(`tasks are dealt out to nodes in the order '${order}': start srun with --distribution=block`);
  return seats;
}

function checkSeat(variables: Variables, { node, local }: Seat): void {
  const wanted = { SLURM_NODEID: node, SLURM_LOCALID: local };
  for (const [name, value] of Object.entries(wanted)) {
    const given = variables.whole(name);
    if (given !== value) variables.refuse(`${name} is ${given}; by the other variables this task would have ${value}`);
  }
}
