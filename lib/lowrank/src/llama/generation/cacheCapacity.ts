/** How long prompts and caches of compiled decoding are. */
import { deviceInfo } from '../../runtime';

/** Prompts come in multiples of it, and caches in doublings: texts of all lengths share a few programs. */
const BUCKET = 64;

/** Below a bucket prompts come in doublings of this. A GPU takes as long for a bucket, and longer to compile. */
const leastPrompt = () => (deviceInfo().device === 'GPU' ? BUCKET : BUCKET / 4);

/** How long a prompt is with its padding. */
export function paddedLength(length: number): number {
  if (length > BUCKET) return BUCKET * Math.ceil(length / BUCKET);
  return Math.max(leastPrompt(), 2 ** Math.ceil(Math.log2(length)));
}

/** How many positions the cache of a prompt has room for. */
export function cacheCapacity(promptLength: number, maxNewTokens: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(BUCKET, paddedLength(promptLength)) + maxNewTokens));
}
