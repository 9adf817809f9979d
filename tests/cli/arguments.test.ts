import fs from 'node:fs';
import { LlamaForCausalLM } from 'lowrank';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { lossLine } from '../../lib/lowrank/src/cli/trainAdapter';
import { shuffled } from '../../lib/lowrank/src/runtime';
import { temporaryFolder } from '../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel } from '../review/cli/smallReviewer';
import { lowrank } from './run';

const folder = temporaryFolder();
const model = folder('model');
const data = folder('data.jsonl');
const train = (...words: string[]) => ['train', '--data', data, '--model', model, '--steps', '1', ...words];
const review = (...words: string[]) => ['review', folder('change.diff'), '--model', model, ...words];
const experiment = (...words: string[]) => ['experiment', 'experiments/reviewer.json', '--model', model, ...words];

beforeAll(async () => {
  await saveSmallModel(model);
  saveSmallAdapters(folder('adapters'));
  fs.rmSync(folder('adapters/necessity'), { recursive: true });
  fs.writeFileSync(folder('a-file'), '');
  fs.writeFileSync(folder('change.diff'), '--- a/a.js\n+++ b/a.js\n@@ -1 +1 @@\n-a\n+b\n');
  fs.writeFileSync(data, Array.from({ length: 20 }, (_, i) => JSON.stringify({ prompt: `a${i}`, completion: 'b' })).join('\n'));
});

const file = folder('a-file');
const adapter = folder('adapters/comment');
const output = folder('new');

describe('what the arguments alone show to be wrong is refused before a model is loaded', () => {
  test.each([
    [train('--output', file), /--output .*a-file: this is a file; give the name of a folder/],
    [train('--output', `${file}/x`), /--output .*a-file\/x: .*a-file is a file, not a folder/],
    [train('--output', model), /--output .*model holds a model, onto which transformers would then put the adapter/],
    [train('--output', output, '--checkpoint', file), /--checkpoint .*a-file: this is a file/],
    [train('--output', output, '--log', model), /--log .*model: this is a folder; give the name of a file/],
    [train('--output', output, '--log', `${file}/x`), /--log .*: .*a-file is a file, not a folder/],
    [train('--output', output, '--output', folder('other')), /--output is given twice, as '.*new' and as '.*other'/],
    [review('--exclude', '*.js', '--exclude=*.ts'), /--exclude is given twice, as '\*\.js' and as '\*\.ts'/],
    [train('--output', output, '--max-restarts', '2'), /--max-restarts does nothing without --workers/],
    [train('--output', output, '--language'), /--language does nothing without --task/],
    [train('--output', output, '--quantize', 'int9'), /--quantize int9 is not one of q4_1, int8, nf4/],
    [['train', '--task', 'comment', '--output', output, '--model', adapter], /comment holds an adapter, not a model/],
    [['merge', '--model', model, '--adapter', folder('none'), '--output', output], /--adapter .*none: there is no such folder/],
    [['merge', '--model', model, '--adapter', model, '--output', output], /model has no adapter_config\.json/],
    [['merge', '--model', model, '--adapter', folder('adapters'), '--output', output], /its sub-folders have: load comment, refinement/],
    [['merge', '--model', model, '--adapter', adapter, '--output', adapter], /comment holds an adapter, which transformers would put onto/],
    [['merge', '--model', model, '--adapter', adapter, '--output', file], /--output .*a-file: this is a file/],
    [['generate', '--model', model, '--adapter', file, 'a'], /--adapter .*a-file: this is a file, not a folder/],
    [['generate', '--model', model, '--beams', '3', '--temperature', '1', 'a'], /numBeams 3 searches and temperature 1 draws/],
    [['generate', '--model', model, '--top-p', '0.5', 'a'], /--top-p does nothing without --temperature/],
    [['generate', '--model', model, '--top-p', '0', '--temperature', '1', 'a'], /topP 0 is not above 0/],
    [['generate', '--model', folder('none'), '-'], /none: there is no such file or folder/],
    [['eval', '--task', 'comment', '--model', folder('none')], /none: there is no such file or folder/],
    [['eval', '--task', 'comment', '--adapter', folder('none')], /--adapter .*none: there is no such folder/],
    [['info', '--model', model, '--adapter', adapter], /--adapter does nothing beside --model: leave one of them out/],
    [review('--untuned', '--adapter', folder('adapters')), /--adapter does nothing beside --untuned/],
    [review('--adapter', folder('adapters'), '--threshold', '0.3'), /--threshold does nothing without an adapter for necessity/],
    [review('--untuned', '--threshold', '2'), /--threshold 2 is not a number from 0 to 1/],
    [review('--untuned', '--exclude', 'x'.repeat(5000)), /--exclude has 5000 characters/],
    [experiment('--output', model), /--output .*model: this is a folder; give the name of a file/],
    [experiment('--output', folder('results.json'), '--work', file), /--work .*a-file: this is a file/],
  ])('%j', async (words, message) => {
    const load = vi.spyOn(LlamaForCausalLM, 'fromPretrained');
    const { code, stderr } = await lowrank(words);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(load).not.toHaveBeenCalled();
    load.mockRestore();
  });
});

test('a validation loss that is not a number is not the lowest', () => {
  expect(lossLine([6.5, 6, Number.NaN])).toBe(
    'validation loss: 6.5000 before training, 6.0000 at the lowest; the adapter has the weights of the lowest\n',
  );
  expect(lossLine(Array(200_000).fill(3))).toContain('3.0000 at the lowest'); // more than a call takes arguments
});

test('--held-out takes as many examples as it says, and must leave some to train on', async () => {
  const loss = async (count: string) => lowrank(train('--output', folder(`held-${count}`), '--held-out', count, '--rank', '2'));
  expect(await loss('15')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 updates on 5 examples of model'),
    stderr: expect.stringContaining('measuring the loss of 15 held-out examples first'),
  });
  expect(await loss('20')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/--held-out 20 leaves none of the 20 examples in .*data\.jsonl to train on/),
  });
});

test('held-out examples that are too long are counted like the others', async () => {
  const lines = Array.from({ length: 20 }, (_, i) => JSON.stringify({ prompt: `a${i}`, completion: 'b '.repeat(i % 2 === 0 ? 1 : 600) }));
  fs.writeFileSync(folder('long.jsonl'), lines.join('\n'));
  const given = ['--data', folder('long.jsonl'), '--model', model, '--output', folder('long'), '--held-out', '10'];
  const { stdout } = await lowrank(['train', ...given, '--steps', '1', '--rank', '2']);
  const [, training, heldOut] = /skipped (\d+) examples .*\nskipped (\d+) held-out examples longer than --max-length\n/.exec(stdout) ?? [];
  expect(Number(training) + Number(heldOut)).toBe(10);
});

test('held-out examples that are all too long end a run before anything is trained', async () => {
  const [heldOut] = shuffled(Array.from(Array(20).keys()), 1); // as train shuffles its examples
  const lines = Array.from({ length: 20 }, (_, i) => JSON.stringify({ prompt: `a${i}`, completion: 'b '.repeat(i === heldOut ? 600 : 1) }));
  fs.writeFileSync(folder('one-long.jsonl'), lines.join('\n'));
  const given = ['--data', folder('one-long.jsonl'), '--model', model, '--output', folder('one-long'), '--held-out', '1'];
  const { code, stderr } = await lowrank(['train', ...given, '--steps', '1', '--rank', '2']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/all 1 held-out examples exceed 512 tokens: raise --max-length\n$/)]);
  expect(fs.existsSync(folder('one-long'))).toBe(false);
});
