import fs from 'node:fs';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { writeSealed } from '../../../lib/review/src/sealedFile';
import { lowrank } from '../../cli/run';
import { temporaryFolder } from '../../io/temporaryFolder';
import { saveSmallModel } from './smallReviewer';

const folder = temporaryFolder();
const config = {
  methods: [{ name: 'LoRA', adapter: { peftType: 'LORA', r: 2 }, learningRates: [0.001] }],
  tasks: ['comment'],
  seeds: [1],
  sweep: { steps: 1 },
  ...{ maxSteps: 1, evaluateEvery: 1, patience: 1, warmupSteps: 1, maxLength: 200, batchSize: 2 },
  examples: { train: 8, validation: 2, test: 2 },
  maxNewTokens: { comment: 4, refinement: 4 },
  forms: { short: {} },
};
const review = (i: number) => ({
  ...{ id: `${i}`, source: 'lint', language: 'javascript', code: `let a${i};`, comment: `Not ${i}.` },
  origin: { package: `p${i}`, version: '1.0.0', file: 'a.js', line: 1 },
});
const texts = { code: ['let a;'], english: ['A text.'] };
const [output, answers] = [folder('out/r.json'), folder('out/r.answers.jsonl.gz')];
const collect = (...more: readonly string[]) => {
  const files = ['--work', folder('work'), '--output', output, '--data', folder('reviews.jsonl'), '--model', folder('model')];
  return lowrank(['experiment', folder('config.json'), ...files, '--collect', '--quiet', ...more]);
};

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  fs.writeFileSync(folder('config.json'), JSON.stringify(config));
  fs.writeFileSync(folder('reviews.jsonl'), Array.from({ length: 40 }, (_, i) => JSON.stringify(review(i))).join('\n'));
  writeSealed(folder('work/texts.json'), 'texts', texts);
});
afterEach(() => vi.restoreAllMocks());

test('a disk that refuses the results or the answers leaves both as they were', async () => {
  expect(await collect()).toMatchObject({ code: 0, stdout: `written to ${output}\n` });
  for (const path of [output, answers]) fs.writeFileSync(path, 'older');
  for (const file of [/\.r\.json\..*tmp$/, /\.r\.answers\..*tmp$/]) {
    const real = fs.openSync;
    vi.spyOn(fs, 'openSync').mockImplementation((path, ...rest) => {
      if (file.test(String(path))) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'open' });
      return real(path, ...rest);
    });
    const { code, stderr } = await collect();
    vi.restoreAllMocks();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^lowrank experiment: cannot write \S+out\/r\.\S+ \(.*ENOSPC.*\); check the folder, .*free space\n$|missing/);
    expect([output, answers].map((path) => fs.readFileSync(path, 'utf8'))).toEqual(['older', 'older']);
    expect(fs.readdirSync(folder('out')).sort()).toEqual(['r.answers.jsonl.gz', 'r.json']);
  }
}, 60_000);

test.each([
  ['--minutes', '5'],
  ['--workers', '2'],
])('%s beside --collect, which runs nothing, is refused', async (flag, value) => {
  const { code, stderr } = await collect(flag, value);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`--collect runs nothing, so ${flag} has no effect; leave one of them out`)]);
});

test('damaged texts are refused with the remedy', async () => {
  const path = folder('work/texts.json');
  fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replace('let', 'lex'));
  const { code, stderr } = await collect();
  expect([code, stderr]).toEqual([
    2,
    `lowrank experiment: ${path} is damaged: its checksum does not fit; remove it to draw the texts again; where they differ, every cell runs again\n`,
  ]);
});
