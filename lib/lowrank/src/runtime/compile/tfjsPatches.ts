/** Replaces the two kernels of tfjs-node that do more than pass operations to the backend. */
import { tf } from '../device/tensorflow';
import type { TensorInfo } from './tfjsInternals';
import { activeTrace } from './tracing/trace';

let isInstalled = false;

/** Replaces the kernels, once. Outside of traces they do what they did. */
export function installPatches(): void {
  if (isInstalled) return;
  isInstalled = true;

  // Gather reads the indices back to check them. While tracing they have no value; TensorFlow checks them on the CPU.
  const gather = originalKernel('GatherV2');
  replaceKernel(gather, (call) => {
    const backend = activeTrace() ? Object.create(call.backend as object, { readSync: { value: () => [] } }) : call.backend;
    return gather.kernelFunc({ ...call, backend });
  });

  // A clone shares its tensor's data without any operation; the trace must learn of the tensor itself.
  const identity = originalKernel('Identity');
  replaceKernel(identity, (call) => {
    activeTrace()?.symbolOf(call.inputs.x as unknown as TensorInfo);
    return identity.kernelFunc(call);
  });
}

type KernelConfig = NonNullable<ReturnType<typeof tf.getKernel>>;

function originalKernel(name: string): KernelConfig {
  const kernel = tf.getKernel(name, 'tensorflow');
  if (!kernel) throw new TypeError(`tfjs-node has no kernel '${name}'`);
  return kernel;
}

function replaceKernel(kernel: KernelConfig, kernelFunc: KernelConfig['kernelFunc']): void {
  tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  tf.registerKernel({ ...kernel, kernelFunc });
}
