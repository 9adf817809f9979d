/** `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and `MASTER_PORT`, as torchrun and many launchers of PyTorch write them. */
import { ledBy } from './clusterDescription';
import { type Resolver, Variables } from './resolver';

/** Each process of such a launcher is one worker. */
export const torch: Resolver = {
  name: 'RANK and WORLD_SIZE',
  find: (environment) => {
    const variables = new Variables('RANK and WORLD_SIZE', environment);
    if (!variables.has('RANK') && !variables.has('WORLD_SIZE')) return undefined;
    // a PyTorchJob counts the processes that torchrun would start, and numbers the nodes
    const perNode = environment.PET_NPROC_PER_NODE ?? '1';
    if (!variables.has('LOCAL_RANK') && /^\d+$/.test(perNode) && Number(perNode) > 1)
      variables.refuse(
        `PET_NPROC_PER_NODE is ${perNode}, but this process is the only one of its node: set it to 1, or start the command with torchrun`,
      );
    const [rank, size] = [variables.whole('RANK'), variables.whole('WORLD_SIZE')];
    // torchrun's own store listens on MASTER_PORT where its agent keeps it
    const isTaken = environment.TORCHELASTIC_USE_AGENT_STORE === 'True';
    const leader = `${variables.text('MASTER_ADDR')}:${variables.whole('MASTER_PORT') + (isTaken ? 1 : 0)}`;
    return ledBy(torch.name, 'MASTER_ADDR and MASTER_PORT', { rank, size, leader });
  },
};
