/** Attention as one kernel of cuDNN, on GPUs: the scores are never in memory. */
import { compile, deviceInfo, type tf } from '../../runtime';
import { convert } from '../../runtime/compile/graph/numberFormats';
import { type CustomCall, callKernel, type KernelValue } from '../../runtime/compile/graph/stableHlo';
import { tracedPrecision } from '../../runtime/compile/tracing/trace';
import { nvidiaSmi } from '../../runtime/device/nvidiaSmi';
import { withGradient } from '../customGradient';
import type { Kernel } from './kernel';

/** Head widths of cuDNN's kernel: multiples of this, */
const WIDTH_STEP = 8;
/** and at most this. */
const MAX_WIDTH = 128;
/** The number of tokens must be a multiple of this: older versions have no gradient for other numbers. */
const TOKEN_STEP = 64;

/** Minimum compute capability of cuDNN's kernel: Ampere's. */
const LEAST_CAPABILITY = 8;

let isOffered: boolean | undefined;

/** Whether this machine's GPU has the kernel, according to its driver's tool. */
function offersFusedAttention(): boolean {
  isOffered ??= deviceInfo().device === 'GPU' && Number(nvidiaSmi('compute_cap') ?? 0) >= LEAST_CAPABILITY;
  return isOffered;
}

/**
 * `softmax(q·kᵀ/√D + causal mask)·v` in bfloat16 with float32 sums (Dao 2023, arXiv 2307.08691), in a compiled bfloat16 function on a GPU.
 * XLA calls cuDNN's kernels as custom calls; the gradient kernel takes the log-sums of the softmax instead of the weights. The saved
 * tensors are bfloat16 and in token order, the layout of the projections.
 *
 * Shapes: q (B, H, T, D); k, v (B, K, T, D) → (B, H, T, D).
 */
export const cudnnAttention: Kernel<[q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D]> = {
  fits: (q, k) => {
    const [, , T, D] = q.shape;
    const hasSize = D % WIDTH_STEP === 0 && D <= MAX_WIDTH && T % TOKEN_STEP === 0 && T === k.shape[2];
    return hasSize && tracedPrecision() === 'bfloat16' && offersFusedAttention();
  },
  run: (q, k, v) =>
    withGradient(
      [q, k, v],
      () => {
        const halves = { q: byToken(q), k: byToken(k), v: byToken(v) };
        const { heads, logSums } = forwardKernel(halves);
        return { value: byHead(heads), saved: { ...halves, heads, logSums } };
      },
      (dy, saved) => {
        const { dq, dk, dv } = backwardKernel({ ...saved, dHeads: byToken(dy as tf.Tensor4D) });
        return [dq, dk, dv].map(byHead);
      },
    ),
};

/** Shapes: (B, H, T, D) → (B, T, H, D), bfloat16. */
const byToken = (x: tf.Tensor4D) => convert(x.transpose([0, 2, 1, 3]), 'float32', 'bfloat16');

/** Shapes: (B, T, H, D), bfloat16 → (B, H, T, D). */
const byHead = (x: tf.Tensor) => convert(x, 'bfloat16', 'float32').transpose([0, 2, 1, 3]);

/** Queries, keys and values in bfloat16. Shapes: q (B, T, H, D); k, v (B, T, K, D). */
type Halves = { readonly q: tf.Tensor; readonly k: tf.Tensor; readonly v: tf.Tensor };

const forwardKernel = compile(
  ({ q, k, v }: Halves) => {
    const shape = shapeOf(q, k);
    const results = [halfOf(q), { type: 'float32', shape: [shape.B, shape.H, shape.T] } as const];
    const [heads, logSums] = callKernel(cudnnKernel(FORWARD, shape), [q, k, v].map(operandOf), results, [WORKSPACE]);
    return { heads, logSums } as { heads: tf.Tensor; logSums: tf.Tensor };
  },
  { name: 'fused_attention', xla: true },
);

const backwardKernel = compile(
  ({
    q,
    k,
    v,
    heads,
    logSums,
    dHeads,
  }: Halves & { readonly heads: tf.Tensor; readonly logSums: tf.Tensor; readonly dHeads: tf.Tensor }) => {
    const sums = { tensor: logSums, value: { type: 'float32', shape: logSums.shape } } as const;
    const operands = [...[q, k, v].map(operandOf), sums, ...[dHeads, heads].map(operandOf)];
    const [dq, dk, dv] = callKernel(cudnnKernel(BACKWARD, shapeOf(q, k)), operands, [q, k, v].map(halfOf), [WORKSPACE]);
    return { dq, dk, dv } as { dq: tf.Tensor; dk: tf.Tensor; dv: tf.Tensor };
  },
  { name: 'fused_attention_backward', xla: true },
);

/** Workspace; XLA determines its size. */
const WORKSPACE = { type: 'uint8', shape: [0] } as const;

/** The view (B, H, T, D) of the kernel on memory in the order (B, T, H, D). */
function halfOf({ shape: [B = 0, T = 0, H = 0, D = 0] }: tf.Tensor): KernelValue {
  return { type: 'bfloat16', shape: [B, H, T, D], order: [0, 2, 1, 3] };
}

const operandOf = (tensor: tf.Tensor) => ({ tensor, value: halfOf(tensor) });

/** The sizes of an attention: S keys for T queries. */
interface AttentionShape {
  readonly B: number;
  readonly H: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
}

function shapeOf(q: tf.Tensor, k: tf.Tensor): AttentionShape {
  const [B = 0, T = 0, H = 0, D = 0] = q.shape;
  return { B, H, T, S: k.shape[1] ?? 0, D };
}

/** The axes of the two factors that a product sums over; batch and heads come first in both. */
type Contraction = readonly [left: number, right: number];

/** XLA's name of a kernel, and its names of the kernel's products (`xla/service/gpu/backend_configs.proto`). */
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

function cudnnKernel({ target, products }: CudnnKernel, { B, H, T, S, D }: AttentionShape): CustomCall {
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
  return { target, apiVersion: 2, config: JSON.stringify(JSON.stringify(config)) };
}
