import { afterEach, describe, expect, it } from 'vitest';
import { SetupError } from '../../../lib/lowrank/src';
import { givenGpus, takeOneGpu } from '../../../lib/lowrank/src/runtime/device/oneGpu';

/** What is visible to a process that was started with these variables. */
function taken(environment: NodeJS.ProcessEnv): string | undefined {
  takeOneGpu(environment);
  return environment.CUDA_VISIBLE_DEVICES;
}

describe('the GPU of a process', () => {
  afterEach(() => takeOneGpu());

  it('is the first where nothing numbers the processes', () => {
    expect(taken({})).toBe('0');
    expect(taken({ CUDA_VISIBLE_DEVICES: '2,3' })).toBe('2');
  });

  it.each(['LOCAL_RANK', 'OMPI_COMM_WORLD_LOCAL_RANK', 'SLURM_LOCALID'])('is the one with the number in %s', (variable) => {
    expect(taken({ CUDA_VISIBLE_DEVICES: 'GPU-a, GPU-b', [variable]: '1' })).toBe('GPU-b');
  });

  it('stays as it was chosen: one for this process, or none', () => {
    expect(taken({ CUDA_VISIBLE_DEVICES: '3', LOCAL_RANK: '1' })).toBe('3');
    expect(taken({ CUDA_VISIBLE_DEVICES: '', LOCAL_RANK: '1' })).toBe('');
  });

  it('is refused to a process beyond the last GPU', () => {
    const take = () => takeOneGpu({ CUDA_VISIBLE_DEVICES: '0,1', SLURM_LOCALID: '2' });
    expect(take).toRefuse(SetupError, 'SLURM_LOCALID is 2, but there are 2 GPUs: start one process for each GPU of a machine');
  });

  it('leaves word of all that were given', () => {
    takeOneGpu({ CUDA_VISIBLE_DEVICES: '4, 5' });
    expect(givenGpus()).toEqual(['4', '5']);
  });
});
