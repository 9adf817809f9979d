/** `PET_*`: the options of torchrun as Kubeflow Trainer's torch runtime sets them, where the command is started without torchrun. */
import { ledBy } from './clusterDescription';
import { type Resolver, Variables } from './resolver';

/** One worker per node. */
export const torchEnvironment: Resolver = {
  name: 'PET_*',
  find: (environment) => {
    const variables = new Variables('PET_*', environment);
    if (!variables.has('PET_NNODES') && !variables.has('PET_NODE_RANK')) return undefined;
    const perNode = environment.PET_NPROC_PER_NODE ?? '1';
    if (!['', '1', 'auto', 'cpu', 'gpu'].includes(perNode))
      variables.refuse(`PET_NPROC_PER_NODE is ${perNode}, but this process is the only one of its node: set numProcPerNode to 1`);
    const [rank, size] = [variables.whole('PET_NODE_RANK'), variables.whole('PET_NNODES')];
    const leader = `${variables.text('PET_MASTER_ADDR')}:${variables.whole('PET_MASTER_PORT')}`;
    return ledBy(torchEnvironment.name, 'PET_MASTER_ADDR and PET_MASTER_PORT', { rank, size, leader });
  },
};
