/**
 * Makes the GPU benchmark a folder that needs no npm package: two programs, the native binding and Node itself.
 * Usage: node bundle.mjs OUT_FOLDER
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../..');
const out = resolve(process.argv[2] ?? 'build/gpu/app');
const binding = join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8');

/** tfjs-node asks this package where its binding lies: beside the program. */
const findBinding = {
  name: 'find-binding',
  resolveId: (id) => (id === '@mapbox/node-pre-gyp' ? '\0find-binding' : null),
  load: (id) => (id === '\0find-binding' ? "exports.find = () => require('node:path').join(__dirname, 'tfjs_binding.node');" : null),
};

/** The library looks for tfjs at run time, where a project has it; here it is part of the program. */
const inlineTfjs = {
  name: 'inline-tfjs',
  transform(code, id) {
    if (!/runtime\/device\/tensorflow\.[jt]s$/.test(id)) return null;
    const inlined = code.replace(
      /require\((\(0, tensorflowPackage_1\.tensorflowPackage\)|tensorflowPackage)\(\)\)/,
      "require('@tensorflow/tfjs-node-gpu')",
    );
    if (inlined === code) throw new Error(`${id} no longer requires tfjs as this file expects`);
    return { code: inlined };
  },
};

/** The library reads its package.json, which does not travel. */
const inlinePackage = {
  name: 'inline-package',
  load(id) {
    if (!/runtime\/ownPackage\.[jt]s$/.test(id)) return null;
    const { version, engines } = JSON.parse(readFileSync(join(root, 'lib/lowrank/package.json'), 'utf8'));
    const owner = id.endsWith('.ts') ? 'export const ownPackage' : 'exports.ownPackage';
    return `${owner} = () => (${JSON.stringify({ version, engines })});`;
  },
};

/** The CommonJS packages in the bundle ask where they are. */
const banner = 'const __dirname = import.meta.dirname, __filename = import.meta.filename;';

mkdirSync(out, { recursive: true });
for (const program of [
  'bench.ts',
  'scale.ts',
  'ours.ts',
  'experiment.ts',
  '../../train/cluster/worker.ts',
  '../../train/cluster/longFaults.ts',
  '../../soak/soak.ts',
  '../../memory/measuredRun.ts',
]) {
  const bundle = await rolldown({
    input: join(here, program),
    platform: 'node',
    external: [/^(vega|vega-lite|eslint|tslab|danfojs-node|nodejs-polars)$/],
    plugins: [findBinding, inlineTfjs, inlinePackage],
    logLevel: 'warn',
  });
  await bundle.write({ file: join(out, basename(program).replace('.ts', '.mjs')), format: 'es', codeSplitting: false, banner });
}
copyFileSync(join(here, 'peer.py'), join(out, 'peer.py'));
for (const file of ['tfjs_binding.node', 'tfjs_tensorflow.so']) copyFileSync(join(binding, file), join(out, file));
