/** The variables that Open MPI's `mpirun` sets for each process. */
import { ledBy } from './clusterDescription';
import { portOf, type Resolver, Variables } from './resolver';

/** It names no host: on one machine none is needed, and beyond it `MASTER_ADDR` says where worker 0 is. */
export const openMpi: Resolver = {
  name: 'Open MPI',
  find: (environment) => {
    const variables = new Variables('Open MPI', environment);
    if (!variables.has('OMPI_COMM_WORLD_SIZE')) return undefined;
    const [rank, size] = [variables.whole('OMPI_COMM_WORLD_RANK'), variables.whole('OMPI_COMM_WORLD_SIZE')];
    const isOneMachine = variables.whole('OMPI_COMM_WORLD_LOCAL_SIZE') === size;
    if (!isOneMachine && !variables.has('MASTER_ADDR'))
      variables.refuse('it does not say which worker runs on which host: pass the address of worker 0, with mpirun -x MASTER_ADDR=HOST');
    const host = variables.has('MASTER_ADDR') ? variables.text('MASTER_ADDR') : '127.0.0.1';
    const port = variables.has('MASTER_PORT') ? variables.whole('MASTER_PORT') : portOf(variables.text('PMIX_NAMESPACE'));
    return ledBy(openMpi.name, 'MASTER_ADDR and MASTER_PORT', { rank, size, leader: `${host}:${port}` });
  },
};
