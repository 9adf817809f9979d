import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { ArgumentError, FormatError } from 'lowrank';
import { type ReadProblem, type ReadReviewsOptions, type ReviewExample, readReviews, reviewPrompt } from 'lowrank-review';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { jsonListItems } from '../../../lib/review/src/readers/jsonList';
import { temporaryFolder } from '../../io/temporaryFolder';
import { storedZip } from './storedZip';

const folder = temporaryFolder();

function file(name: string, content: string | Uint8Array): string {
  const place = folder(name);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.writeFileSync(place, content);
  return place;
}

async function read(place: string, options: ReadReviewsOptions = {}) {
  const problems: ReadProblem[] = [];
  const examples: ReviewExample[] = [];
  for await (const example of readReviews(place, { onProblem: (problem) => problems.push(problem), ...options })) examples.push(example);
  return { examples, problems };
}

const lines = (...records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const patch = '@@ -1,1 +1,2 @@\n a\n+b';

describe("CodeReviewer's records", () => {
  test('cls gives the label, and the comment where there is one', async () => {
    const cls = lines({ oldf: 'a', patch, y: 1, msg: 'Why b?', cmtid: 3, id: 7 }, { oldf: 'a', patch, y: 0, msg: '' }, { patch, y: 1 });
    const { examples, problems } = await read(file('cls-test.jsonl', cls));
    expect(problems).toEqual([]);
    expect(examples.map(({ id, ...rest }) => rest)).toEqual([
      { source: 'codereviewer', language: '', patch, needsReview: true, comment: 'Why b?' },
      { source: 'codereviewer', language: '', patch, needsReview: false },
      { source: 'codereviewer', language: '', patch, needsReview: true },
    ]);
    expect(new Set(examples.map(({ id }) => id)).size).toBe(3);
  });

  test('msg implies that a review was needed', async () => {
    const { examples } = await read(file('msg-test.jsonl', lines({ patch, msg: 'Why b?', lang: 'py' })));
    expect(examples).toMatchObject([{ patch, comment: 'Why b?', needsReview: true, language: 'python' }]);
  });

  test('ref loses the signs in column 0 of both sides', async () => {
    const record = { old: '-int a;\n return a;', new: '+long a;\n return a;', comment: 'Too small.', lang: '.cs' };
    const { examples } = await read(file('ref-test.jsonl', lines(record)));
    expect(examples).toMatchObject([
      { code: 'int a;\nreturn a;', refinedCode: 'long a;\nreturn a;', comment: 'Too small.', language: 'c#' },
    ]);
  });

  test.each(['int a;', '@@ -1 +1 @@\n a', '-a\n\tb'])(
    'a ref line without a sign would lose a character, and is refused: %j',
    async (old) => {
      const { examples, problems } = await read(file('ref-test.jsonl', lines({ old, new: ' a\n\n b', comment: 'c' })));
      expect(examples).toEqual([]);
      expect(problems).toMatchObject([{ message: expect.stringMatching(/^a line of old begins with no sign of a diff: "/) }]);
    },
  );

  test("git's mark of a missing line end is no line of code, on either side", async () => {
    const mark = '\\ No newline at end of file';
    const record = { old: `-a\n${mark}`, new: `+b\n+\\ c\n${mark}`, comment: 'c' };
    const { examples } = await read(file('ref-test.jsonl', lines(record)));
    expect(examples).toMatchObject([{ code: 'a', refinedCode: 'b\n\\ c' }]);
  });

  test('a task keeps what can be learned from in it', async () => {
    const mixed = file('mixed.jsonl', lines({ patch, y: 0 }, { patch, msg: 'Why?' }, { old: ' a', new: ' b', comment: 'c' }));
    const ids = async (task: 'necessity' | 'comment' | 'refinement') =>
      (await read(mixed, { task })).examples.map(({ id }) => id.split(':').at(-1));
    expect([await ids('necessity'), await ids('comment'), await ids('refinement')]).toEqual([['1', '2'], ['2', '3'], ['3']]);
  });
});

test('a task that does not exist is refused', async () => {
  const one = file('one.jsonl', lines({ patch, y: 0 }));
  await expect(read(one, { task: 'summary' as never })).rejects.toThrow(/task "summary" is none of/);
});

describe("Tufano's tables", () => {
  test('lines that end in a carriage return alone, and a column twice, are refused', async () => {
    await expect(read(file('mac.csv', 'comment,before,after\rc,a,b\r'))).rejects.toThrow(
      /mac.csv:1: the lines end in a carriage return alone/,
    );
    await expect(read(file('twice.csv', 'comment,before,before\nc,a,b\n'))).rejects.toThrow(
      /twice.csv:1: .* names the column before twice/,
    );
  });

  const header = ',comment,before,before_marked,after\n';

  test('CSV with quotes, line breaks and marks', async () => {
    const row = '0,"Say ""why"", please","int a;\r\nreturn a;\n","START int a; END\r\nreturn a;\n","long a;\n"\n';
    const { examples, problems } = await read(file('test.csv', `\ufeff${header}${row}1,short,x,,\n`));
    expect(problems).toEqual([]);
    expect(examples).toEqual([
      {
        id: 'test.csv:2',
        source: 'tufano',
        language: 'java',
        needsReview: true,
        comment: 'Say "why", please',
        code: 'int a;\r\nreturn a;\n',
        markedCode: '<START>int a;<END>\r\nreturn a;\n',
        refinedCode: 'long a;\n',
      },
      {
        id: 'test.csv:8',
        source: 'tufano',
        language: 'java',
        needsReview: true,
        comment: 'short',
        code: 'x',
        refinedCode: '',
      },
    ]);
  });

  test('START in the code itself is no mark, and marked code that is another one is named', async () => {
    const code = 'if (START && x) { END; }';
    const rows = [code, code.replace('x', 'y'), `<START>${code}`, ' '].map((marked) => `c,${code},${marked}\n`);
    const { examples, problems } = await read(file('start.csv', `comment,before,before_marked\n${rows.join('')}`));
    expect(examples.map(({ id, markedCode }) => [id, markedCode])).toEqual([
      ['start.csv:2', undefined],
      ['start.csv:5', undefined],
    ]);
    expect(problems.map(({ line, message }) => [line, message])).toEqual(
      [3, 4].map((line) => [
        line,
        expect.stringContaining('before_marked is not the code of before with START and END around a part of it'),
      ]),
    );
  });

  test('the marks are found where the code has START and END of its own', async () => {
    const before = '  int RESTART = STARTING;\n  log("<--- END");\n';
    const marked = (text: string) => `c,"${before.replaceAll('"', '""')}","${text.replaceAll('"', '""')}"\n`;
    const rows = [
      '  int RESTART = START STARTING; END\n  log("<--- END");\n',
      'START   int RESTART = STARTING; END \n  log("<--- END");\n',
      '  int RESTART = STARTING;\nSTART   log("<--- END"); END \n',
    ];
    const { examples } = await read(file('own.csv', `comment,before,before_marked\n${rows.map(marked).join('')}`));
    expect(examples.map(({ markedCode }) => markedCode)).toEqual([
      '  int RESTART = <START>STARTING;<END>\n  log("<--- END");\n',
      '<START>  int RESTART = STARTING;<END> \n  log("<--- END");\n',
      '  int RESTART = STARTING;\n<START>  log("<--- END");<END> \n',
    ]);
  });

  test('TSV with a header, and TSV with tags', async () => {
    const table = await read(file('a.tsv', 'before\tcomment\tafter\nint a;\t"quoted ""c"""\tlong a;\n'));
    expect(table.examples).toMatchObject([{ code: 'int a;', comment: 'quoted "c"', refinedCode: 'long a;' }]);
    const tags =
      '<code>int <START>a<END>;</code><technical_language>Say "why</technical_language>\tlong a;\n<code>int b;</code>\tWhy b?\n<code>no end\there\nno tab\na\tb\tc\n';
    const { examples, problems } = await read(file('b.tsv', tags));
    expect(examples).toMatchObject([
      { code: 'int a;', markedCode: 'int <START>a<END>;', comment: 'Say "why', refinedCode: 'long a;' },
      { code: 'int b;', comment: 'Why b?' },
    ]);
    expect(examples[1]?.refinedCode).toBeUndefined();
    expect(problems).toMatchObject([
      { line: 3, message: expect.stringMatching(/^expected <code>/) },
      { line: 4, message: 'expected a tab between code and text' },
      { line: 5, message: '3 columns, not 2' },
    ]);
  });

  test('TSV of code and comment without tags, where quotes are text; code-to-code has no comments and is left out', async () => {
    const pair = 'void a() { b("x"); }\t"Why" b, and not "c?\n';
    const both = 'void a() { b(); }\tvoid a() { c(); }\n'.repeat(200);
    const [comments, codes] = [file('large/code-to-comment/test.tsv', pair.repeat(2)), file('large/code-to-code/test.tsv', both)];
    const { examples, problems } = await read(path.dirname(path.dirname(codes)));
    expect(examples.map(({ code, comment, id }) => [code, comment, id])).toEqual(
      [1, 2].map((line) => ['void a() { b("x"); }', '"Why" b, and not "c?', `large/code-to-comment/test.tsv:${line}`]),
    );
    expect(problems).toMatchObject([{ file: codes, line: 1, message: expect.stringContaining('no comments') }]);
    expect((await read(comments)).examples.length).toBe(2);
  });

  test('rows with too few columns, without a comment or not in UTF-8 are left out, with their line', async () => {
    const rows = Buffer.concat([
      Buffer.from(`${header}0,c,x,x,y\n1,c,"x\ny"\n2,,x,x,y\n3,c,`),
      Buffer.of(0xff),
      Buffer.from(',x,y\n4,c,z,z,y\n'),
    ]);
    const { examples, problems } = await read(file('bad.csv', rows));
    expect(examples.map(({ code }) => code)).toEqual(['x', 'z']);
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [3, '3 columns; the header has 5'],
      [5, 'comment is empty'],
      [6, 'before is not UTF-8 text'],
    ]);
  });

  test('a quote that is never closed is reported where it begins', async () => {
    const { examples, problems } = await read(file('open.csv', `${header}0,c,x,x,y\n1,"never\n2,c,x,x,y\n`));
    expect(examples.length).toBe(1);
    expect(problems).toMatchObject([{ line: 3, message: expect.stringContaining('never closed') }]);
  });

  test('a table without its columns is refused', async () => {
    await expect(read(file('none.csv', 'a,b\n1,2\n'))).rejects.toThrow(/none\.csv:1.*lacks the column comment/);
  });
});

test('the lint reviews come back as they were written', async () => {
  const example: ReviewExample = {
    id: 'p@1.0.0/a.js:3:no-var',
    source: 'lint',
    language: 'javascript',
    patch,
    code: 'a\nb',
    needsReview: true,
    comment: 'Unexpected var.',
    origin: { package: 'p', version: '1.0.0', file: 'a.js', line: 3, rule: 'no-var' },
  };
  const { examples, problems } = await read(
    file('train.jsonl', lines(example, { ...example, needsReview: 'yes' }, { ...example, code: 3 })),
  );
  expect(examples).toEqual([example]);
  expect(problems.map(({ message }) => message)).toEqual(['needsReview must be true or false', 'code is not text']);
});

describe('where the data lies', () => {
  const content = lines({ patch, y: 1 });

  test('gzipped, in an archive, gzipped in an archive, in folders: all the same', async () => {
    file('many/b/one.jsonl', content);
    file('many/two.jsonl.gz', gzipSync(content));
    file('many/readme.txt', 'no data');
    file(
      'many/three.zip',
      storedZip({ 'in/three.jsonl': content, '__MACOSX/in/three.jsonl': 'x', 'four.jsonl.gz': gzipSync(content), 'a.txt': 'x' }),
    );
    const { examples, problems } = await read(folder('many'));
    expect(problems).toEqual([]);
    expect(examples.map(({ id }) => id)).toEqual([
      'many/b/one.jsonl:1',
      'many/three.zip/in/three.jsonl:1',
      'many/three.zip/four.jsonl.gz:1',
      'many/two.jsonl.gz:1',
    ]);
  });

  test('data of a kind that is not read is named beside what is read', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    file('mixed/one.jsonl', lines({ patch, y: 1, language: 'Go' }));
    const left = [file('mixed/two.jsonl.zst', 'x'), file('mixed/test.parquet', 'x')];
    file('mixed/notes.md', 'x');
    const zip = file('mixed/z.zip', storedZip({ 'a.ndjson': content, 'b.zip': 'x', 'c.txt': 'x' }));
    const { examples } = await read(folder('mixed'));
    expect(examples.map(({ language }) => language)).toEqual(['go']);
    const named = warned.mock.calls.map(([text]) => text).toSorted();
    warned.mockRestore();
    expect(named).toEqual(
      [left[1], left[0], `${zip}/a.ndjson`, `${zip}/b.zip`].map((path) => expect.stringMatching(`^${path}: left out, for only`)),
    );
  });

  test('nothing there, a name that is no data, a folder without data', async () => {
    await expect(read(folder('absent'))).rejects.toThrow(/no such file/);
    await expect(read(file('a.exe', 'MZ'))).rejects.toThrow(FormatError);
    fs.mkdirSync(folder('hollow'));
    await expect(read(folder('hollow'))).rejects.toThrow(/no .jsonl/);
    const zip = file('hollow/a.zip', storedZip({ 'readme.txt': 'no data' }));
    for (const place of [zip, folder('hollow')]) await expect(read(place)).rejects.toRefuse(FormatError, `${place}: no .jsonl`);
    file('hollow/b.jsonl', content);
    expect((await read(folder('hollow'))).examples).toHaveLength(1);
  });

  test('an archive or gzip file that breaks off says so', async () => {
    const packed = gzipSync(lines(...Array.from({ length: 2000 }, (_, i) => ({ patch: `${patch}${i * 7919}`, y: 1 }))));
    await expect(read(file('cut.jsonl.gz', packed.subarray(0, packed.length / 2)))).rejects.toThrow(/reading .*cut\.jsonl\.gz failed/);
    await expect(read(file('no.jsonl.gz', 'plain text'))).rejects.toThrow(FormatError);
    const zip = storedZip({ 'a.jsonl': content });
    await expect(read(file('cut.zip', zip.subarray(0, zip.length - 10)))).rejects.toThrow(FormatError);
    await expect(read(file('no.zip', 'PK'))).rejects.toThrow(FormatError);
    await expect(read(file('out.zip', storedZip({ '../../out.jsonl': content })))).rejects.toThrow(FormatError);
  });
});

test('a misspelled field of a stored record is a problem of its line, and fields of one’s own are none', async () => {
  const own = { stars: 3, commentId: 1, commentCount: 2, codeLines: 3, originalFile: 'b.go' };
  const record = { id: 'a', source: 'lint', language: 'go', patch: '@@ -1 +1 @@', ...own };
  const wrong = [{ needs_review: true }, { comments: 'No.' }, { refinedcode: 'x' }].map((more) => ({ ...record, ...more }));
  const { examples, problems } = await read(file('fields.jsonl', lines({ ...record, needsReview: true }, ...wrong)));
  expect(examples).toHaveLength(1);
  const told = (name: string, meant: string) => `the record has a field '${name}', which is not read; did you mean '${meant}'?`;
  expect(problems.map(({ message }) => message)).toEqual([
    told('needs_review', 'needsReview'),
    told('comments', 'comment'),
    told('refinedcode', 'refinedCode'),
  ]);
});

describe('malformed lines', () => {
  const good = JSON.stringify({ patch, y: 1 });
  const bad = [
    '{',
    '[]',
    '3',
    'null',
    '{}',
    '{"patch":3,"y":1}',
    '{"patch":"","y":1}',
    `{"patch":"a","y":2}`,
    '{"old":"a","new":"b"}',
    '{"patch":"a"}',
  ];

  test('are each reported with file and line, and the rest is read', async () => {
    const content = bad.flatMap((line) => [line, good]).join('\r\n');
    const place = file('bad.jsonl', content);
    const { examples, problems } = await read(place);
    expect(examples.length).toBe(bad.length);
    expect(problems.map(({ file: name, line }) => [name, line])).toEqual(bad.map((_, i) => [place, 2 * i + 1]));
    for (const { message } of problems) expect(message.length).toBeGreaterThan(10);
  });

  test('end the reading when there are too many, and that is an error', async () => {
    const place = file('worse.jsonl', `${good}\n${'{\n'.repeat(5)}${good}\n`);
    expect((await read(place, { maxProblems: 5 })).examples.length).toBe(2);
    await expect(read(place, { maxProblems: 4 })).rejects.toThrow(/worse\.jsonl:6: .*at most 4/);
    for (const maxProblems of [Number.NaN, 0.5, -1])
      await expect(read(place, { maxProblems })).rejects.toRefuse(ArgumentError, /^maxProblems/);
  });

  test('a line of 40 MB is passed over without being kept', async () => {
    const place = folder('long.jsonl');
    const out = fs.openSync(place, 'w');
    fs.writeSync(out, `${good}\n`);
    for (let i = 0; i < 40; i++) fs.writeSync(out, 'x'.repeat(1e6));
    fs.writeSync(out, `\n${good}`);
    fs.closeSync(out);
    const { examples, problems } = await read(place);
    expect(examples.length).toBe(2);
    expect(problems).toMatchObject([{ line: 2, message: expect.stringContaining('40000000 bytes') }]);
  });

  test('a CSV field without end stops at the largest record', async () => {
    const place = file('endless.csv', `comment,before\nc,"${'x'.repeat(17 * 2 ** 20)}`);
    await expect(read(place)).rejects.toThrow(/endless\.csv.*exceed/);
  });

  test('binary files, lone surrogates, NUL and __proto__ do no harm', async () => {
    const noise = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7919 + (i >> 3)) & 255));
    await expect(read(file('noise.jsonl', noise), { maxProblems: 3 })).rejects.toThrow(FormatError);
    await expect(read(file('noise.csv', noise))).rejects.toThrow(FormatError);
    const odd = `{"__proto__":{"patch":"a","y":1}}\n{"patch":"\\ud800\\u0000","y":1,"constructor":1}\n`;
    const { examples, problems } = await read(file('odd.jsonl', odd));
    expect(examples.map((example) => example.patch)).toEqual(['\ud800\0']);
    expect(problems.map(({ line }) => line)).toEqual([1]);
  });

  test('characters split between chunks stay whole', async () => {
    const text = 'ä€🙂'.repeat(60_000); // longer than a chunk of a file
    const { examples } = await read(file('wide.jsonl', lines({ patch: text, y: 0 })));
    expect(examples[0]?.patch).toBe(text);
  });

  test('whatever the bytes are, only typed errors come out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('jsonl', 'csv', 'tsv', 'jsonl.gz', 'zip'),
        async (bytes, ending) => {
          await read(file(`any.${ending}`, bytes)).catch((error: unknown) => expect(error).toBeInstanceOf(FormatError));
        },
      ),
      { numRuns: 200 },
    );
  });
});

const tufano = fileURLToPath(new URL('../../../../shared/data/tufano', import.meta.url)); // beside the checkout, where it is at hand
test.skipIf(!fs.existsSync(tufano))('reads the whole of a published file', async () => {
  const { examples, problems } = await read(path.join(tufano, 'val.csv'));
  expect(problems).toEqual([]);
  expect(examples.length).toBe(1719);
  expect(examples.filter(({ markedCode }) => markedCode?.includes('<START>')).length).toBeGreaterThan(1700);
});

describe('folders from outside', () => {
  const record = lines({ patch, y: 0 });

  test('links that lead back, or to what was read already, are followed once', async () => {
    file('looped/a.jsonl', record);
    fs.symlinkSync(folder('looped'), folder('looped/self'));
    fs.symlinkSync(folder('looped/a.jsonl'), folder('looped/b.jsonl'));
    fs.symlinkSync(folder('looped/circle.jsonl'), folder('looped/circle.jsonl'));
    expect((await read(folder('looped'))).examples).toHaveLength(1);
  });

  test('a folder of more entries than any data has is refused before it is read', async () => {
    fs.mkdirSync(folder('many'), { recursive: true });
    onTestFinished(() => void vi.restoreAllMocks());
    const names = vi
      .spyOn(fs, 'readdirSync')
      .mockImplementation(((path: string) =>
        path.endsWith('many') ? ['0', '1', '2'] : Array.from({ length: 20_000 }, (_, i) => `${i}.jsonl`)) as typeof fs.readdirSync);
    vi.spyOn(fs, 'realpathSync').mockImplementation(((path: string) => path) as typeof fs.realpathSync);
    vi.spyOn(fs, 'statSync').mockImplementation(((path: string) => {
      return { isFile: () => path.endsWith('.jsonl'), isDirectory: () => !path.endsWith('.jsonl') };
    }) as typeof fs.statSync);
    await expect(read(folder('many'))).rejects.toThrow(/many: more than 50000 files and folders; give the folder of the data/);
    expect(names).toHaveBeenCalledTimes(4);
  });

  test('a pipe is passed over in a folder, and refused as the path', async () => {
    file('piped/a.jsonl', record);
    execFileSync('mkfifo', [folder('piped/b.jsonl')]);
    expect((await read(folder('piped'))).examples).toHaveLength(1);
    await expect(read(folder('piped/b.jsonl'))).rejects.toThrow(/neither a regular file nor a folder/);
  });

  test('paths that no file can have, and Git LFS pointers, are refused in words', async () => {
    await expect(read('a\0.jsonl')).rejects.toThrow(/contains a NUL character/);
    await expect(read(`${'a'.repeat(5000)}.jsonl`)).rejects.toThrow(/name is too long, ENAMETOOLONG/);
    const pointer = file('pointer.jsonl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n');
    await expect(read(pointer)).rejects.toThrow(/Git LFS pointer/);
  });
});

test('a line of many end tags is read in time that grows with its length', async () => {
  const line = `<code>a${'</code><technical_language>'.repeat(40_000)}\tb\n`;
  const start = performance.now();
  const { problems } = await read(file('tags.tsv', line));
  expect(problems[0]?.message).toMatch(/expected <code>…<\/code>/);
  expect(performance.now() - start).toBeLessThan(2000);
});

describe('one JSON list', () => {
  const records = [
    { patch, y: 1, msg: 'Why "b", [c] or }\\?' },
    { patch, y: 0 },
    { old: '-a', new: '+b', comment: 'c' },
  ];

  test.each([0, 2])('is read as its items in lines are, indented by %d', async (indent) => {
    const { examples, problems } = await read(file(`list${indent}.json`, `\n ${JSON.stringify(records, null, indent)}\n`));
    const inLines = await read(file('same.jsonl', lines(...records)));
    const withoutId = ({ id, ...rest }: ReviewExample) => rest;
    expect(problems).toEqual([]);
    expect(examples.map(withoutId)).toEqual(inLines.examples.map(withoutId));
    expect(new Set(examples.map(({ id }) => id)).size).toBe(3);
  });

  test('of none is empty, and a malformed item is named by its line', async () => {
    expect(await read(file('none.json', '[ ]\n'))).toEqual({ examples: [], problems: [] });
    const list = `[\n${JSON.stringify(records[0])},\n\n  7,\n{"patch": nonsense},\n${JSON.stringify(records[1])}]`;
    const { examples, problems } = await read(file('faulty.json', list));
    expect(examples).toHaveLength(2);
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [4, 'the record is JSON, but not an object'],
      [5, 'the record is not JSON'],
    ]);
  });

  test('that breaks off, or that text follows, is refused', async () => {
    const whole = JSON.stringify(records, null, 1);
    await expect(read(file('cut.json', whole.slice(0, -3)))).rejects.toThrow(
      /cut\.json:\d+: the JSON list has no end; the file may be truncated/,
    );
    await expect(read(file('bent.json', '[}'))).rejects.toThrow(/bent\.json:1: the JSON list ends in }/);
    await expect(read(file('more.json', `${whole}\n{}`))).rejects.toThrow(/text follows the end of the JSON list/);
  });

  test('passes over an item of 40 MB without keeping it, and is the same however it comes in pieces', async () => {
    const long = `[{"patch": "${'x'.repeat(40_000_000)}", "y": 1},\n${JSON.stringify(records[1])}]`;
    const { examples, problems } = await read(file('long.json', long));
    expect(examples).toHaveLength(1);
    expect(problems).toMatchObject([{ line: 1, message: expect.stringMatching(/a record of 400000\d\d bytes exceeds the limit/) }]);
    const bytes = Buffer.from(JSON.stringify(records, null, 1));
    const pieces = async (size: number) => {
      async function* chunks() {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      }
      const items: string[] = [];
      for await (const item of jsonListItems('x.json', chunks())) items.push(item.problem ?? item.text);
      return items;
    };
    expect(await pieces(1)).toEqual(await pieces(bytes.length));
    expect((await pieces(3)).map((item) => JSON.parse(item))).toEqual(records);
  });
});

describe('records of instruction, input and output', () => {
  const instructed = (instruction: string, input: string, output: string) => ({ instruction, input, output });

  test('of this library’s own prompts are the examples that those were made of', async () => {
    const example = { id: '', source: 'instructions', language: 'go', needsReview: true } as const;
    const given = [
      ['necessity', { ...example, patch }],
      ['comment', { ...example, patch, comment: "Isn't 'b' unused?" }],
      ['comment', { ...example, code: "x = 'y'", comment: 'Why?' }],
      ['refinement', { ...example, comment: "It's\n'a'.", code: "f('a')", refinedCode: "f('b')" }],
    ] as const;
    const made = given.map(([task, one]) => {
      const { prompt, response } = reviewPrompt(task, one, { languageLabel: true });
      const [, instruction = '', input = ''] = /### Instruction:\n(.*?)\n\n### Input:\n(.*)\n\n### Response:/s.exec(prompt) ?? [];
      return instructed(instruction, input, response);
    });
    for (const content of [lines(...made), JSON.stringify(made)]) {
      const { examples, problems } = await read(file('own.json', content));
      expect(problems).toEqual([]);
      expect(examples.map((read) => ({ ...read, id: '' }))).toEqual(given.map(([, one]) => one));
    }
  });

  test('of LLaMA-Reviewer, without quotes too', async () => {
    const { examples } = await read(
      file(
        'reviewer.jsonl',
        lines(
          instructed("Determine whether the diff hunk requires a code review. Respond with either 'yes' or 'no'.", patch, 'no'),
          instructed('Review the given code and provide a constructive code review comment.', patch, 'Name it.'),
          instructed('Refine the given code based on the provided code review comment.', "The comment is: 'c'\nThe code is: 'a'", 'b'),
        ),
      ),
    );
    expect(examples).toMatchObject([
      { patch, needsReview: false },
      { patch, comment: 'Name it.' },
      { comment: 'c', code: 'a', refinedCode: 'b' },
    ]);
  });

  test.each([
    [instructed('Give three tips for staying healthy.', 'now', 'Eat.'), 'does not ask for a review, a comment or refined code'],
    [instructed('Refine this code by the review comment.', 'a = 1', 'a = 2'), 'input has no comment; expected "The comment is:'],
    [instructed('Decide whether this needs a review.', 'a = 1', 'perhaps'), 'neither yes nor no'],
    [instructed('Review this code.', '', 'Fine.'), 'input is empty'],
    [{ instruction: 'Review this code.', input: 'a', output: 7 }, 'output is not text'],
  ])('of another task are named: %j', async (record, message) => {
    const { examples, problems } = await read(file('other.jsonl', lines(record)));
    expect(examples).toEqual([]);
    expect(problems[0]?.message).toContain(message);
  });
});
