/** `lowrank setup`: installs TensorFlow and the binding for the project that contains this package. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import nodePath from 'node:path';
import { printable } from '../../runtime/messages/printable';
import { SetupError } from '../../runtime/setupError';
import type { CommandArguments } from '../arguments/commandArguments';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';

export async function run(args: CommandArguments, { stdout }: Streams): Promise<number> {
  const tensorflow = args.choice('tensorflow', ['cpu', 'gpu']) ?? (hasGpu() ? 'gpu' : 'cpu');
  const project = projectFolder();
  const environment = nodePath.join(project, '.lowrank');
  if (fs.existsSync(nodePath.join(environment, 'ready')) && !args.isOn('force')) {
    stdout.write(`${printable(environment)} is ready; --force installs it again\n`);
    return 0;
  }
  const script = nodePath.join(__dirname, '../../../setup/project.sh');
  const python = args.text('python');
  const { status, error } = spawnSync('bash', [script, process.execPath, npmProgram(), tensorflow], {
    cwd: project,
    stdio: 'inherit',
    env: { ...process.env, ...(python !== undefined && { PYTHON: python }) },
  });
  if (error) throw new SetupError(`bash, which the set-up needs, did not start (${error.message})`);
  if (status !== 0) throw new SetupError('the set-up failed; the output above says what is missing. Run the same command to try again');
  stdout.write(`ready: ${printable(environment)}\n`);
  return 0;
}

/** The folder whose node_modules contains this package. @throws UsageError in a checkout, which has its own set-up. */
function projectFolder(): string {
  const parts = __dirname.split(nodePath.sep);
  const at = parts.indexOf('node_modules');
  if (at < 0) throw new UsageError('this is a checkout of lowrank: run `make setup` there');
  return parts.slice(0, at).join(nodePath.sep) || nodePath.sep;
}

/** The npm that runs this process, or the one beside Node. */
function npmProgram(): string {
  const beside = nodePath.join(nodePath.dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js');
  const found = [process.env.npm_execpath, beside].find((path) => path !== undefined && /npm-cli\.c?js$/.test(path) && fs.existsSync(path));
  if (found === undefined) throw new UsageError('found no npm beside Node: run `npx lowrank setup`');
  return found;
}

function hasGpu(): boolean {
  return spawnSync('nvidia-smi', { stdio: 'ignore' }).status === 0;
}
