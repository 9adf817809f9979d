/** torch's generator on a CPU, for the numbers that PEFT draws from a key and leaves out of its files. */

const N = 624;
const M = 397;

/** Words of 32 bits as torch's `Generator('cpu').manual_seed(seed)` draws them: MT19937 (Matsumoto and Nishimura 1998). */
export function mersenneTwister(seed: number): () => number {
  const state = new Uint32Array(N);
  state[0] = seed % 2 ** 32;
  for (let i = 1; i < N; i++) {
    const before = state[i - 1] ?? 0;
    state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
  }
  let next = N;
  return () => {
    if (next === N) {
      twist(state);
      next = 0;
    }
    return tempered(state[next++] ?? 0);
  };
}

/**
 * Numbers in ±bound, as torch's `uniform_(-bound, bound)` draws them in float32: the lowest 24 bits of a word, scaled and shifted
 * with one rounding.
 */
export function torchUniform(next: () => number, length: number, bound: number): Float32Array {
  const low = Math.fround(-bound);
  const width = Math.fround(Math.fround(bound) - low);
  return Float32Array.from({ length }, () => ((next() & 0xffffff) / 2 ** 24) * width + low);
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < N; i++) {
    const joined = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % N] ?? 0) & 0x7fffffff);
    state[i] = (state[(i + M) % N] ?? 0) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
  }
}

function tempered(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return (y ^ (y >>> 18)) >>> 0;
}
