import process from 'node:process';
import { nodeBackend } from './backend';
import { tf } from './tensorflow';

/** The device and the versions that compute the tensors of this process. */
export interface DeviceInfo {
  /** tfjs's name of the backend; `tensorflow` once the binding is loaded. */
  readonly backend: string;
  /** Version of the linked TensorFlow, for example `2.21.0`. */
  readonly tensorflowVersion: string;
  /** Version of Node, without the leading `v`. */
  readonly nodeVersion: string;
  readonly device: 'CPU' | 'GPU';
}

/** The TensorFlow that runs, and its device. */
export function deviceInfo(): DeviceInfo {
  const { binding } = nodeBackend();
  return {
    backend: tf.getBackend(),
    tensorflowVersion: binding.TF_Version,
    nodeVersion: process.versions.node,
    device: binding.isUsingGpuDevice() ? 'GPU' : 'CPU',
  };
}
