import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

test('a strict project of its own compiles against the library, without skipLibCheck', () => {
  const project = mkdtempSync(join(tmpdir(), 'consumer-'));
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
  symlinkSync(resolve('lib/lowrank'), join(project, 'node_modules/lowrank'));
  symlinkSync(resolve('node_modules/@types/node'), join(project, 'node_modules/@types/node'));
  const compilerOptions = { strict: true, target: 'ES2022', module: 'nodenext', moduleResolution: 'nodenext', noEmit: true };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['first.mts'] }));
  writeFileSync(
    join(project, 'first.mts'),
    `import { getPeftModel, LlamaForCausalLM, LoraConfig, tf } from 'lowrank';
     const model = await LlamaForCausalLM.fromPretrained('model');
     const peft = getPeftModel(model, new LoraConfig({ r: 16, targetModules: ['q_proj'] }));
     const logits: tf.Tensor3D = peft.forward([[1, 2]]);
     export const largest: tf.Tensor = logits.mul(2).max(); // operations as methods are typed too
    `,
  );
  const { stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { encoding: 'utf8' });
  rmSync(project, { recursive: true });
  expect(stdout).toBe('');
});
