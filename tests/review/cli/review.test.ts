import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import nodePath from 'node:path';
import { tf } from 'lowrank';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { lowrank } from '../../cli/run';
import { temporaryFolder } from '../../io/temporaryFolder';
import { sarifFaults } from './sarifFaults';
import { mixedKinds, saveSmallAdapters, saveSmallModel } from './smallReviewer';

const folder = temporaryFolder();
const start = process.cwd();
const reviewer = ['--model', folder('model'), '--adapter', folder('adapters'), '--threshold', '0', '--max-length', '400'];
/** Threshold 1: no comments, which take longest. */
const quick = reviewer.with(-3, '1');

const git = (...words: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...words], { cwd: folder('repository'), stdio: 'pipe' });
const write = (name: string, content: string | Uint8Array) => {
  fs.mkdirSync(nodePath.dirname(folder(`repository/${name}`)), { recursive: true });
  fs.writeFileSync(folder(`repository/${name}`), content);
};

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'));
  saveSmallAdapters(folder('mixed'), mixedKinds);
  fs.mkdirSync(folder('repository'));
  git('init', '-q', '-b', 'main');
  write('src/a.js', Array.from({ length: 30 }, (_, i) => `const a${i} = ${i};`).join('\n'));
  write('old name.py', 'print(1)\nprint(2)\nprint(3)\nprint(4)\n');
  write('gone.go', 'package gone\n');
  write('pic.bin', Buffer.from([0, 1, 2, 255]));
  git('add', '.');
  git('commit', '-qm', 'one');
  git('switch', '-qc', 'work');
  process.chdir(folder('repository'));
});
afterAll(() => process.chdir(start));

/** To start git from so large a process takes a while, so only those begin anew that change something. */
const beginAnew = () => void git('reset', '-q', '--hard', 'main');

function change(): void {
  const lines = fs.readFileSync('src/a.js', 'utf8').split('\n');
  lines[4] = 'var a4 = 44;';
  lines.splice(25, 0, 'eval(a1);', 'eval(a2);');
  write('src/a.js', lines.join('\n'));
}

describe('lowrank review', () => {
  beforeEach(beginAnew);

  test('says so where there is no repository, and what to do', async () => {
    process.chdir(folder('model'));
    try {
      for (const base of [[], ['--base', 'main']]) {
        const { code, stderr } = await lowrank(['review', ...base, ...reviewer]);
        expect(code).toBe(2);
        expect(stderr).toMatch(/model is not in a git repository; change to one, or pipe in a diff/);
      }
    } finally {
      process.chdir(folder('repository'));
    }
  });

  test('reviews what is not committed, as text with file and line', async () => {
    change();
    const before = tf.memory().numTensors;
    const { code, stdout, stderr } = await lowrank(['review', ...reviewer]);
    const said = stderr.replace(/^.* left\n/gm, ''); // what a busy machine is slow enough for
    expect([code, said]).toEqual([0, '']);
    expect(stdout).toMatch(/^src\/a\.js:5 \(review needed: \d+ %\)\n {2}\S/);
    expect(stdout).toMatch(/\nsrc\/a\.js:26-27 \(review needed/);
    expect(stdout).toMatch(/2 reviews of 2 hunks\.\n$/);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('reviews commits since the common ancestor with a base, whatever else happened there', async () => {
    change();
    git('commit', '-qam', 'two');
    git('switch', '-q', 'main');
    write('src/b.js', 'elsewhere\n');
    git('add', '.');
    git('commit', '-qm', 'three');
    git('switch', '-q', 'work');
    expect((await lowrank(['review', ...reviewer])).stdout).toBe('There is nothing to review.\n');
    const { stdout } = await lowrank(['review', '--base', 'main', ...reviewer, '--format', 'json']);
    expect(JSON.parse(stdout).reviews.map(({ file }: { file: string }) => file)).toEqual(['src/a.js', 'src/a.js']);
    git('branch', '-f', 'main', 'main~1');
  });

  test('gives the same reviews as JSON, on a diff from stdin, from a sub-folder', async () => {
    change();
    const text = execFileSync('git', ['diff']);
    const fromGit = await lowrank(['review', ...reviewer, '--format', 'json']);
    process.chdir('src');
    expect(await lowrank(['review', ...reviewer, '--format', 'json'])).toEqual(fromGit);
    process.chdir('..');
    expect(await lowrank(['review', '-', ...reviewer, '--format', 'json'], text)).toEqual(fromGit);
    const { hunks, skipped, reviews } = JSON.parse(fromGit.stdout);
    expect([hunks, skipped, reviews.length]).toEqual([2, [], 2]);
    expect(reviews[0]).toMatchObject({
      file: 'src/a.js',
      line: 5,
      endLine: 5,
      language: 'javascript',
      patch: expect.stringContaining('+var a4'),
    });
    expect(reviews[0].suggestion).toBeUndefined(); // the small random model never ends its code
  });

  test('prints SARIF 2.1.0 with places and a rule', async () => {
    git('mv', 'old name.py', 'new näme.py');
    write('new näme.py', 'print(1)\nprint(2)\nprint(3)\nprint(5)\n');
    const { code, stdout } = await lowrank(['review', ...reviewer, '--format', 'sarif', '--fail-on', 'review']);
    expect(code).toBe(1);
    expect(sarifFaults(stdout)).toEqual([]);
    const { version, runs } = JSON.parse(stdout);
    const [{ tool, results, invocations }] = runs;
    expect([version, runs.length, tool.driver.name, tool.driver.rules[0].id]).toEqual(['2.1.0', 1, 'lowrank', results[0].ruleId]);
    expect(invocations).toEqual([{ executionSuccessful: true, toolExecutionNotifications: [] }]);
    const [{ physicalLocation }] = results[0].locations;
    expect(physicalLocation).toEqual({
      artifactLocation: { uri: 'new%20n%C3%A4me.py', uriBaseId: '%SRCROOT%' },
      region: { startLine: 4, endLine: 4 },
    });
    expect(results[0].message.text).not.toBe('');
    expect(results[0].fixes).toBeUndefined();
    expect(results[0].rank).toBeGreaterThan(0);
  });

  test('passes over deleted and binary files, and says which', async () => {
    fs.rmSync('gone.go');
    write('pic.bin', Buffer.from([0, 1, 3, 255]));
    const { stdout } = await lowrank(['review', ...reviewer]);
    expect(stdout).toBe('gone.go: a deleted file, not reviewed\npic.bin: a binary file, not reviewed\nThere is nothing to review.\n');
  });

  test('an empty diff needs no model, in any format', async () => {
    const absent = ['--model', '/nowhere', '--adapter', folder('adapters')];
    expect(await lowrank(['review', '-', ...absent])).toEqual({ code: 0, stdout: 'There is nothing to review.\n', stderr: '' });
    expect(JSON.parse((await lowrank(['review', '-', ...absent, '--format', 'json'])).stdout)).toMatchObject({ hunks: 0, reviews: [] });
    expect(JSON.parse((await lowrank(['review', ...absent, '--format', 'sarif', '--fail-on', 'review'])).stdout).runs[0].results).toEqual(
      [],
    );
  });

  test('switches adapters also between kinds, and answers as each does on its own', async () => {
    change();
    const mixed = ['--model', folder('model'), '--adapter', folder('mixed'), '--threshold', '0', '--max-length', '400', '--format', 'json'];
    const { reviews } = JSON.parse((await lowrank(['review', ...mixed])).stdout);
    const { reviews: others } = JSON.parse((await lowrank(['review', ...reviewer, '--format', 'json'])).stdout);
    expect(reviews.map(({ probability }: { probability: number }) => probability)).toEqual(
      others.map(({ probability }: { probability: number }) => probability),
    );
    expect(reviews[0].comment).not.toBe(others[0].comment);
  });

  test('reviews the first hunks only when asked, and says so', async () => {
    change();
    const { stdout } = await lowrank(['review', ...reviewer, '--max-hunks', '1']);
    expect(stdout).toContain('src/a.js: the hunk at line 26 and all later hunks exceed --max-hunks 1, not reviewed\n1 review of 1 hunk.');
  });

  test('stops a huge diff after 200 hunks unless told otherwise, and counts on a terminal', async () => {
    const diff = `--- /dev/null\n+++ b/huge.js\n@@ -0,0 +1,50000 @@\n${'+a;\n'.repeat(50_000)}`;
    const words = ['review', '-', ...quick, '--batch-size', '32', '--format', 'json'];
    let now = 0; // a second passes whenever anybody looks at the clock
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
    const { stdout, stderr } = await lowrank(words, diff, { isTTY: true });
    clock.mockRestore();
    const { hunks, skipped, reviews } = JSON.parse(stdout);
    expect([hunks, reviews.length]).toEqual([200, 0]);
    expect(skipped).toEqual([{ file: 'huge.js', reason: 'the hunk at line 8001 and all later hunks exceed --max-hunks 200' }]);
    const shown = stderr.split('\r\u001b[K').filter((line) => line.includes('hunks')); // each time the line is renewed
    expect(shown[0]).toMatch(/^0 of 200 hunks reviewed · necessity 32 of 32 · at least \d+ s left$/);
    expect(shown.at(-1)).toMatch(/^192 of 200 hunks reviewed · necessity 8 of 8 · at least 0 s left$/);
    expect(stderr.endsWith('\r\u001b[K')).toBe(true); // nothing of it stays
  });

  test('says of which hunks only the beginning is read', async () => {
    const diff = (name: string, lines: number) =>
      `--- a/${name}\n+++ b/${name}\n@@ -0,0 +1,${lines} @@\n${'+const a = 1;\n'.repeat(lines)}`;
    const { code, stdout, stderr } = await lowrank(
      ['review', '-', ...reviewer, '--format', 'json'],
      diff('long.js', 39) + diff('short.js', 1),
    );
    expect(code, stderr).toBe(0);
    const reason = 'the end of the hunk at line 1, which exceeds --max-length 400';
    expect(JSON.parse(stdout).skipped).toContainEqual({ file: 'long.js', reason });
    expect(stdout).not.toMatch(/"file": "short.js",\s+"reason": "the end/);
  });

  test('lets no control character of a diff or a model through to the terminal', async () => {
    const { stdout } = await lowrank(['review', '-', ...reviewer], '--- a/x\n+++ "b/\\033[31m.js"\n@@ -0,0 +1 @@\n+\u001b]0;title\u0007\n');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(stdout).toContain('\ufffd[31m.js:1');
  });
});

describe('git and its files', () => {
  beforeEach(beginAnew);

  test('before the first commit all staged files count as changed, which is said', async () => {
    const here = process.cwd();
    fs.mkdirSync('unborn');
    process.chdir('unborn');
    execFileSync('git', ['init', '-q', '.']);
    fs.writeFileSync('first.ts', 'export const x = 1;\n');
    execFileSync('git', ['add', '.']);
    const { code, stderr } = await lowrank(['review', '--model', folder('model')]);
    process.chdir(here);
    fs.rmSync('unborn', { recursive: true });
    expect(code).toBe(2);
    expect(stderr).toMatch(/the branch \w+ has no commit yet; all staged files count as changed\n.*no adapters for this model/);
  });

  test('untracked files are named', async () => {
    write('fresh.ts', 'let a;\n');
    const { stdout } = await lowrank(['review', ...reviewer]);
    fs.rmSync('fresh.ts');
    expect(stdout).toBe('fresh.ts: untracked (`git add -N` adds it to the diff), not reviewed\nThere is nothing to review.\n');
  });

  test('generated files, and those of --exclude, are left out and named', async () => {
    change();
    write('.gitattributes', '*.lock linguist-generated\n');
    write('deep/all.lock', 'x\n');
    git('add', '.');
    const { stdout } = await lowrank(['review', ...quick, '--exclude', '*.js']);
    expect(stdout).toContain('src/a.js: excluded by --exclude, not reviewed');
    expect(stdout).toContain('deep/all.lock: marked as generated by .gitattributes, not reviewed');
    const { stdout: byClass } = await lowrank(['review', ...quick, '--exclude', 's[qr]c/{a,b}.js']);
    expect(byClass).toContain('src/a.js: excluded by --exclude, not reviewed');
    for (const pattern of ['src', 'src/', '{lib,src}']) {
      const { stderr } = await lowrank(['review', ...quick, '--exclude', pattern]);
      expect(stderr).toContain(`--exclude ${pattern} matches the folder src, and no file in it: write 'src/**'`);
    }
    write('test/foo.test.js', 'a;\n');
    write('test/helper.js', 'a;\n');
    write('src/deep/b.js', 'a;\n');
    git('add', '.');
    for (const pattern of ['src/**', '*test*', 'src/*'])
      expect((await lowrank(['review', ...quick, '--exclude', pattern])).stderr).not.toContain('--exclude');
  });

  test('without adapters nothing is reviewed, and train is named', async () => {
    change();
    const { code, stdout, stderr } = await lowrank(['review', '--model', folder('model')]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/no adapters for this model; train one with `lowrank train/);
  });
});

test('errors bring no control character to the terminal, and no more than 2,000 of any', async () => {
  const { code, stderr } = await lowrank(['review', `\u001b[31m${'x'.repeat(5000)}`]);
  expect(code).toBe(2);
  expect(stderr).toContain('\ufffd[31mxxx');
  expect(stderr).not.toContain('\u001b');
  expect(stderr.length).toBeLessThan(2100);
});

describe('what is refused with exit code 2, in words', () => {
  test.each([
    [['review', '--base', 'nowhere'], /git diff says: .*nowhere/],
    [['review', '--base=--output=x'], /is not a commit/],
    [['review', 'absent.diff'], /cannot read absent\.diff/],
    [['review', '-', '--base', 'main'], /--base needs git/],
    [['review', '-', '--format', 'xml'], /xml is not one of text, json, sarif/],
    [['review', '-', '--threshold', '2'], /--threshold 2 is not a number from 0 to 1/],
    [['review', '-', '--max-hunks', '1.5'], /1\.5 is not a whole number/],
    [['review', '-', '--adapter', '/nowhere'], /--adapter \/nowhere: there is no such folder/],
    [['review', '-', 'two', 'three'], /expected one FILE, got 3/],
    [['review', '--colour'], /colour/],
    [['train', '--task', 'poetry', '--output', 'out'], /poetry is not one of/],
    [['train', '--task', 'comment'], /--output is missing/],
    [['eval', '--task', 'necessity', '--beams', '4'], /--beams does nothing for necessity, whose answer is one probability/],
    [['merge', '--output', 'out'], /--adapter is missing/],
    [['info', '--model', '/nowhere'], /\/nowhere/],
    [['review', '--bas', 'main'], /unknown option --bas; did you mean --base\?/],
    [['review', '--tresholds', '1'], /did you mean --threshold\?/],
    [['generate', 'text', '--max-new-tokens', '-3'], /--max-new-tokens -3 is not a number from 1 up/],
    [['dance'], /unknown command 'dance'; the commands are setup, .*review, /],
    [['revew'], /unknown command 'revew'; did you mean review\?/],
    [['trian'], /unknown command 'trian'; did you mean train\?/],
    [['info', '--model', '/nowhere/\x1b[31mred\x07'], /\/nowhere\/\uFFFD\[31mred\uFFFD/],
  ])('lowrank %j', async (words, message) => {
    const { code, stdout, stderr } = await lowrank(words);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});
