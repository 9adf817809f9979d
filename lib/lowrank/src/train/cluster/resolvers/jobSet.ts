/** The pods of a Kubernetes JobSet, whose host names follow from their numbers. */
import { checkRank, describedBy } from './clusterDescription';
import { type Resolver, Variables } from './resolver';

/**
 * Kubernetes sets `JOB_COMPLETION_INDEX`; the manifest passes the others: the names and numbers from the labels, and how many jobs and pods
 * there are. A pod is `JOBSET-JOB-JOB_INDEX-POD_INDEX.SUBDOMAIN`.
 */
export const jobSet: Resolver = {
  name: 'JobSet',
  find: (environment) => {
    const variables = new Variables('JobSet', environment);
    if (!variables.has('JOBSET_NAME')) return undefined;
    const [name, job] = [variables.text('JOBSET_NAME'), variables.text('REPLICATED_JOB_NAME')];
    const [jobs, pods] = [variables.whole('JOBSET_JOBS'), variables.whole('JOBSET_PODS')];
    const [jobIndex, podIndex] = [variables.whole('JOB_INDEX'), variables.whole('JOB_COMPLETION_INDEX')];
    if (jobIndex >= jobs) variables.refuse(`JOB_INDEX ${jobIndex} is none of ${jobs} jobs (JOBSET_JOBS)`);
    if (podIndex >= pods) variables.refuse(`JOB_COMPLETION_INDEX ${podIndex} is none of ${pods} pods (JOBSET_PODS)`);
    const rank = jobIndex * pods + podIndex;
    checkRank(jobSet.name, rank, jobs * pods);
    const subdomain = variables.has('JOBSET_SUBDOMAIN') ? variables.text('JOBSET_SUBDOMAIN') : name;
    const port = variables.whole('JOBSET_PORT');
    const workers = Array.from(
      { length: jobs * pods },
      (_, each) => `${name}-${job}-${Math.floor(each / pods)}-${each % pods}.${subdomain}:${port}`,
    );
    return describedBy(jobSet.name, { workers, rank });
  },
};
