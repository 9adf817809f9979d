/** Runs the cells of a page, one at a time, away from the page itself, so that the page stays responsive. */

import wasm from 'wasm:tensorflow';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as initializers from '@tensorflow/tfjs-layers/dist/exports_initializers';
import * as lowrank from 'lowrank';
import { keptFiles } from 'lowrank/browser';
import * as course from 'lowrank-course';
import * as notebook from 'lowrank-notebook';
import { LOAD, SCOPE } from '../cellProgram.ts';
import type { Area, Bundle, RunMessage, WorkerMessage } from '../messages.ts';
import { printed } from './inspected.ts';

const MODULES: Readonly<Record<string, object>> = {
  lowrank,
  'lowrank-course': { ...course, defaultModelPath: refusal('defaultModelPath', 'lowrank-course') },
  'lowrank-notebook': notebook,
  '@tensorflow/tfjs-layers': { initializers },
};

const names: Record<string, unknown> = {};
let sentFiles = '';

function tell(message: WorkerMessage): void {
  self.postMessage(message);
}

/** A module by its name; what a page lacks is there by name, and refuses to be called. */
function load(module: string): object {
  return MODULES[module] ?? new Proxy({}, { get: (_, name) => refusal(String(name), module) });
}

function refusal(name: string, module: string): () => never {
  return () => {
    throw new Error(`${name} of '${module}' is not there in a browser; run the notebook`);
  };
}

async function run(program: string): Promise<void> {
  const cell = new Function(SCOPE, LOAD, `with (${SCOPE}) { return (async () => { 'use strict';\n${program}\n})(); }`);
  await cell(names, load);
}

/** Sends the files that have been written, once they are others than before. */
function sendFiles(): void {
  const files = keptFiles() as Map<string, Uint8Array<ArrayBuffer>>;
  const state = Array.from(
    files,
    ([path, bytes]) => `${path} ${bytes.length} ${bytes.reduce((sum, byte) => (31 * sum + byte) | 0, 0)}`,
  ).join();
  if (state === sentFiles) return;
  sentFiles = state;
  tell({ kind: 'files', files });
}

/** Milliseconds for a product of two 384 × 384 matrices, once the code for it has been compiled. */
function speed(): number {
  const { tf } = lowrank;
  return tf.tidy(() => {
    const square = tf.randomNormal([384, 384], 0, 1, 'float32', 1);
    const product = () => tf.sum(tf.matMul(square, square)).dataSync();
    product();
    const start = performance.now();
    product();
    return performance.now() - start;
  });
}

/** The WebAssembly comes along in this script: a page that is read from a disk may fetch nothing. */
async function startTensorFlow(): Promise<void> {
  const { tf } = lowrank;
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new Error('its WebAssembly has no SIMD; take a newer browser');
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const place = `data:application/wasm;base64,${wasm}`;
  setWasmPaths({
    'tfjs-backend-wasm.wasm': place, // it asks for all three, and takes the second
    'tfjs-backend-wasm-simd.wasm': place,
    'tfjs-backend-wasm-threaded-simd.wasm': place,
  });
  await tf.setBackend('wasm');
  await tf.ready();
}

async function start(): Promise<void> {
  Reflect.set(globalThis, Symbol.for('lowrank.display'), (bundle: Bundle, area?: Area) =>
    tell({ kind: 'display', bundle: JSON.parse(JSON.stringify(bundle)), ...(area && { area }) }),
  );
  for (const name of ['log', 'warn', 'error', 'info'] as const) {
    console[name] = (...values: unknown[]) => tell({ kind: 'text', text: `${printed(values)}\n` });
  }
  await startTensorFlow();
  tell({ kind: 'ready', milliseconds: speed() });
}

const started = start().catch((error: unknown) => {
  throw new Error(`TensorFlow does not start in this browser (${String(error)})`);
});
started.catch(() => {}); // the first cell tells

self.addEventListener('message', async ({ data: { program } }: MessageEvent<RunMessage>) => {
  try {
    await started;
    await run(program);
    sendFiles();
  } catch (error) {
    tell({ kind: 'failed', message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
  tell({ kind: 'done' });
});
