import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

/** An empty folder with a blank in its name, as a user would begin a project. */
const project = mkdtempSync(join(tmpdir(), 'a project '));
afterAll(() => rmSync(project, { recursive: true, force: true }));

const env = {
  ...process.env,
  NODE_DISABLE_COMPILE_CACHE: '1', // it knows files by their path, and these are gone afterwards
  PATH: `${resolve('.venv/bin')}:${process.env.PATH}`,
  npm_config_cache: join(project, '.npm'),
  LOWRANK_OBJECTS: resolve('.venv/state/objects'), // of sources that are those of the checkout, byte by byte
};

function run(command: string, cwd = project): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { cwd, env, encoding: 'utf8' });
  expect({ command, status, stderr: status === 0 ? '' : stdout + stderr }).toEqual({ command, status: 0, stderr: '' });
  return stdout;
}

const FIRST = `
import { getPeftModel, LlamaForCausalLM, LoraConfig, type tf } from 'lowrank';

const sizes = { vocabSize: 64, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 2, numAttentionHeads: 2, maxPositionEmbeddings: 64 };
const peft = getPeftModel(LlamaForCausalLM.fromConfig(sizes, { seed: 5 }), new LoraConfig({ r: 2, targetModules: ['q_proj'] }));
const logits: tf.Tensor3D = peft.forward([[1, 2, 3]]);
const largest: tf.Tensor = logits.mul(2).max(); // operations as methods are typed too
console.log(logits.shape.join(' '), largest.size);
export const load = (path: string): Promise<LlamaForCausalLM> => LlamaForCausalLM.fromPretrained(path);
`;

test('the packed core is installed, set up and used by a strict ESM project that has nothing else', { timeout: 900_000 }, () => {
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'mine', private: true, type: 'module' }));
  run(`npm pack --silent --pack-destination "${project}"`, resolve('lib/lowrank'));
  run('npm install --no-audit --no-fund ./lowrank-*.tgz');
  expect(['eslint', 'vega', 'tslab'].filter((name) => existsSync(join(project, 'node_modules', name)))).toEqual([]); // a small core

  expect(run('npx --no-install lowrank setup --tensorflow cpu')).toContain('ready: ');
  writeFileSync(join(project, 'first.mts'), FIRST);
  const compilerOptions = {
    strict: true, // and no skipLibCheck
    skipDefaultLibCheck: true, // TypeScript's own declarations, which hold nothing of ours
    target: 'ES2022',
    module: 'nodenext',
    noEmit: true,
    types: ['node'],
    typeRoots: [resolve('node_modules/@types')],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['first.mts'] }));
  run(`"${process.execPath}" "${resolve('node_modules/typescript/bin/tsc')}" -p .`);
  expect(run('node --disable-warning=ExperimentalWarning first.mts')).toBe('1 3 64 1\n');
  expect(run('npx --no-install lowrank info')).toMatch(/SmolLM2-135M-Instruct\.Q4_1\.gguf[\s\S]*134515008/); // the default model

  const readme = readFileSync('README.md', 'utf8');
  const [, program = ''] = /```js\n(\/\/ first\.mjs[\s\S]*?)```/.exec(readme) ?? [];
  const [command = ''] = /^node first\.mjs .*$/m.exec(readme) ?? [];
  writeFileSync(join(project, 'first.mjs'), program);
  const said = run(command.replace('node ', 'node --no-deprecation '));
  expect(said).toContain('def is_even(n):\n    return n % 2 == 0');
  expect(existsSync(join(project, 'my-adapter/adapter_config.json'))).toBe(true);

  const { status, stderr } = spawnSync('bash', ['-c', 'npx --no-install lowrank review'], { cwd: project, env, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('npm install lowrank-review') });
});
