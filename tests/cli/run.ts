import { Readable } from 'node:stream';
import { main } from '../../lib/lowrank/src/cli/main';

/** What a command printed, and its exit code. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in this process. */
export async function lowrank(words: readonly string[], stdin: string | Buffer = '', { isTTY = false } = {}): Promise<Outcome> {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const code = await main(words, {
    stdin: Readable.from([Buffer.from(stdin)], { objectMode: false }),
    stdout: { write: (text) => stdout.push(text) },
    stderr: { isTTY, write: (text) => stderr.push(text) },
  });
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}
