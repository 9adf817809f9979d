/** Lengths of padded prompts and caches in compiled decoding. */
import { deviceInfo } from '../../runtime';

/** Prompts are padded to multiples of this and caches to doublings of it, so texts of all lengths share a few programs. */
const BUCKET = 64;

/** Shorter prompts are padded to doublings of this. A GPU takes as long for a whole bucket, and longer to compile. */
const leastPrompt = () => (deviceInfo().device === 'GPU' ? BUCKET : BUCKET / 4);

export function paddedLength(length: number): number {
  if (length > BUCKET) return BUCKET * Math.ceil(length / BUCKET);
  return Math.max(leastPrompt(), 2 ** Math.ceil(Math.log2(length)));
}

export function cacheCapacity(promptLength: number, maxNewTokens: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(BUCKET, paddedLength(promptLength)) + maxNewTokens));
}
