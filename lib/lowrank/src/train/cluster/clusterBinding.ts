/** The functions of the native binding that join processes; `lib/lowrank/setup/binding/cluster/cluster.cc` says what each does. */
import { type NativeBinding, nodeBackend } from '../../runtime/device/backend';

interface ClusterBinding extends NativeBinding {
  /** Tensors that TensorFlow holds for this process. */
  getNumOfTensors(): number;
  clusterJoin(server: string, task: string, port: number, addresses: readonly string[]): Promise<string>;
  clusterSet(key: string, value: string): Promise<unknown>;
  clusterGet(key: string, milliseconds: number): Promise<string>;
  clusterReport(message: string): Promise<unknown>;
  clusterWatch(milliseconds: number): void;
  clusterCheckPeer(task: string, milliseconds: number): Promise<unknown>;
}

export function clusterBinding(): ClusterBinding {
  return nodeBackend().binding as ClusterBinding;
}
