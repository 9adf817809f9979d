/** What a result was measured on: a class of machine, never its name. */
import { arch, availableParallelism, cpus, totalmem } from 'node:os';
import { tf } from 'lowrank';

export interface Machine {
  readonly processor: string;
  /** Those that this process may use. */
  readonly cores: number;
  readonly memoryGib: number;
  readonly architecture: string;
  /** What a matrix product of 1024 × 1024 in float32 reaches, in this very run. */
  readonly matmulGflops: number;
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    architecture: arch(),
    matmulGflops: matmulCeiling(),
  };
}

function matmulCeiling(size = 1024, times = 20): number {
  return tf.tidy(() => {
    const a = tf.randomNormal([size, size]);
    const once = () => tf.tidy(() => tf.matMul(a, a).sum().dataSync());
    for (let n = 0; n < 3; n++) once();
    const seconds = Array.from({ length: times }, () => {
      const begin = performance.now();
      once();
      return (performance.now() - begin) / 1000;
    });
    return Math.round((2 * size ** 3) / Math.min(...seconds) / 1e9);
  });
}
