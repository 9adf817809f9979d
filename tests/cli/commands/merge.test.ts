import fs from 'node:fs';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { lockRun } from '../../../lib/lowrank/src/io/runLock';
import { temporaryFolder } from '../../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel } from '../../review/cli/smallReviewer';
import { lowrank } from '../run';

const folder = temporaryFolder();
const merge = ['merge', '--model', folder('model'), '--adapter', folder('adapters/comment'), '--output', folder('merged')];
const files = (of = folder('merged')) =>
  new Map(fs.readdirSync(of).map((name) => [name, fs.readFileSync(`${of}/${name}`).toString('base64')]));

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'));
});
afterEach(() => vi.restoreAllMocks());

test('merge does not replace a model without --force', async () => {
  expect((await lowrank(merge)).code).toBe(0);
  expect(await lowrank(merge)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/merged already contains a model: pass --force to replace it/),
  });
  expect((await lowrank([...merge, '--force'])).code).toBe(0);
});

test('merge replaces model and tokenizer together, with nothing left of the older ones', async () => {
  const whole = files();
  fs.writeFileSync(folder('merged/chat_template.jinja'), 'of another model');
  fs.writeFileSync(folder('merged/model-00001-of-00002.safetensors'), 'of another model');
  fs.writeFileSync(folder('merged/notes.txt'), 'mine');
  expect((await lowrank([...merge, '--force'])).code).toBe(0);
  expect(files()).toEqual(new Map([...whole, ['notes.txt', Buffer.from('mine').toString('base64')]]));
});

test.each(['tokenizer.json', 'model.safetensors', 'config.json'])(
  'merge leaves the older model where the disk refuses %s',
  async (name) => {
    const whole = files();
    const real = fs.openSync;
    vi.spyOn(fs, 'openSync').mockImplementation((path, ...rest) => {
      if (String(path).includes(`/.${name}.`))
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'open' });
      return real(path, ...rest);
    });
    const { code, stderr } = await lowrank([...merge, '--force', '--quiet']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^lowrank merge: cannot write \S+ \(ENOSPC.*free space\n$/)]);
    expect(files()).toEqual(whole);
  },
);

test('merge refuses a folder into which another process is writing', async () => {
  const whole = files();
  const release = lockRun(folder('merged'));
  const { code, stderr } = await lowrank([...merge, '--force', '--quiet']);
  release();
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/^lowrank merge: .*merged is in use by another run.*wait until it has ended, or take/),
  ]);
  expect(files()).toEqual(whole);
});
