/**
 * The TensorFlow of this process. Every other file imports `tf` from here, never from a tfjs package: a second copy of the binding ends the
 * process ("kernel already registered").
 */
/// <reference types="long" preserve="true" />
import util from 'node:util';
// The types of tfjs-core only: those of tfjs-layers, which nothing here uses, fail in a strict user project.
import type * as tfjs from '@tensorflow/tfjs-core';

export type {} from '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';

import { SETUP_REMEDY, SetupError } from '../setupError';
import { checkNode } from './checkNode';
import { takeOneGpu } from './oneGpu';
import { tensorflowPackage } from './tensorflowPackage';
import { checkXlaFlags } from './xlaFlags';

type TensorFlow = typeof tfjs;

/**
 * XLA tunes its own kernels for matrix products on a GPU one by one before the first step. For two layers of the LLaMA-7B shape, this took
 * more than 100 s on an H200; without tuning, a step took ten times as long as with cuBLAS.
 */
const CUBLAS_ONLY = '--xla_gpu_enable_triton_gemm=false';

/** CUDA's own pool. TensorFlow's doubles as it grows: it held 33 GB, not 23 (LLaMA-7B shape, 4 × 512 tokens), and was no faster. */
const ALLOCATOR = 'cuda_malloc_async';

/**
 * oneDNN's operations. TensorFlow disables them on CPUs without instructions for neural networks. On a CPU with only AVX2, they reduce the
 * time of a float32 training step to 70 % (SmolLM2-135M, LoRA, 4 × 256 tokens), and its memory.
 */
const ONEDNN = '1';

function load(): TensorFlow {
  checkNode();
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'; // start-up notes belong in nobody's notebook
  process.env.TF_GPU_ALLOCATOR ??= ALLOCATOR;
  process.env.TF_ENABLE_ONEDNN_OPTS ??= ONEDNN;
  takeOneGpu();
  const { XLA_FLAGS: given = '', LOWRANK_CHECKED_XLA_FLAGS: checked } = process.env;
  const flags = given === checked ? given : checkXlaFlags(given);
  process.env.XLA_FLAGS = flags.includes('xla_gpu_enable_triton_gemm') ? flags : `${flags} ${CUBLAS_ONLY}`.trim();
  process.env.LOWRANK_CHECKED_XLA_FLAGS = process.env.XLA_FLAGS; // for processes that this one starts: a check takes 30 to 110 ms
  // tfjs-node 4.22 calls these. Node 22 warns about them on stderr, and Node 23 has removed them.
  Object.assign(util, { isArray: Array.isArray, isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  try {
    return require(tensorflowPackage()) as TensorFlow;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new SetupError(`TensorFlow's native binding does not load (${reason}). ${SETUP_REMEDY}`, { cause });
  }
}

/** TensorFlow.js, as its own documentation describes it (https://js.tensorflow.org/api/4.22.0). */
export const tf: TensorFlow = load();

/** The types beside the value above: `tf.Tensor` reads as in any tfjs program. */
export declare namespace tf {
  /** The number of axes of a tensor, as a type. */
  export type Rank = tfjs.Rank;
  /** A tensor of any rank, or of rank R. */
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
  /** A tensor whose values can be replaced. */
  export type Variable<R extends Rank = Rank> = tfjs.Variable<R>;
  /** The storage type of a tensor's values. */
  export type DataType = tfjs.DataType;
  /** Tensors by name. */
  export type NamedTensorMap = tfjs.NamedTensorMap;
  /** Tensors in arrays and objects, as `tf.tidy` returns them. */
  export type TensorContainer = tfjs.TensorContainer;
}
