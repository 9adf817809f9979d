/** A worker as TensorFlow's server takes it: a `tensorflow.ServerDef` in protobuf's text format. */

/** The options of a worker's server. */
interface ServerOptions {
  readonly rank: number;
  /** The addresses by rank. */
  readonly workers: readonly string[];
  /** Milliseconds to wait for the others. */
  readonly joinTimeout: number;
  /** Milliseconds that a worker may send no heartbeat. */
  readonly heartbeatTimeout: number;
}

/** TensorFlow's name of a worker. */
export function taskName(rank: number): string {
  return `/job:worker/replica:0/task:${rank}`;
}

/** The workers that TensorFlow's message lists behind these words. */
export function workersListed(message: string, behind: RegExp): number[] {
  const [, list = ''] = new RegExp(`${behind.source}\\s*((?:/job:worker/replica:0/task:\\d+\\s*)+)`).exec(message) ?? [];
  return Array.from(list.matchAll(/task:(\d+)/g), ([, rank]) => Number(rank));
}

/**
 * Worker 0 leads: it numbers the collectives and runs the coordination service, to which all workers send their heartbeats.
 *
 * Without `collective_group_leader`, every process would wait for the others forever.
 */
export function serverDef({ rank, workers, joinTimeout, heartbeatTimeout }: ServerOptions): string {
  const tasks = workers.map((address, index) => `tasks { key: ${index} value: "${address}" }`);
  return `
    cluster { job { name: "worker" ${tasks.join(' ')} } }
    job_name: "worker"
    task_index: ${rank}
    protocol: "grpc"
    default_session_config {
      experimental {
        collective_group_leader: "${taskName(0)}"
        coordination_config {
          service_type: "standalone"
          service_leader: "${taskName(0)}"
          enable_health_check: true
          cluster_register_timeout_in_ms: ${joinTimeout}
          cluster_register_with_barrier: true
          heartbeat_timeout_in_ms: ${heartbeatTimeout}
          shutdown_barrier_timeout_in_ms: 5000
          coordinated_job_list { name: "worker" num_tasks: ${workers.length} }
        }
      }
    }`;
}
