/** The sum of a tensor over all workers, by TensorFlow's own operation. */
import { tf } from '../../runtime';
import { nodeBackend } from '../../runtime/device/backend';

/** How numbers travel: through gRPC around a ring, or through NVIDIA's library between GPUs. */
export type Communication = 'ring' | 'nccl';

/** One of the group's collectives. */
interface Reduction {
  readonly size: number;
  /** The same number for the same tensor in all workers, another for tensors of another size. */
  readonly key: number;
  readonly communication: Communication;
}

/** All workers of a cluster are one group. */
const GROUP = 1;

/** Waits until every worker has called it with a tensor of this size. */
export function collectiveSum(values: tf.Tensor, { size, key, communication }: Reduction): tf.Tensor {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_ATTR_STRING, TF_ATTR_INT, TF_FLOAT } = backend.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'merge_op', type: TF_ATTR_STRING, value: 'Add' },
    { name: 'final_op', type: TF_ATTR_STRING, value: 'Id' },
    { name: 'Nordering_token', type: TF_ATTR_INT, value: 0 },
    { name: 'communication_hint', type: TF_ATTR_STRING, value: communication },
  ];
  return tf.tidy(() => {
    const [groupSize, groupKey, instanceKey] = [size, GROUP, key].map((number) => tf.scalar(number, 'int32')) as [
      tf.Scalar,
      tf.Scalar,
      tf.Scalar,
    ];
    return backend.executeSingleOutput('CollectiveReduceV2', attributes, [values, groupSize, groupKey, instanceKey]);
  });
}
