/**
 * `make bench`: ours beside the peers on this machine's CPU, row by row.
 *
 * Usage: node cpu.ts --python PYTHON --work FOLDER [--llama-cpp FOLDER] [--rows a,b] [--rounds N] [--label "machine class"]
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deviceInfo } from 'lowrank';
import { defaultModelPath } from 'lowrank/internal';
import { describeMachine } from './machine.ts';
import { llamaCpp, ours, peer } from './processes.ts';
import { reportOf } from './report.ts';
import { type Line, ROWS, type Setting } from './rows.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string' },
    work: { type: 'string' },
    'llama-cpp': { type: 'string' },
    rows: { type: 'string' },
    rounds: { type: 'string', default: '2' },
  },
});
const { python, work } = values;
if (!python || !work) throw new Error('--python and --work are needed; `make bench` gives them');
const names = values.rows?.split(',') ?? Object.keys(ROWS);
const unknown = names.filter((name) => !(name in ROWS));
if (unknown.length > 0) throw new Error(`no row is called ${unknown.join(', ')}; there are ${Object.keys(ROWS).join(', ')}`);

const SEVEN = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];
const say = (text: string) => void process.stderr.write(`bench: ${text}\n`);
const gguf = defaultModelPath();
const weights = join(work, 'smollm2');
mkdirSync(work, { recursive: true });
if (!existsSync(join(weights, 'config.json'))) {
  say('writing the weights once, for both sides to read');
  ours(gguf).run('export', { adapter: weights });
}
const adapters = {
  lora: adapter('lora', 'lora', { r: 16, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] }, false),
  loraNudged: adapter('lora-nudged', 'lora', { r: 16, lora_alpha: 16, target_modules: ['q_proj', 'v_proj'] }, true),
  loraAll: adapter('lora-all', 'lora', { r: 16, lora_alpha: 16, target_modules: SEVEN }, false),
  prefix: adapter('prefix', 'adaption_prompt', { adapter_len: 10, adapter_layers: 28 }, true),
};
const environment = { BENCH_TOKENIZER: gguf, TF_NUM_INTRAOP_THREADS: String(availableParallelism()) };
const setting: Setting = {
  ours: ours(weights, environment),
  oursFromGguf: ours(gguf, environment),
  peer: peer(python, weights),
  ...(values['llama-cpp'] && { llamaCpp: llamaCpp(values['llama-cpp'], gguf) }),
  adapters,
  threads: availableParallelism(),
  rounds: Number(values.rounds),
  say,
};
const lines: Line[] = [];
const failures: Record<string, string> = {};
for (const name of names) {
  try {
    lines.push(...(ROWS[name]?.(setting) ?? []));
  } catch (error) {
    failures[name] = String(error);
    say(`${name} failed: ${String(error)}`);
  }
  save();
}
console.log(reportOf(lines));
process.exitCode = Object.keys(failures).length > 0 ? 1 : 0;

function save(): void {
  const { versions } = setting.peer.run('versions', {}) as { versions: object };
  const about = {
    date: new Date().toISOString().slice(0, 10),
    machine: describeMachine(),
    versions: { ...versions, node: process.version, tensorflow: deviceInfo().tensorflowVersion },
  };
  writeFileSync(join(work ?? '', 'cpu.json'), `${JSON.stringify({ ...about, lines, failures }, null, 2)}\n`);
}

/** An adapter that PEFT wrote, made once. */
function adapter(name: string, kind: string, config: object, nudge: boolean): string {
  const folder = join(work ?? '', 'adapters', name);
  if (!existsSync(join(folder, 'adapter_config.json')))
    peer(python ?? '', weights).run('prepare', { adapter: folder, kind, config, nudge });
  return folder;
}
