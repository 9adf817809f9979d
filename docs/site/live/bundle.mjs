/**
 * Bundles what the Run buttons load: the editor, and the worker with the library, each as one classic script.
 *
 * Usage: node bundle.mjs FOLDER. It lies in the folder whose packages it bundles, below those of the checkout.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { rolldown } from 'rolldown';

const [folder] = process.argv.slice(2);
const here = import.meta.dirname;
const require = createRequire(import.meta.url);
const lowrank = path.dirname(require.resolve('lowrank/package.json'));
const { browser } = require('lowrank/package.json');
const WASM = 'wasm:tensorflow';

/** What `lowrank` exchanges of Node is exchanged in the packages on top of it too; what else they ask of Node no cell calls. */
const forBrowsers = {
  name: 'for-browsers',
  resolveId: (source) => {
    if (source === WASM) return WASM;
    if (!source.startsWith('node:')) return null;
    return browser[source] ? path.join(lowrank, browser[source]) : '\0nothing';
  },
  load: (id) => {
    if (id === '\0nothing') return 'export default {};';
    if (id !== WASM) return null;
    const binary = fs.readFileSync(path.join(here, '../node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'));
    return `export default ${JSON.stringify(binary.toString('base64'))};`;
  },
};

async function script(name) {
  const bundle = await rolldown({
    input: path.join(here, `${name}.ts`),
    platform: 'browser',
    logLevel: 'silent',
    plugins: [forBrowsers],
    transform: { define: { __dirname: '"/"' } },
    // One copy for the library and for its backend.
    resolve: { alias: { '@tensorflow/tfjs-core': path.dirname(createRequire(lowrank).resolve('@tensorflow/tfjs-core/package.json')) } },
  });
  const { output } = await bundle.generate({ format: 'iife', minify: true, codeSplitting: false });
  await bundle.close();
  return output[0].code;
}

fs.writeFileSync(path.join(folder, 'live.js'), await script('page'));
fs.writeFileSync(path.join(folder, 'liveWorker.js'), `window.lowrankLiveWorker = ${JSON.stringify(await script('worker/worker'))};`);
