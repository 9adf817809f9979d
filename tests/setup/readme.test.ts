import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';

/** The commands of the README's shell blocks, without their comments. */
const readme = readFileSync('README.md', 'utf8');
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) => (block ?? '').split('\n'));
const commands = blocks.map((line) => line.replace(/\s+#.*/, '').trim()).filter((line) => line !== '');

const bin = temporaryFolder()('bin');
beforeAll(() => {
  mkdirSync(bin);
  for (const tool of readdirSync('/usr/bin')) {
    if (!/^(node|nodejs|npm|npx|corepack)$/.test(tool)) symlinkSync(join('/usr/bin', tool), join(bin, tool));
  }
});

/** Runs a command where no Node but the checkout's is to be found. */
function run(command: string): { command: string; status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${resolve('.venv/bin')}:${bin}` },
  });
  return { command, status, said: stdout + stderr };
}

test('every target of make that the README names is there', () => {
  const makes = commands.filter((command) => command.startsWith('make '));
  expect(makes.length).toBeGreaterThanOrEqual(4);
  const questions = makes.map((command) => run(`${command} --question --makefile=Makefile 2>&1 | grep 'No rule' || true`));
  expect(questions.filter(({ said }) => said !== '')).toEqual([]);
});

// Training takes a quarter of an hour, so that these are asked for their help: the program is found, and has these options.
test('every lowrank command of the README runs with the Node of the checkout alone, and has the options named there', () => {
  const calls = commands.flatMap((command) => command.split(' | ')).filter((command) => /\blowrank [a-z]/.test(command));
  expect(calls.length).toBeGreaterThanOrEqual(3);
  const asked = new Map<string, ReturnType<typeof run>>();
  for (const call of calls) {
    const [name] = /lowrank [a-z]+/.exec(call) ?? [''];
    const { status, said } = asked.get(name) ?? run(`${name} --help`);
    asked.set(name, { command: name, status, said });
    expect({ call, status }).toEqual({ call, status: 0 });
    for (const option of call.match(/--[a-z-]+/g) ?? []) expect(said).toContain(option);
  }
});

test('npm and npx are the ones of the checkout', () => {
  expect(run('npm --version && npx --version')).toMatchObject({ status: 0, said: expect.stringMatching(/^10\.\d+\.\d+\n10\./) });
});
