/** Attention as one kernel of cuDNN, on GPUs: the scores are never in memory. */
import { compile, deviceInfo, type tf } from '../runtime';
import { type CustomResult, customCall } from '../runtime/compile/customCall';
import { tracedPrecision } from '../runtime/compile/trace';
import { nvidiaSmi } from '../runtime/nvidiaSmi';
import { withGradient } from './customGradient';
import { convert } from './stored/packedOps';

/** Head widths that cuDNN's kernel takes: multiples of this, */
const WIDTH_STEP = 8;
/** and at most this. */
const MAX_WIDTH = 128;
/** Tokens that it takes at a time: of other numbers older versions have no gradient. */
const TOKEN_STEP = 64;

/** The least compute capability of a GPU that cuDNN has the kernel for: Ampere's. */
const LEAST_CAPABILITY = 8;

let isOffered: boolean | undefined;

/** Whether this machine's GPU has the kernel, as far as its driver's tool tells. */
function offersFusedAttention(): boolean {
  isOffered ??= deviceInfo().device === 'GPU' && Number(nvidiaSmi('compute_cap') ?? 0) >= LEAST_CAPABILITY;
  return isOffered;
}

/** Whether the compiled function at hand can have it: on a GPU, in bfloat16. Shapes: q (B, H, T, D), k (B, K, S, D). */
export function canFuseAttention(q: tf.Tensor4D, k: tf.Tensor4D): boolean {
  const [, , T, D] = q.shape;
  const fits = D % WIDTH_STEP === 0 && D <= MAX_WIDTH && T % TOKEN_STEP === 0 && T === k.shape[2];
  return fits && tracedPrecision() === 'bfloat16' && offersFusedAttention();
}

/**
 * `softmax(q·kᵀ/√D + causal mask)·v` in bfloat16 with float32 sums (Dao 2023, arXiv 2307.08691), for use where {@link canFuseAttention}
 * says so. XLA knows cuDNN's kernels as custom calls; the gradient's takes the softmax's log-sums instead of the weights.
 *
 * Shapes: q (B, H, T, D); k, v (B, K, T, D) → (B, H, T, D).
 */
export function fusedCausalAttention(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D): tf.Tensor4D {
  return fused(q, k, v);
}

const fused = compile(
  (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) => {
    const scores = { q: q.shape, S: k.shape[2] };
    return withGradient(
      [q, k, v],
      () => {
        const halves = { q: half(q), k: half(k), v: half(v) };
        const forward = cudnnCall(FORWARD, scores, Object.values(halves), [
          { type: 'bfloat16', shape: q.shape },
          { type: 'float32', shape: q.shape.slice(0, 3) },
        ]);
        const [heads, logSums] = forward as [tf.Tensor, tf.Tensor];
        return { value: convert(heads, 'bfloat16', 'float32'), saved: { ...halves, heads, logSums } };
      },
      (dy, saved) => {
        const taken = [saved.q, saved.k, saved.v, saved.logSums, half(dy), saved.heads];
        const slopesOf = [q, k, v].map(({ shape }) => ({ type: 'bfloat16' as const, shape }));
        const slopes = cudnnCall(BACKWARD, scores, taken, slopesOf);
        return slopes.map((slope) => convert(slope, 'bfloat16', 'float32'));
      },
    ) as tf.Tensor4D;
  },
  { name: 'fused_attention', xla: true },
);

const half = (x: tf.Tensor) => convert(x, 'float32', 'bfloat16');

/** Which axes of its two factors a product sums over; both have the batch and the heads in front. */
type Contraction = readonly [left: number, right: number];

/** A custom call of XLA's, and its products by the names that XLA has for them (`xla/service/gpu/backend_configs.proto`). */
interface CudnnKernel {
  readonly target: string;
  readonly products: Readonly<Record<string, Contraction>>;
}

const FORWARD: CudnnKernel = {
  target: '__cudnn$fmhaSoftmax',
  products: { bmm1_dot_dimension_numbers: [3, 3], bmm2_dot_dimension_numbers: [3, 2] },
};

const BACKWARD: CudnnKernel = {
  target: '__cudnn$fmhaSoftmaxBackward',
  products: {
    bmm1_grad_gemm1_dot_dimension_numbers: [2, 2],
    bmm1_grad_gemm2_dot_dimension_numbers: [3, 2],
    bmm2_grad_gemm1_dot_dimension_numbers: [2, 2],
    bmm2_grad_gemm2_dot_dimension_numbers: [3, 3],
  },
};

/** Runs a kernel; XLA gives it room to work in as one more result, which it sizes itself. */
function cudnnCall(
  { target, products }: CudnnKernel,
  { q: [B, H, T, D], S }: { readonly q: tf.Tensor4D['shape']; readonly S: number },
  operands: tf.Tensor[],
  results: readonly CustomResult[],
): tf.Tensor[] {
  const scores = {
    element_type: 'BF16',
    dimensions: [B, H, T, S].map(String),
    layout: { minor_to_major: ['3', '2', '1', '0'] },
  };
  const axes = ([left, right]: Contraction) => ({
    lhs_contracting_dimensions: [String(left)],
    rhs_contracting_dimensions: [String(right)],
    lhs_batch_dimensions: ['0', '1'],
    rhs_batch_dimensions: ['0', '1'],
  });
  const config = {
    operation_queue_id: '0',
    cudnn_fmha_backend_config: {
      algorithm: { algo_id: '0', math_type: 'TENSOR_OP_MATH', is_cudnn_frontend: true, workspace_size: '0' },
      fmha_scale: 1 / Math.sqrt(D),
      intermediate_tensor_shape: scores,
      is_flash_attention: true,
      mask_type: 'CAUSAL',
      ...Object.fromEntries(Object.entries(products).map(([name, contraction]) => [name, axes(contraction)])),
    },
  };
  return customCall(target, config, operands, [...results, { type: 'uint8', shape: [0] }]).slice(0, -1);
}
