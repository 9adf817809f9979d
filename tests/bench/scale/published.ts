/**
 * A published run on one machine and on two, held against the formula of the sum: LoRA with r = 16 on all linear layers of Llama 3 70B, bfloat16, 32
 * rows of 4,096 tokens an update, DGX H100 with 8 GPUs each. From NVIDIA's NeMo AutoModel, docs/performance-summary and
 * examples/llm_benchmark/llama3_3/custom_llama3_3_70b_instruct_peft_benchmark_2nodes.yaml, as of 2026-06-12.
 */
import { gatherSeconds, gradientBytes, type Network, ringSeconds } from './model.ts';

export const PUBLISHED = {
  tokensPerSecond: { one: 1091.85, two: 984.85 }, // of each GPU
  secondsPerUpdate: { one: 15.0, two: 8.32 },
} as const;

const HIDDEN = 8192;
const KEY_VALUE = 1024;
const INTERMEDIATE = 28_672;
const LLAMA_3_70B = {
  layers: 80,
  targets: [
    [HIDDEN, HIDDEN],
    [HIDDEN, KEY_VALUE],
    [HIDDEN, KEY_VALUE],
    [HIDDEN, HIDDEN],
    [HIDDEN, INTERMEDIATE],
    [HIDDEN, INTERMEDIATE],
    [INTERMEDIATE, HIDDEN],
  ],
  parameters: 70.554e9,
} as const;

/** Each GPU of a DGX H100 has a port of 400 Gb/s. */
const PORT = { gigabits: 400, hop: 0 };
/** Two GPUs share each layer (tensor parallelism), and eight such pairs share the batch and the weights (FSDP). */
const PAIRS = 8;
/** Of such a group's eight GPUs four are in each machine, and the ports of all four carry its rings. */
const GROUP: Network = { workers: PAIRS, gigabits: 4 * PORT.gigabits, hop: 0 };
/** 32 rows over 8 pairs, 2 at a time. FSDP gathers the weights of a layer before its forward and before its backward pass. */
const GATHERINGS = 2 * (32 / PAIRS / 2);

/** What the formula says of the second machine. */
export function publishedAndComputed() {
  const { one, two } = PUBLISHED.secondsPerUpdate;
  const bytes = gradientBytes(LLAMA_3_70B);
  const gradients = ringSeconds(bytes, { workers: 16, ...PORT }); // if each GPU held the whole model, as our workers do
  const weights = GATHERINGS * gatherSeconds((LLAMA_3_70B.parameters * 2) / 2, GROUP);
  const efficiency = (seconds: number) => one / 2 / (one / 2 + seconds);
  return {
    published: PUBLISHED.tokensPerSecond.two / PUBLISHED.tokensPerSecond.one,
    lost: two - one / 2,
    bytes,
    gradients: { seconds: gradients, efficiency: efficiency(gradients) },
    /** Without the part that runs behind the computation. */
    both: { seconds: gradients + weights, efficiency: efficiency(gradients + weights) },
  };
}
