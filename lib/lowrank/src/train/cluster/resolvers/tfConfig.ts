/** `TF_CONFIG`, as TensorFlow's own strategies read it. */
import { isJsonObject, type JsonObject } from '../../../io';
import { describedBy } from './clusterDescription';
import { type Resolver, Variables } from './resolver';

const NAME = 'TF_CONFIG';

/** `{"cluster": {"worker": ["host:port", …]}, "task": {"type": "worker", "index": 0}}`; a `chief` comes before the workers. */
export const tfConfig: Resolver = {
  name: NAME,
  find: (environment) => {
    const variables = new Variables(NAME, environment);
    if (!variables.has(NAME)) return undefined;
    const { cluster, task } = parsed(variables);
    if (!isJsonObject(cluster)) return variables.refuse('it has no cluster');
    const others = Object.keys(cluster).filter((job) => job !== 'chief' && job !== 'worker');
    if (others.length > 0) variables.refuse(`it has the jobs ${others.join(', ')}; every process has to be a worker`);
    if (!isJsonObject(task)) return variables.refuse('it has no task, which says what worker this is');
    const { type, index } = task;
    if (type !== 'chief' && type !== 'worker') return variables.refuse(`its task is of the type ${JSON.stringify(type)}, not worker`);
    const jobs = { chief: addresses(variables, cluster, 'chief'), worker: addresses(variables, cluster, 'worker') };
    if (typeof index === 'string') return variables.refuse(`the index of its task is the text ${JSON.stringify(index)}; write the number`);
    if (!Number.isSafeInteger(index) || Number(index) < 0 || Number(index) >= jobs[type].length)
      return variables.refuse(`its task is ${type} ${JSON.stringify(index)}, but its cluster has ${jobs[type].length} of that type`);
    const before = type === 'worker' ? jobs.chief.length : 0;
    return describedBy(NAME, { workers: [...jobs.chief, ...jobs.worker], rank: before + Number(index) });
  },
};

function parsed(variables: Variables): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(variables.text(NAME));
  } catch {
    // refused below
  }
  return isJsonObject(value) ? value : variables.refuse('it is not a JSON object');
}

function addresses(variables: Variables, cluster: JsonObject, job: string): readonly string[] {
  const list = cluster[job] ?? [];
  const isList = Array.isArray(list) && list.every((address) => typeof address === 'string');
  return isList ? list : variables.refuse(`cluster.${job} is not a list of addresses`);
}
