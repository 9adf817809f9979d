/** Well-formed inputs, small ones, that the mutations begin with. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { array, type Field, float32, GGUF, ggufFile, string, uint32 } from '../io/ggufFile.ts';
import { storedZip } from '../review/readers/storedZip.ts';

export function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
}

export const read = (name: string): Buffer => fs.readFileSync(golden(name));

const SEEDS = fileURLToPath(new URL('seeds', import.meta.url));

/** The files of a folder in `seeds`, by name. */
function seeds(name: string): Buffer[] {
  return fs
    .readdirSync(`${SEEDS}/${name}`)
    .sort()
    .map((file) => fs.readFileSync(`${SEEDS}/${name}/${file}`));
}

/** `byteLevel` spells bytes as GPT-2 does; `sentencePiece` has bytes to fall back on. */
export const tokenizers = seeds('tokenizers');
export const tokenizerConfigs = seeds('tokenizerConfigs');
export const specialTokens = seeds('specialTokens');
export const addedTokens = seeds('addedTokens');
export const templates = seeds('templates');
export const experiments = seeds('experiments');
export const prompts = seeds('prompts');

const strings = (key: string, items: readonly string[]): Field => [key, GGUF.array, array(GGUF.string, items.map(string))];
const integers = (key: string, items: readonly number[]): Field => [key, GGUF.array, array(GGUF.int32, items.map(uint32))];
const text = (key: string, value: string): Field => [key, GGUF.string, string(value)];
const whole = (key: string, value: number): Field => [key, GGUF.uint32, uint32(value)];

function ggufTokenizers(): Buffer[] {
  const { sentencePiece, llamaBpe } = JSON.parse(read('tokenizer.json').toString());
  const fields = [
    [
      text('tokenizer.ggml.model', 'gpt2'),
      text('tokenizer.ggml.pre', 'llama-bpe'),
      whole('tokenizer.ggml.bos_token_id', 0),
      whole('tokenizer.ggml.eos_token_id', 1),
      ['tokenizer.ggml.add_bos_token', GGUF.bool, Uint8Array.of(1)] as Field,
      text('tokenizer.chat_template', '{{ messages[0].content }}'),
      integers('tokenizer.ggml.token_type', llamaBpe.types),
      strings('tokenizer.ggml.merges', llamaBpe.merges),
      strings('tokenizer.ggml.tokens', llamaBpe.tokens),
    ],
    [
      text('tokenizer.ggml.model', 'llama'),
      whole('tokenizer.ggml.bos_token_id', 1),
      whole('tokenizer.ggml.unknown_token_id', 0),
      integers('tokenizer.ggml.token_type', sentencePiece.types),
      ['tokenizer.ggml.scores', GGUF.array, array(GGUF.float32, sentencePiece.scores.map(float32))] as Field,
      strings('tokenizer.ggml.tokens', sentencePiece.tokens),
    ],
  ];
  return fields.map((list) => Buffer.from(ggufFile({ fields: list })));
}
export const ggufs = { tokenizers: ggufTokenizers(), models: ['biased', 'linear', 'llama3'].map((name) => read(`llama/${name}.gguf`)) };

export const examples = { jsonl: seeds('jsonl'), csv: seeds('csv'), tsv: seeds('tsv') };
export const archives = {
  zip: [
    storedZip({ 'a/train.jsonl': examples.jsonl[0] ?? '', 'test.csv': examples.csv[0] ?? '', 'note.txt': 'x' }),
    storedZip({ 'x.jsonl.gz': gzipSync(examples.jsonl[0] ?? '') }),
  ],
  gzip: examples.jsonl.map((lines) => gzipSync(lines)),
};

const [git = '', plain = '', combined = ''] = seeds('diffs').map(String);
const coloured = (diff: string) =>
  diff
    .replace(/^(diff|index|---|\+\+\+) .*$/gm, '\u001b[1m$&\u001b[m')
    .replace(/^@@ .*? @@/gm, '\u001b[36m$&\u001b[m')
    .replace(/^-(?!--).*$/gm, '\u001b[31m$&\u001b[m')
    .replace(/^\+(?!\+\+)(.*)$/gm, '\u001b[32m+\u001b[m\u001b[32m$1\u001b[m');
export const diffs = [git, plain, combined, coloured(git), git.replaceAll('\n', '\r\n')]
  .map((diff) => Buffer.from(diff))
  .concat(Buffer.from(`\ufeff${plain}`, 'utf16le'));

/** What is typed after `lowrank`, a word a line; FOLDER is the format's own. */
export const commands = fs
  .readFileSync(`${SEEDS}/commands.txt`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((command) => Buffer.from(command.trimEnd().replaceAll(' ', '\n')));

/** Below the format's folder, where there are a file, a folder, a pipe, links and a link to itself. */
const [first, last] = JSON.parse(fs.readFileSync(`${SEEDS}/paths.json`, 'utf8')) as [string[], string[]];
export const paths = [...first, 'x'.repeat(300), `${'y/'.repeat(3000)}z`, ...last].map((path) => Buffer.from(path));
