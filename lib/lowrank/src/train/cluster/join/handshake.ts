/** Refuses, before the first update, a worker that would not do the same as the others. */
import { StateError } from '../../../runtime';
import type { Cluster } from '../cluster';

/**
 * Compares the facts of every worker with those of worker 0.
 *
 * @throws StateError, in all workers, that names each one that differs, and every fact in which it does.
 */
export async function shakeHands(cluster: Cluster, facts: Readonly<Record<string, string>>): Promise<void> {
  const first = JSON.parse(await cluster.fromFirst(JSON.stringify(facts))) as Record<string, string>;
  const names = [...new Set([...Object.keys(first), ...Object.keys(facts)])];
  const differences = names
    .filter((name) => first[name] !== facts[name])
    .map((name) => `another ${name} (${facts[name] ?? 'none'}, not ${first[name] ?? 'none'})`);
  const verdicts = await cluster.toFirst(differences.join(' and '));
  const wrong = verdicts.flatMap((verdict, rank) => (verdict === '' ? [] : [`${cluster.nameOf(rank)} has ${verdict}`]));
  const verdict = await cluster.fromFirst(wrong.join('; '));
  if (verdict === '') return;
  throw cluster.thrownByAll(new StateError(`${verdict} than worker 0: start all workers with the same command, model and data`));
}
