/**
 * The one TensorFlow of this process: every other file takes `tf` from here, never from a tfjs package, because a second
 * copy of the binding ends the process ("kernel already registered").
 */
/// <reference types="long" preserve="true" />
import util from 'node:util';
// The types of tfjs-core alone: those of tfjs-layers, which nothing here uses, do not pass a strict check of a user's project.
import type * as tfjs from '@tensorflow/tfjs-core';

export type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';

import { SetupError } from '../setupError';
import { tensorflowPackage } from './tensorflowPackage';
import { checkXlaFlags } from './xlaFlags';

type TensorFlow = typeof tfjs;

/**
 * XLA's own kernels for matrix products on a GPU are tuned one by one before the first step, which for two layers of the
 * LLaMA-7B shape was not done after 100 s on an H200; untuned, a step took ten times as long as with cuBLAS.
 */
const CUBLAS_ONLY = '--xla_gpu_enable_triton_gemm=false';

/** CUDA's own pool: TensorFlow's doubles as it grows, and held 33 GB where this one holds 23 (LLaMA-7B shape, 4 × 512 tokens), no faster. */
const ALLOCATOR = 'cuda_malloc_async';

/**
 * oneDNN's operations: TensorFlow leaves them off on CPUs without instructions for neural networks. On one that has AVX2 alone a training
 * step in float32 takes seven tenths of the time with them (SmolLM2-135M, LoRA, 4 × 256 tokens), and less memory.
 */
const ONEDNN = '1';

function load(): TensorFlow {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // start-up notes belong in nobody's notebook
  process.env.TF_GPU_ALLOCATOR ??= ALLOCATOR;
  process.env.TF_ENABLE_ONEDNN_OPTS ??= ONEDNN;
  const { XLA_FLAGS: flags = '' } = process.env;
  checkXlaFlags(flags);
  if (!flags.includes('xla_gpu_enable_triton_gemm')) process.env.XLA_FLAGS = `${flags} ${CUBLAS_ONLY}`.trim();
  // tfjs-node 4.22 calls these, of which Node 22 warns on stderr and which Node 23 no longer has.
  Object.assign(util, { isArray: Array.isArray, isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  try {
    return require(tensorflowPackage()) as TensorFlow;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    const message = `TensorFlow's native binding does not load (${reason}). Run \`make setup\` in a checkout, \`npx lowrank setup\` in a project.`;
    throw new SetupError(message, { cause });
  }
}

/** TensorFlow.js: the operations that its own documentation describes (https://js.tensorflow.org/api/4.22.0). */
export const tf: TensorFlow = load();

/** The types that go with the value above, so that `tf.Tensor` reads as it does in any tfjs program. */
export declare namespace tf {
  /** How many axes a tensor has, as a type. */
  export type Rank = tfjs.Rank;
  /** A tensor of any rank, or of the rank R. */
  export type Tensor<R extends Rank = Rank> = tfjs.Tensor<R>;
  /** A tensor of one number, shape (). */
  export type Scalar = tfjs.Scalar;
  /** Shape (n). */
  export type Tensor1D = tfjs.Tensor1D;
  /** Shape (n, m). */
  export type Tensor2D = tfjs.Tensor2D;
  /** Shape (n, m, k). */
  export type Tensor3D = tfjs.Tensor3D;
  /** Shape (n, m, k, l). */
  export type Tensor4D = tfjs.Tensor4D;
  /** A tensor whose values can be assigned anew. */
  export type Variable<R extends Rank = Rank> = tfjs.Variable<R>;
  /** What a tensor's values are stored as. */
  export type DataType = tfjs.DataType;
  /** Tensors by name. */
  export type NamedTensorMap = tfjs.NamedTensorMap;
  /** Tensors in arrays and objects, as `tf.tidy` returns them. */
  export type TensorContainer = tfjs.TensorContainer;
}
