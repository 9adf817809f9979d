/** The cluster that a command has been started in. */
import { duration } from '../../runtime/messages/statusLine';
import { type Cluster, findCluster, joinCluster } from '../../train';
import type { CommandArguments } from '../arguments/commandArguments';
import { ProgressLine } from '../progressLine';
import type { Streams } from '../streams';

/** Joins the cluster if the environment's variables describe several workers. Call it before a model is opened. */
export async function joinedCluster(args: CommandArguments, { stderr }: Streams): Promise<Cluster | undefined> {
  const found = findCluster();
  if (!found || found.size === 1) return undefined;
  const progress = new ProgressLine(args, stderr);
  const cluster = await joinCluster({
    onWaiting: (seconds) => progress.show(`waiting for the workers of the cluster (${found.source}): ${duration(seconds)}`),
  });
  progress.clear();
  if (!args.isOn('quiet') && cluster.isFirst) stderr.write(`${cluster.size} workers (${found.source})\n`);
  return cluster;
}
