import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { AbortedError, LlamaForCausalLM, type LoraConfig, MemoryError, PeftModel, Tokenizer, tf } from 'lowrank';
import { bestThreshold, drawExamples, loadReviewData, predictReviews } from 'lowrank-review';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { completeSpec } from '../../../lib/lowrank/src/cli/arguments/commandSpec';
import { allCommands } from '../../../lib/lowrank/src/cli/commands/commands';
import { temporaryFolder } from '../../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel, smallModel, vocabSize } from '../../review/cli/smallReviewer';
import { lowrank } from '../run';

const folder = temporaryFolder();
const model = ['--model', folder('model')];
/** The words of an evaluation of so many of the reviews. */
const evaluating = (task: string, examples: number, ...more: readonly string[]) => {
  return ['eval', '--task', task, '--data', folder('reviews.jsonl'), ...model, '--examples', `${examples}`, ...more];
};

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'));
  const lines = Array.from({ length: 400 }, (_, i) =>
    JSON.stringify({
      patch: `@@ -1,1 +1,1 @@\n+let a${i};`,
      y: i % 2,
      ...(i % 2 === 1 && { msg: `Rename a${i}.` }),
      lang: i % 3 ? 'js' : 'go',
    }),
  );
  fs.writeFileSync(folder('reviews.jsonl'), lines.join('\n'));
});

describe('help', () => {
  test('names every command, and every option of each', async () => {
    const { code, stdout } = await lowrank(['--help']);
    expect(code).toBe(0);
    for (const [name, { spec }] of Object.entries(await allCommands())) {
      expect(stdout).toContain(`  ${name} `);
      const { stdout: help } = await lowrank([name, '--help']);
      for (const option of Object.keys((await completeSpec(spec)).options)) expect(help).toContain(`--${option}`);
    }
  });

  test('is shown on stderr, with exit code 2, when nothing was asked', async () => {
    expect(await lowrank([])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Usage: lowrank COMMAND') });
  });
});

test('train, eval and review work on one layout of folders, and training moves the adapter', async () => {
  const words = [
    'train',
    '--task',
    'comment',
    '--data',
    folder('reviews.jsonl'),
    '--output',
    folder('trained'),
    '--rank',
    '2',
    '--steps',
    '6',
  ];
  const { code, stdout } = await lowrank([
    ...words,
    ...model,
    '--batch-size',
    '2',
    '--learning-rate',
    '0.01',
    '--quiet',
    '--log',
    folder('log.jsonl'),
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/6 updates on \d+ examples of model\nvalidation loss: \d+\.\d{4} before training, \d+\.\d{4} at the lowest/);
  const log = fs.readFileSync(folder('log.jsonl'), 'utf8').trim().split('\n');
  expect(log.filter((line) => line.includes('"type":"step"')).length).toBe(6);

  const loaded = await PeftModel.fromPretrained(await LlamaForCausalLM.fromPretrained(folder('model')), folder('trained/comment'));
  expect(loaded.peftConfig.default).toMatchObject({ r: 2, loraAlpha: 4 } satisfies Partial<LoraConfig>);
  for (const [, variable] of loaded.namedParameters())
    if (variable.name.includes('lora_B')) expect(variable.abs().max().dataSync()[0]).toBeGreaterThan(0);
  loaded.dispose();

  const evaluation = evaluating('comment', 4, '--json', '--by-language');
  const { stdout: json } = await lowrank([...evaluation, '--adapter', folder('trained')]);
  const { scores } = JSON.parse(json);
  expect(scores[0]).toMatchObject({ language: 'all', metric: 'bleu4', examples: 4 });
  expect(new Set(scores.map(({ language }: { language: string }) => language)).size).toBeGreaterThan(1);
  expect((await lowrank([...evaluation, '--adapter', folder('trained/comment')])).stdout).toBe(json);
  expect((await lowrank(['eval', '--task', 'necessity', ...model, '--adapter', folder('trained')])).stderr).toMatch(
    /no adapter for necessity/,
  );
  const ofComment = ['eval', '--task', 'necessity', ...model, '--adapter', folder('trained/comment')];
  fs.cpSync(folder('trained/comment'), folder('misplaced/necessity'), { recursive: true });
  for (const words of [ofComment, ['review', '-', ...model, '--adapter', folder('misplaced')]])
    expect(await lowrank(words)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/was trained for comment \(training_data\.json\)/),
    });
}, 120_000);

test('eval measures necessity at the threshold of the adapter, as review does, and says which it used', async () => {
  const measured = async (adapter: string) => (await lowrank(evaluating('necessity', 8, '--adapter', adapter))).stdout;
  fs.cpSync(folder('adapters/necessity'), folder('cautious'), { recursive: true });
  fs.writeFileSync(folder('cautious/training_data.json'), '{"task": "necessity", "languageLabel": false, "threshold": 0}');
  expect(await measured(folder('cautious'))).toMatch(/^threshold 0 \(recorded with the adapter\)\n[\s\S]*recall +100\.00/);
  fs.writeFileSync(folder('cautious/training_data.json'), '{"task": "necessity", "languageLabel": false, "threshold": 1}');
  expect(await measured(folder('cautious'))).toMatch(/^threshold 1 \(recorded with the adapter\)\n[\s\S]*recall +0\.00/);
  expect(await measured(folder('adapters'))).toMatch(/^threshold 0\.5 \(the default\)\n/);
});

test('a record from before --language was kept is named once, for nothing tells whether the prompts had it', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const diff = '--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n';
  fs.cpSync(folder('adapters'), folder('older'), { recursive: true });
  const review = ['review', '-', ...model, '--adapter', folder('older'), '--threshold', '1']; // no comments, which take longest
  const evaluation = evaluating('comment', 2, '--adapter', folder('older'));
  for (const words of [review, evaluation]) await lowrank(words, diff);
  expect(warned.mock.calls).toEqual([]); // adapters of another tool
  for (const task of ['necessity', 'comment']) fs.writeFileSync(folder(`older/${task}/training_data.json`), JSON.stringify({ task }));
  for (const words of [review, evaluation]) await lowrank(words, diff);
  const end = /the prompts will not name the language; write "languageLabel": true into the file if those of the training did, else false/;
  expect(warned.mock.calls.map(([text]) => text)).toEqual([
    expect.stringMatching(/^the training_data\.json of \S+older\/necessity, \S+older\/comment is from before --language was recorded/),
    expect.stringMatching(end),
  ]);
  warned.mockRestore();
}, 120_000);

test('--language is refused where the data names no language', async () => {
  const lines = Array.from({ length: 60 }, (_, i) => JSON.stringify({ patch: `@@ -1,1 +1,1 @@\n+let d${i};`, y: 1 }));
  fs.writeFileSync(folder('unnamed.jsonl'), lines.join('\n'));
  const words = [
    'train',
    '--task',
    'necessity',
    '--data',
    folder('unnamed.jsonl'),
    ...model,
    '--steps',
    '1',
    '--output',
    folder('unnamed'),
  ];
  expect(await lowrank([...words, '--language'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--language does nothing: the review data does not name the language of any example'),
  });
});

test('review names the folders of adapters that it leaves out although they are meant', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  fs.cpSync(folder('adapters/comment'), folder('partly/comment'), { recursive: true });
  fs.cpSync(folder('adapters/refinement'), folder('partly/refinments'), { recursive: true });
  fs.cpSync(folder('adapters/refinement'), folder('partly/experiment'), { recursive: true });
  fs.mkdirSync(folder('partly/necessity/run'), { recursive: true }); // of a training that was stopped
  await lowrank(['review', '-', ...model, '--adapter', folder('partly')], '--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n');
  expect(warned.mock.calls.map(([text]) => text)).toEqual([
    `${folder('partly/necessity')} holds no finished adapter, so the task necessity is left out`,
    `the adapter in ${folder('partly/refinments')} is left out; did you mean the name refinement?`,
  ]);
  warned.mockRestore();
}, 60_000);

test('train chooses the threshold of necessity on its held-out examples, as an experiment does, and records it', async () => {
  const words = [
    '--task',
    'necessity',
    '--rank',
    '2',
    '--steps',
    '4',
    '--learning-rate',
    '0.01',
    '--held-out',
    '12',
    '--max-length',
    '200',
    ...model,
  ];
  const data = (name: string) => ['--data', folder(name), '--output', folder(`of-${name}`), '--quiet'];
  const { code, stdout } = await lowrank(['train', ...words, ...data('reviews.jsonl'), '--language']);
  const record = JSON.parse(fs.readFileSync(folder('of-reviews.jsonl/necessity/training_data.json'), 'utf8'));
  const loaded = await PeftModel.fromPretrained(
    await LlamaForCausalLM.fromPretrained(folder('model')),
    folder('of-reviews.jsonl/necessity'),
  );
  const { validation } = await loadReviewData({ path: folder('reviews.jsonl'), task: 'necessity' });
  const options = { languageLabel: true, maxLength: 201, batchSize: 4 }; // as in training
  const tokenizer = await Tokenizer.fromPretrained(folder('model'));
  const answers = await predictReviews(loaded, tokenizer, 'necessity', drawExamples('necessity', validation, 12), options);
  loaded.dispose();
  expect([code, record.threshold]).toEqual([0, bestThreshold(answers).threshold]);
  expect(stdout).toContain(`\nthreshold ${record.threshold.toFixed(4)}, which has the highest F1 on the 12 held-out examples\n`);
  const evaluation = evaluating('necessity', 4, '--adapter');
  expect((await lowrank([...evaluation, folder('of-reviews.jsonl')])).stdout).toMatch(/^threshold 0\.\d+ \(recorded with the adapter\)/);
  const alike = Array.from({ length: 60 }, (_, i) => JSON.stringify({ patch: `@@ -1,1 +1,1 @@\n+let c${i};`, y: 1, lang: 'js' }));
  fs.writeFileSync(folder('alike.jsonl'), alike.join('\n'));
  expect((await lowrank(['train', ...words, ...data('alike.jsonl')])).stdout).toMatch(
    /\nthreshold 0\.5, the default: a better one needs 5 held-out examples of each answer; here \d+ say yes and 0 no\n/,
  );
  expect((await lowrank([...evaluation, folder('of-alike.jsonl')])).stdout).toMatch(/^threshold 0\.5 \(the default\)/);
  const { forward: pass } = PeftModel.prototype;
  const forward = vi.spyOn(PeftModel.prototype, 'forward').mockImplementation(function (this: PeftModel, rows, ...others) {
    if (Array.isArray(rows) && rows.length === 1) return pass.call(this, rows, ...others); // the common beginning
    throw new MemoryError('too large');
  });
  const unmeasured = ['--data', folder('reviews.jsonl'), '--output', folder('unmeasured'), '--batch-size', '3', '--quiet'];
  const failed = await lowrank(['train', ...words, ...unmeasured]);
  const sizes = forward.mock.calls.map(([rows]) => Array.isArray(rows) && rows.length);
  forward.mockImplementation(() => {
    process.emit('SIGTERM', 'SIGTERM');
    throw new AbortedError('stopped');
  });
  const others = () => undefined;
  process.on('SIGTERM', others); // who keeps this process
  const interrupted = ['train', ...words, '--data', folder('reviews.jsonl'), '--output', folder('interrupted')];
  expect((await lowrank(interrupted)).stderr).toMatch(
    /stopped after training; the adapter is written to .*necessity, and the same command measures it\n/,
  );
  process.off('SIGTERM', others);
  forward.mockRestore();
  const again = await lowrank(interrupted);
  expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/\nthreshold 0\.\d+, which has the highest F1/)]);
  expect([failed.code, sizes]).toEqual([0, [1, 3]]);
  expect(failed.stdout).toContain(
    '\nthreshold 0.5, the default, because the 12 held-out examples could not be measured: MemoryError: too large\n',
  );
  expect((await lowrank([...evaluation, folder('unmeasured')])).stdout).toMatch(/^threshold 0\.5 \(the default\)/);
}, 120_000);

test('no control character of a name or of data reaches the terminal', async () => {
  const lines = Array.from({ length: 40 }, (_, i) =>
    JSON.stringify({ patch: `@@ -1,1 +1,1 @@\n+let b${i};`, y: i % 2, lang: 'j\u009b\u001bs' }),
  );
  fs.writeFileSync(folder('escapes.jsonl'), lines.join('\n'));
  const data = ['--data', folder('escapes.jsonl'), ...model];
  const training = [
    'train',
    '--task',
    'necessity',
    ...data,
    '--rank',
    '1',
    '--steps',
    '1',
    '--held-out',
    '2',
    '--output',
    folder('to\u009b2J'),
  ];
  const evaluation = ['eval', '--task', 'necessity', ...data, '--examples', '4', '--by-language'];
  const printed = [];
  for (const words of [
    training,
    evaluation,
    [...evaluation, '--json'],
    ['merge', ...model, '--adapter', folder('to\u009b2J/necessity'), '--output', folder('m\u001b')],
  ]) {
    const { code, stdout, stderr } = await lowrank(words);
    expect(code, stderr).toBe(0);
    printed.push(stdout, stderr);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  for (const text of printed) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(printed[0]).toContain('to\ufffd2J/necessity');
  expect(printed[2]).toContain('j\ufffd\ufffds');
});

test('an adapter that was trained with --language is measured and used with the language in every prompt', async () => {
  const data = ['--task', 'comment', '--data', folder('reviews.jsonl'), ...model, '--quiet'];
  const training = ['--output', folder('labelled'), '--language', '--rank', '2', '--steps', '1', '--batch-size', '2', '--held-out', '2'];
  expect((await lowrank(['train', ...data, ...training])).code).toBe(0);
  const encode = vi.spyOn(Tokenizer.prototype, 'encode');
  const labelsOf = async (words: readonly string[], stdin?: string) => {
    encode.mockClear();
    expect((await lowrank(words, stdin)).code).toBe(0);
    const prompts = encode.mock.calls.flatMap(([text]) => (text.includes('### Input:') ? [text] : []));
    return new Set(prompts.map((text) => /The programming language is: '(\w+)'/.exec(text)?.[1]));
  };
  const diff = '--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n';
  const review = (adapters: string) => ['review', '-', ...model, '--adapter', folder(adapters)];
  const evaluation = ['eval', ...data, '--examples', '4', '--adapter'];
  const found = [
    ...[await labelsOf([...evaluation, folder('labelled')]), await labelsOf([...evaluation, folder('adapters')])],
    ...[await labelsOf(review('labelled'), diff), await labelsOf(review('adapters'), diff)],
  ];
  encode.mockRestore();
  expect(found).toEqual([new Set(['javascript', 'go']), new Set([undefined]), new Set(['python']), new Set([undefined])]);
  fs.cpSync(folder('adapters/necessity'), folder('labelled/necessity'), { recursive: true });
  fs.writeFileSync(folder('labelled/necessity/training_data.json'), '{"task": "necessity"}'); // from before it was recorded
  const warned = vi.spyOn(console, 'warn').mockReturnValue();
  expect((await lowrank(review('labelled'), diff)).code).toBe(0);
  expect(warned.mock.calls.join()).toContain('necessity is from before --language was recorded: the prompts will name the language');
  warned.mockRestore();
  fs.rmSync(folder('labelled/necessity/training_data.json'));
  expect(await lowrank(review('labelled'), diff)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/the adapter \S+comment had --language in training, and \S+necessity had not; train all alike/),
  });
}, 120_000);

test('a prefix is trained by the same command', async () => {
  const words = [
    'train',
    '--task',
    'necessity',
    '--method',
    'prefix',
    '--prefix-length',
    '3',
    '--data',
    folder('reviews.jsonl'),
    '--steps',
    '2',
  ];
  expect((await lowrank([...words, '--output', folder('prefix'), ...model, '--quiet'])).code).toBe(0);
  const { stdout } = await lowrank(['info', '--adapter', folder('prefix'), '--json']);
  expect(JSON.parse(stdout)).toMatchObject([
    { adapter: 'necessity', method: 'ADAPTION_PROMPT', prefixLength: 3, layers: 1, baseModel: 'model' },
  ]);
}, 120_000);

test.each([
  ['ia3', [], { method: 'IA3', targets: 'k_proj, v_proj, down_proj', feedforward: 'down_proj' }],
  ['vera', ['--rank', '4'], { method: 'VERA', rank: 4, projections: 'in the file' }],
])(
  '--method %s is trained, described and merged by the same commands',
  async (method, options, description) => {
    const words = ['train', '--task', 'necessity', '--method', method, ...options, '--data', folder('reviews.jsonl'), '--steps', '2'];
    expect((await lowrank([...words, '--output', folder(method), ...model, '--quiet'])).code).toBe(0);
    const { stdout } = await lowrank(['info', '--adapter', folder(method), '--json']);
    expect(JSON.parse(stdout)).toMatchObject([{ adapter: 'necessity', baseModel: 'model', ...description }]);
    const adapter = folder(`${method}/necessity`);
    expect((await lowrank(['merge', ...model, '--adapter', adapter, '--output', folder(`${method}-merged`)])).code).toBe(0);
    const prompt = ['generate', 'let a = 1;', '--max-new-tokens', '8'];
    const adapted = await lowrank([...prompt, ...model, '--adapter', adapter]);
    expect(await lowrank([...prompt, '--model', folder(`${method}-merged`)])).toEqual(adapted);
  },
  120_000,
);

test('the options of train come out of the table of methods, and one of another method is refused', async () => {
  const { stdout } = await lowrank(['train', '--help']);
  expect(stdout).toMatch(/--method METHOD +lora.* or \w+ \[lora\]\n +--rank N +rank of LoRA \[16\]/);
  const words = ['train', '--task', 'comment', '--output', folder('foreign'), ...model];
  expect(await lowrank([...words, '--method', 'prefix', '--rank', '2'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--rank does not apply to --method prefix; its options are --prefix-length or --layers'),
  });
  expect((await lowrank([...words, '--method', 'adam'])).stderr).toMatch(/--method adam is not one of lora, prefix/);
});

test('merge writes a model that generates what the adapter does', async () => {
  expect((await lowrank(['merge', ...model, '--adapter', folder('adapters/comment'), '--output', folder('merged')])).code).toBe(0);
  const prompt = ['generate', 'let a = 1;', '--max-new-tokens', '8'];
  const adapted = await lowrank([...prompt, ...model, '--adapter', folder('adapters/comment')]);
  expect(adapted.code).toBe(0);
  expect((await lowrank([...prompt, '--model', folder('merged')])).stdout).toBe(adapted.stdout);
  expect((await lowrank([...prompt, ...model])).stdout).not.toBe(adapted.stdout);
  expect((await lowrank(['generate', '-', '--max-new-tokens', '8', ...model], 'let a = 1;\n')).stdout).toBe(
    (await lowrank([...prompt, ...model])).stdout,
  );
});

test('info tells the size of a model and of adapters without loading a weight', async () => {
  const saved = smallModel(2);
  saved.savePretrained(folder('two layers'));
  saved.dispose();
  const before = tf.memory().numBytes;
  const { stdout } = await lowrank(['info', '--model', folder('two layers'), '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    model: 'two layers',
    parameters: vocabSize * 16 + 2 * (2 * 256 + 2 * 128 + 3 * 384 + 32) + 16,
    layers: 2,
  });
  const { stdout: text } = await lowrank(['info', '--adapter', folder('adapters')]);
  expect(text).toMatch(/adapter +necessity\nmethod +LORA\nrank +8/);
  expect(tf.memory().numBytes).toBe(before);
});

test('info says that an adapter stored as a pickle is not read', async () => {
  fs.mkdirSync(folder('pickle'));
  fs.writeFileSync(folder('pickle/adapter_config.json'), '{"peft_type": "LORA"}');
  fs.writeFileSync(folder('pickle/adapter_model.bin'), '');
  expect(await lowrank(['info', '--adapter', folder('pickle')])).toMatchObject({ code: 2, stderr: expect.stringContaining('a pickle') });
});

describe('the program itself', () => {
  const program = ['lib/lowrank/bin/lowrank.js'];
  const built = fs.existsSync('lib/lowrank/dist/cli/main.js');

  test.skipIf(!built)('prints its version and gives its exit codes to the shell', () => {
    const { version } = JSON.parse(fs.readFileSync('lib/lowrank/package.json', 'utf8'));
    expect(execFileSync('node', [...program, '--version']).toString()).toBe(`${version}\n`);
    const wrong = spawnSync('node', [...program, 'review', '--nothing']);
    expect([wrong.status, wrong.stdout.toString()]).toEqual([2, '']);
    expect(wrong.stderr.toString()).toMatch(/^lowrank review: .*see lowrank review --help\n$/);
  });

  test.skipIf(!built)('answers what needs no tensor without loading TensorFlow', () => {
    const asked = [['help'], ['--version'], ['review', '--help'], ['eval', '--nothing'], ['evla']];
    const script = `
      const { main } = require('./lib/lowrank/dist/cli/main.js');
      const streams = { stdout: { write() {} }, stderr: { write() {} } };
      const loaded = () => Object.keys(require.cache).filter((file) => /tfjs|tensorflow/.test(file.replace(process.cwd(), '')));
      (async () => {
        for (const words of ${JSON.stringify(asked)}) await main(words, streams);
        console.log(JSON.stringify(loaded()));
      })();`;
    expect(execFileSync('node', ['-e', script]).toString()).toBe('[]\n');
  });

  test.skipIf(!built || !fs.existsSync('/dev/full'))('says that its output cannot be written', () => {
    const { stderr, status } = spawnSync('bash', ['-c', 'node lib/lowrank/bin/lowrank.js review --help > /dev/full']);
    expect([status, stderr.toString()]).toEqual([2, 'lowrank: the output cannot be written (ENOSPC); check the disk that it goes to\n']);
  });

  test('takes what follows -- for no option', async () => {
    expect((await lowrank(['generate', ...model, '--max-new-tokens', '1', '--', '--help'])).stdout).not.toMatch(/Usage/);
  });

  test.skipIf(!built)('stops without a word when its reader leaves', () => {
    const { stderr } = spawnSync('bash', ['-c', 'node lib/lowrank/bin/lowrank.js review --help | head -c 10']);
    expect(stderr.toString()).toBe('');
  });
});

test('a model can be held in fewer bits, and a format that there is not is refused', async () => {
  const words = ['generate', 'let a = 1;', '--max-new-tokens', '8', ...model];
  const { code, stdout } = await lowrank([...words, '--quantize', 'int8']);
  expect([code, stdout]).toEqual([0, (await lowrank(words)).stdout]);
  const refused = await lowrank([...words, '--quantize', 'q3']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/--quantize.*q3.*q4_1, int8, nf4/);
  expect((await lowrank([...words, '--quantize', 'q4_1'])).stderr).toMatch(/rows of 16 values/);
});
