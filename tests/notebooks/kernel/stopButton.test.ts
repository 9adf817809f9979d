import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const python = '.venv/bin/python';
const isSetUp = fs.existsSync('lib/lowrank/dist/index.js') && fs.existsSync(python); // the kernel runs what `make build` made

interface State {
  readonly isSame: boolean;
  readonly isFinite: boolean;
  readonly isTraining: boolean;
  readonly tensors: number;
}

interface Outcome {
  readonly work: string;
  readonly moment: string | number;
  readonly said: string;
  readonly state: string;
  readonly next: string;
}

describe.skipIf(!isSetUp)('the stop button of a kernel', () => {
  test('ends training, evaluation, generation, review and loading at any moment, and the next call works on a whole model', async () => {
    const directory = folder('work');
    fs.mkdirSync(directory);
    const { stdout } = await promisify(execFile)(python, ['tests/notebooks/kernel/stopButton.py', directory]);
    const [first, ...outcomes] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)) as [State, ...Outcome[]];
    expect(first).toEqual({ isSame: true, isFinite: true, isTraining: false, tensors: expect.any(Number) });
    const works = ['train', 'evaluate', 'generate', 'review', 'load'];
    const moments = ['translated', 0, 0.2];
    expect(outcomes.map(({ work, moment }) => [work, moment])).toEqual(works.flatMap((work) => moments.map((moment) => [work, moment])));
    for (const { work, moment, said, state, next } of outcomes) {
      const at = `${work}, stopped at ${moment}`;
      expect(said, at).toMatch(/^Error: Interrupted/);
      expect(said, at).not.toContain('came to its end');
      const isTrain = work === 'train'; // the steps that were made count
      expect(JSON.parse(state), at).toEqual({ ...first, isSame: isTrain ? expect.any(Boolean) : true });
      expect(JSON.parse(next), at).toEqual({ ...first, isSame: !isTrain });
    }
  }, 300_000);
});
