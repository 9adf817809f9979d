/** Work in its own process, whose memory can be measured and which may be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type * as lowrank from 'lowrank';

/** The outcome of a function in its own process; undefined if the process was killed. */
export interface Outcome<Result> {
  readonly result?: Result;
  /** The message of the error that the function threw. */
  readonly message?: string;
  /** The process's peak memory by Linux's count, in MB. */
  readonly peak?: number;
}

/**
 * Runs a function in its own Node process. Only its text is sent there, so it knows the library and its arguments, and nothing around it.
 *
 * @param run - gets the library, and `given`
 * @param given - is sent as JSON, like the result
 * @param variables - of the environment, in addition to this process's
 * @throws Error when the process fails before it has an outcome
 */
export async function inProcess<Given, Result>(
  run: (library: typeof lowrank, given: Given) => Result | Promise<Result>,
  given: Given,
  variables: Readonly<Record<string, string>> = {},
): Promise<Outcome<Result>> {
  const program = `
    (async () => (${run})(require('lowrank'), ...JSON.parse(process.argv[1])))()
      .then((result) => ({ result }), ({ message }) => ({ message }))
      .then((outcome) => {
        const [, kibibytes] = /VmHWM:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'));
        process.send({ ...outcome, peak: (1024 * kibibytes) / 1e6 }, () => process.disconnect());
      });`;
  const child = spawn(process.execPath, ['--no-deprecation', '-e', program, JSON.stringify([given])], {
    cwd: __dirname, // where the library is found
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3', ...variables },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let outcome: Outcome<Result> | undefined;
  let errors = '';
  child.on('message', (sent) => {
    outcome = sent as Outcome<Result>;
  });
  child.stderr?.on('data', (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, 'close');
  if (!outcome && !signal) throw new Error(`the process ended with ${code} and no outcome: ${errors.slice(-2000)}`);
  return outcome ?? {};
}
