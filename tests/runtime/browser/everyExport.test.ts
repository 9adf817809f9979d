import nodePath from 'node:path';
import vm from 'node:vm';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';
import type * as everyExport from './everyExport';

/** What a page's worker has; no `process`, `Buffer` or `require`. */
const PAGE = {
  ...{ crypto, performance, TextDecoder, TextEncoder, URL, AbortController, AbortSignal, Blob },
  ...{ setTimeout, clearTimeout, setInterval, clearInterval, queueMicrotask, structuredClone },
  console: { log: () => {}, warn: () => {} },
  navigator: { userAgent: '' },
  location: { search: '' },
  WorkerGlobalScope: () => {},
};

async function inPage(): Promise<typeof everyExport> {
  const core = nodePath.resolve('node_modules/@tensorflow/tfjs-core');
  const bundle = await rolldown({
    input: 'tests/runtime/browser/everyExport.ts',
    platform: 'browser',
    logLevel: 'silent',
    transform: { define: { __dirname: '"/"' } },
    tsconfig: false, // the built packages, which say what a browser takes
    resolve: { alias: { '@tensorflow/tfjs-core': core } }, // one copy for the library and for the backend
  });
  const { output } = await bundle.generate({ format: 'iife', name: 'page', codeSplitting: false });
  await bundle.close();
  const context = vm.createContext({ ...PAGE });
  vm.runInContext(`var self = globalThis; var importScripts = () => {};\n${output[0].code}\nglobalThis.page = page;`, context);
  return context.page as typeof everyExport;
}

const REFUSED: Readonly<Record<string, RegExp>> = {
  joinCluster: /^UnsupportedError: a cluster of workers is not there in a browser; run this in Node$/,
  loadCheckpoint: /^FormatError: cannot open "runs" \(runs cannot be read: a page in a browser has no files/,
  mergeReport: /^UnsupportedError: TensorFlow's Cast is not there in a browser; run this in Node$/,
  'quantizeModel, then forward': /^UnsupportedError: TensorFlow's Bitcast is not there in a browser; run this in Node$/,
  saveCheckpoint: /^UnsupportedError: Node's createHash is not there in a browser; run this in Node$/,
  'train, resumed': /^UnsupportedError: a run that can be resumed \(Node's process.hrtime\) is not there in a browser; run this in Node$/,
  'trainOnExamples, with a log': /^StorageError: .*Node's fs.writeFileSync is not there in a browser; run this in Node\)/,
  'PeftModel, PiSSA': /^UnsupportedError: TensorFlow's Svd is not there in a browser; run this in Node$/,
  'PeftModel, OLoRA': /^UnsupportedError: TensorFlow's Qr is not there in a browser; run this in Node$/,
  'PeftModel, combined by svd': /^UnsupportedError: TensorFlow's Qr is not there in a browser; run this in Node$/,
  'LlamaForCausalLM, from a file': /^FormatError: .*LlamaForCausalLM.fromConfig makes a small model/,
  'Tokenizer, from a file': /^FormatError: .*a page in a browser has no files but those that it has written/,
};

test('every public function works in a page, or is refused by name with what to do', async () => {
  const { CALLS, FUNCTIONS, files, outcomes } = await inPage();
  const called = new Set(Object.keys(CALLS).map((name) => name.split(',')[0]));
  expect(FUNCTIONS.filter((name) => !called.has(name))).toEqual([]);
  const found = await outcomes();
  for (const [name, said] of Object.entries(found)) {
    const wanted = REFUSED[name];
    if (wanted === undefined) expect.soft(said, name).toBeUndefined();
    else expect.soft(said, name).toMatch(wanted);
  }
  expect(files()).toEqual(expect.arrayContaining(['lora.gguf', 'lora/adapter_model.safetensors', 'model/model.safetensors']));
});
