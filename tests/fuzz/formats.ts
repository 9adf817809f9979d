/** Every kind of input from outside, how it is built, and what reads it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { Readable } from 'node:stream';
import {
  AbortedError,
  type CheckpointContent,
  LlamaForCausalLM,
  LowrankError,
  loadCheckpoint,
  PeftModel,
  readGguf,
  readSafetensors,
  saveCheckpoint,
  Tokenizer,
  tf,
} from 'lowrank';
import { encodePrompt } from 'lowrank/internal';
import { diffHunks, diffTextLines, hunkExample, lintReviews, readExperimentConfig, readReviews, reviewPrompt } from 'lowrank-review';
import { letterTokenizer } from '../review/letterModel.ts';
import { type Kind, smallModel, smallRun } from '../train/smallRun.ts';
import { listing } from './listing.ts';
import type { Form } from './mutate.ts';
import * as seeds from './seeds.ts';

/** The command line program, which is the library's but not exported by it. */
export type Main = (words: readonly string[], streams: object) => Promise<number>;

/** A kind of input. */
export interface Format {
  readonly name: string;
  readonly form: Form;
  readonly seeds: readonly Buffer[];
  /** Most seconds of the processor. @defaultValue 1 */
  readonly seconds?: number;
  /** Whether what reads it may write into its folder. @defaultValue false */
  readonly writes?: boolean;
  /** What a message about it names, one of them. @defaultValue the folder */
  readonly names?: readonly string[];
  /** Makes the folder ready; what it gives reads one input. */
  readonly open: (folder: string, main: Main) => Promise<Read> | Read;
}

type Read = (input: Buffer) => unknown;

/** A format with its folder. */
export interface OpenFormat {
  readonly folder: string;
  readonly read: Read;
  readonly seconds: number;
  readonly names: readonly string[];
  /** What the folder may hold; undefined where anything. */
  readonly files: ReadonlySet<string> | undefined;
}

/** Opens a format in a folder of its own and reads its first seed, so that what is made once is made. */
export async function openFormat(format: Format, folder: string, main: Main): Promise<OpenFormat> {
  fs.mkdirSync(folder, { recursive: true });
  const read = await format.open(folder, main);
  for (const seed of format.seeds)
    await Promise.resolve()
      .then(() => read(seed))
      .catch(() => {}); // it is a case too
  const { seconds = 1, names = [folder], writes = false } = format;
  return { folder, read, seconds, names, files: writes ? undefined : new Set(listing(folder)) };
}

function passOver(error: unknown): void {
  if (!(error instanceof LowrankError)) throw error;
}

/** Writes the input under a name in a copy of a golden folder, and reads that. */
function inFolder(source: string | undefined, name: string, read: (folder: string, path: string) => unknown): Format['open'] {
  return (folder) => {
    if (source !== undefined) fs.cpSync(seeds.golden(source), folder, { recursive: true });
    return (input) => {
      fs.writeFileSync(`${folder}/${name}`, input);
      return read(folder, `${folder}/${name}`);
    };
  };
}

async function loadModel(path: string): Promise<void> {
  (await LlamaForCausalLM.fromPretrained(path)).dispose();
}

function onTinyBase(source: string, name: string): Format['open'] {
  return async (folder, main) => {
    const base = fs.mkdtempSync(`${folder}-base-`);
    fs.copyFileSync(seeds.golden('peft/config.json'), `${base}/config.json`);
    fs.copyFileSync(seeds.golden('peft/base.safetensors'), `${base}/model.safetensors`);
    const config = JSON.parse(fs.readFileSync(`${base}/config.json`, 'utf8'));
    fs.writeFileSync(`${base}/config.json`, JSON.stringify({ ...config, model_type: 'llama' }));
    const model = await LlamaForCausalLM.fromPretrained(base);
    const load = async (place: string) => (await PeftModel.fromPretrained(model, place)).unload();
    return inFolder(source, name, load)(folder, main);
  };
}

const TEXT = 'In the  beginning 12345 was <s>the wörd 😀\n\tthe end';
const CHAT = [
  { role: 'system', content: 'Be short.' },
  { role: 'user', content: 'Say the word.' },
];

async function useTokenizer(path: string): Promise<void> {
  const tokenizer = await Tokenizer.fromPretrained(path);
  for (const addSpecialTokens of [true, false]) tokenizer.decode(tokenizer.encode(TEXT, { addSpecialTokens }));
  void [tokenizer.bosTokenId, tokenizer.eosTokenId, tokenizer.padTokenId];
  if (fs.existsSync(`${path}/chat_template.jinja`)) tokenizer.applyChatTemplate(CHAT, { addGenerationPrompt: true });
}

function inTokenizerFolder(name: string): Format['open'] {
  return (folder, main) => {
    fs.writeFileSync(`${folder}/tokenizer.json`, seeds.tokenizers[0] ?? '');
    return inFolder(undefined, name, useTokenizer)(folder, main);
  };
}

async function readAll(path: string): Promise<void> {
  for await (const example of readReviews(path, { onProblem: () => {} })) void example;
}

/** A review data file; its messages have its name without the place. */
const reviewFile = (name: string): Pick<Format, 'open' | 'names'> => ({
  names: [name],
  open: inFolder(undefined, name, (_, path) => readAll(path)),
});

async function readDiff(input: Buffer): Promise<void> {
  const chunks = Readable.from([input.subarray(0, 100), input.subarray(100)], { objectMode: false });
  for await (const hunk of diffHunks(diffTextLines(chunks), { onSkip: () => {} })) {
    const { length } = hunk.patch.split('\n');
    if (length < 1 || hunk.endLine < hunk.line || !Number.isSafeInteger(hunk.line))
      throw new Error(`a hunk at ${hunk.line}…${hunk.endLine}`);
    reviewPrompt('comment', hunkExample(hunk));
  }
}

function readPrompt(input: Buffer): void {
  let given: { task: 'comment'; maxLength: number; example: Parameters<typeof reviewPrompt>[1] };
  try {
    given = JSON.parse(input.toString());
  } catch {
    return; // what is given here comes from a reader, and is well-formed
  }
  const example: Record<string, unknown> = { ...given?.example };
  for (const key of ['patch', 'code', 'markedCode', 'comment', 'refinedCode', 'language', 'id'] as const) {
    if (example[key] !== undefined || key === 'language') example[key] = String(JSON.stringify(example[key]) ?? '');
  }
  const { task, maxLength } = Object(given) as { task: 'comment'; maxLength: number };
  const prompt = reviewPrompt(['comment', 'necessity', 'refinement'].includes(task) ? task : 'comment', example as never);
  const ids = encodePrompt(letterTokenizer, prompt, { maxLength });
  if (ids.length > maxLength) throw new Error(`${ids.length} tokens, more than ${maxLength}`);
}

/** Does not follow what is changed: the manifest of changed files is made anew, as somebody would who means harm. */
function signed(folder: string): void {
  const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
  const names = fs.readdirSync(folder).filter((name) => name !== 'manifest.json');
  const files = names.map((name) => [
    name,
    { bytes: fs.statSync(`${folder}/${name}`).size, sha256: sha256(fs.readFileSync(`${folder}/${name}`)) },
  ]);
  const line = JSON.stringify({ version: 1, step: 2, files: Object.fromEntries(files) });
  fs.writeFileSync(`${folder}/manifest.json`, `${sha256(line)}\n${line}\n`);
}

const CHECKPOINT = 'checkpoint-1-step-2';

function savedTensors(folder: string): void {
  const tensors = { weights: { a: tf.tensor([1, 2, 3]), b: tf.tensor([[1], [2]]) }, optimizer: { 'a/m': tf.tensor([0.5, 1, 2]) } };
  const content: CheckpointContent = { step: 2, state: { a: [1, 'text', null] }, tensors };
  saveCheckpoint(folder, content);
  tf.dispose(tensors);
}

function disposeLoaded(folder: string): void {
  const loaded = loadCheckpoint(folder);
  if (loaded) tf.dispose(Object.values(loaded.tensors));
}

/** A file of a checkpoint; where it is signed, its checksums are right whatever it holds. */
function inCheckpoint(name: string, isSigned: boolean): Format['open'] {
  return (folder) => {
    savedTensors(folder);
    return (input) => {
      fs.writeFileSync(`${folder}/${CHECKPOINT}/${name}`, input);
      if (isSigned) signed(`${folder}/${CHECKPOINT}`);
      disposeLoaded(folder);
    };
  };
}

/** The files of a checkpoint, as they are written. */
function checkpointFile(name: string): Buffer[] {
  const folder = fs.mkdtempSync(`${process.env.FUZZ_TMP ?? '/tmp'}/fuzz-seed-`);
  savedTensors(folder);
  const content = fs.readFileSync(`${folder}/${CHECKPOINT}/${name}`);
  fs.rmSync(folder, { recursive: true });
  return [content];
}

/** Both the saved run and the resumed one are without evaluations. */
const RUN = { evaluation: undefined };

/** A run of two updates in a checkpoint, and its model. */
async function savedRun(directory: string): Promise<PeftModel> {
  const model = smallModel('lora' satisfies Kind);
  await smallRun(model, { ...RUN, steps: 2, compile: false, checkpoint: { directory } });
  return model;
}

/** The state of that run, and an evaluation before it. */
async function runState(): Promise<Buffer> {
  const folder = fs.mkdtempSync(`${process.env.FUZZ_TMP ?? '/tmp'}/fuzz-seed-`);
  (await savedRun(folder)).dispose();
  const state = JSON.parse(fs.readFileSync(`${folder}/${CHECKPOINT}/state.json`, 'utf8'));
  fs.rmSync(folder, { recursive: true });
  return Buffer.from(JSON.stringify({ ...state, evaluations: [{ step: 0, loss: 3, tokens: 32 }] }));
}

/** The state of a run that is stopped as soon as it is taken up. */
async function resumedRun(folder: string): Promise<Read> {
  const directory = `${folder}/run`;
  const fresh = fs.mkdtempSync(`${folder}-fresh-`);
  const model = await savedRun(fresh);
  return async (input) => {
    fs.rmSync(directory, { recursive: true, force: true });
    fs.cpSync(fresh, directory, { recursive: true });
    fs.writeFileSync(`${directory}/${CHECKPOINT}/state.json`, input);
    signed(`${directory}/${CHECKPOINT}`);
    const stopped = smallRun(model, { ...RUN, checkpoint: { directory, everySteps: 100 }, signal: AbortSignal.abort() });
    await stopped.catch((error) => {
      if (!(error instanceof AbortedError)) throw error;
    });
  };
}

const PARTS = ['train', 'validation', 'test'] as const;

/** One part of the reviews that were made before: whatever has become of it, the reviews are the same. */
async function lintCache(folder: string): Promise<Read> {
  const nodeModules = `${folder}/node_modules`;
  for (let i = 0; i < 12; i++) {
    const names = Array.from({ length: 12 }, (_, line) => `export const value${line} = compute${i}(${line}, 'a');`);
    fs.mkdirSync(`${nodeModules}/p${i}`, { recursive: true });
    fs.writeFileSync(`${nodeModules}/p${i}/package.json`, `{"name":"p${i}","version":"1.0.0"}`);
    fs.writeFileSync(
      `${nodeModules}/p${i}/index.js`,
      `${names.join('\n')}\nvar total${i} = value1 == value2;\n${names.join('\n').replaceAll('value', 'other')}\n`,
    );
  }
  const options = { nodeModules, cacheDir: `${folder}/data` };
  const wanted = JSON.stringify(await lintReviews(options));
  const cache = () => `${options.cacheDir}/${fs.readdirSync(options.cacheDir).find((name) => name.startsWith('lint-reviews-'))}`;
  return async (input) => {
    fs.writeFileSync(`${cache()}/${PARTS[input.length % 3]}.jsonl`, input);
    if (JSON.stringify(await lintReviews(options)) !== wanted) throw new Error('a damaged cache was taken for the reviews');
  };
}

async function runCommand(folder: string, main: Main, input: Buffer): Promise<void> {
  const words = input
    .toString()
    .split('\n')
    .map((word) => word.replaceAll('FOLDER', folder));
  const said: string[] = [];
  const write = (text: string) => void said.push(text);
  const streams = { stdin: Readable.from([], { objectMode: false }), stdout: { write: () => {} }, stderr: { isTTY: false, write } };
  const code = await main(words, streams);
  const message = said.join('');
  if (![0, 1, 2].includes(code)) throw new Error(`exit code ${code}`);
  if (message.includes('unexpected:')) throw new Error(message);
  if (code === 2 && message.trim() === '') throw new Error('exit code 2 without a word');
  if (code === 2 && !/^lowrank|^Usage|^usage/i.test(message) && !message.includes('lowrank'))
    throw new Error(`no message of the command's: ${message}`);
  if (/(?!\n)\p{Cc}/u.test(message)) throw new Error(`not printable: ${JSON.stringify(message.slice(0, 500))}`);
}

/** No model is loaded, and no long work begun: the default ones are not there. */
function commandFormat(folder: string, main: Main): Read {
  fs.writeFileSync(`${folder}/a.diff`, seeds.diffs[0] ?? '');
  fs.writeFileSync(`${folder}/data.jsonl`, seeds.examples.jsonl[0] ?? '');
  fs.writeFileSync(`${folder}/experiment.json`, seeds.experiments[0] ?? '');
  fs.writeFileSync(`${folder}/model.gguf`, seeds.ggufs.models[0] ?? '');
  return (input) => {
    process.env.MODEL = `${folder}/none.gguf`;
    process.env.REVIEW_DATA = `${folder}/data.jsonl`;
    return runCommand(folder, main, input);
  };
}

/** What is at a path is given to everybody who takes one. */
function pathFormat(folder: string): Read {
  const script =
    'mkdir -p folder && echo x > file && echo x > folder/file && mkfifo pipe pipe.jsonl pipe.zip pipe.gguf folder/pipe && ln -s loop loop && ln -s . circle && ln -s nowhere dangling && ln -s /dev/zero zero && ln -s /dev/zero zero.gguf && ln -s /dev/zero folder/zero.jsonl';
  if (!fs.existsSync(`${folder}/pipe`)) spawnSync('sh', ['-c', script], { cwd: folder });
  return async (input) => {
    const path = `${folder}/${input.toString().replaceAll('..', '.')}`;
    const readers = [
      () => readSafetensors(path),
      () => readGguf(path),
      () => loadModel(path),
      () => useTokenizer(path),
      () => readAll(path),
      () => readExperimentConfig(path, 'short'),
      () => disposeLoaded(path),
    ];
    for (const reader of readers) await Promise.resolve().then(reader).catch(passOver);
    readSafetensors(path);
  };
}

const golden = (...names: string[]) => names.map(seeds.read);
const folders = (file: string, ...names: string[]) => golden(...names.map((name) => `${name}/${file}`));

export const formats: readonly Format[] = [
  {
    name: 'safetensors',
    form: 'safetensors',
    seeds: folders('adapter_model.safetensors', 'peft/lora', 'peft/prompt', 'peft/norms'),
    open: inFolder(undefined, 'a.safetensors', (_, path) => {
      const file = readSafetensors(path);
      for (const name of file.names) if (!/^(I|U|BOOL)/.test(file.info(name).dtype)) file.toFloat32(name);
    }),
  },
  {
    name: 'model.safetensors',
    form: 'safetensors',
    seeds: folders('model.safetensors', 'llama/plain', 'llama/tied'),
    open: inFolder('llama/plain', 'model.safetensors', loadModel),
  },
  {
    name: 'model.safetensors.index.json',
    form: 'json',
    seeds: golden('llama/llama3/model.safetensors.index.json'),
    open: inFolder('llama/llama3', 'model.safetensors.index.json', loadModel),
  },
  {
    name: 'config.json',
    form: 'json',
    seeds: folders('config.json', 'llama/plain', 'llama/llama3', 'llama/linear'),
    open: inFolder('llama/plain', 'config.json', loadModel),
  },
  {
    name: 'generation_config.json',
    form: 'json',
    seeds: golden('llama/plain/generation_config.json'),
    open: inFolder('llama/plain', 'generation_config.json', loadModel),
  },
  { name: 'GGUF model', form: 'bytes', seeds: seeds.ggufs.models, open: inFolder(undefined, 'a.gguf', (_, path) => loadModel(path)) },
  {
    name: 'GGUF tokenizer',
    form: 'bytes',
    seeds: seeds.ggufs.tokenizers,
    seconds: 3,
    open: inFolder(undefined, 'a.gguf', (_, path) => useTokenizer(path)),
  },
  { name: 'tokenizer.json', form: 'json', seeds: seeds.tokenizers, seconds: 3, open: inTokenizerFolder('tokenizer.json') },
  { name: 'tokenizer_config.json', form: 'json', seeds: seeds.tokenizerConfigs, open: inTokenizerFolder('tokenizer_config.json') },
  { name: 'special_tokens_map.json', form: 'json', seeds: seeds.specialTokens, open: inTokenizerFolder('special_tokens_map.json') },
  { name: 'added_tokens.json', form: 'json', seeds: seeds.addedTokens, open: inTokenizerFolder('added_tokens.json') },
  { name: 'chat template', form: 'text', seeds: seeds.templates, seconds: 3, open: inTokenizerFolder('chat_template.jinja') },
  {
    name: 'adapter_config.json',
    form: 'json',
    seeds: folders('adapter_config.json', 'peft/lora', 'peft/prompt', 'peft/allLinear', 'peft/layers'),
    open: onTinyBase('peft/lora', 'adapter_config.json'),
  },
  {
    name: 'adapter_model.safetensors',
    form: 'safetensors',
    seeds: folders('adapter_model.safetensors', 'peft/lora'),
    open: onTinyBase('peft/lora', 'adapter_model.safetensors'),
  },
  {
    name: 'pickle',
    form: 'bytes',
    seeds: [Buffer.from('\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.', 'latin1'), Buffer.from('cos\nsystem\n(S"true"\ntR.')],
    open: (folder, main) => {
      fs.copyFileSync(seeds.golden('llama/plain/config.json'), `${folder}/config.json`);
      return inFolder(undefined, 'pytorch_model.bin', loadModel)(folder, main);
    },
  },
  { name: 'checkpoint manifest', form: 'bytes', seeds: checkpointFile('manifest.json'), open: inCheckpoint('manifest.json', false) },
  {
    name: 'checkpoint tensors',
    form: 'bytes',
    seeds: checkpointFile('weights.safetensors'),
    open: inCheckpoint('weights.safetensors', false),
  },
  {
    name: 'checkpoint tensors, signed',
    form: 'safetensors',
    seeds: checkpointFile('weights.safetensors'),
    open: inCheckpoint('weights.safetensors', true),
  },
  { name: 'run state, signed', form: 'json', seeds: [await runState()], writes: true, open: resumedRun },
  { name: 'reviews as JSON lines', form: 'lines', seeds: seeds.examples.jsonl, ...reviewFile('a.jsonl') },
  { name: 'reviews as CSV', form: 'lines', seeds: seeds.examples.csv, ...reviewFile('a.csv') },
  { name: 'reviews as TSV', form: 'lines', seeds: seeds.examples.tsv, ...reviewFile('a.tsv') },
  { name: 'reviews in a zip', form: 'bytes', seeds: seeds.archives.zip, ...reviewFile('a.zip') },
  { name: 'reviews gzipped', form: 'bytes', seeds: seeds.archives.gzip, ...reviewFile('a.jsonl.gz') },
  { name: 'diff', form: 'lines', seeds: seeds.diffs, names: [], open: () => readDiff },
  { name: 'prompt', form: 'json', seeds: seeds.prompts, names: [], open: () => readPrompt },
  {
    name: 'experiment file',
    form: 'json',
    seeds: seeds.experiments,
    open: inFolder(undefined, 'experiment.json', (_, path) => ['short', 'long'].map((form) => readExperimentConfig(path, form))),
  },
  {
    name: 'cache of lint reviews',
    form: 'lines',
    seeds: [...seeds.examples.jsonl, Buffer.from('')],
    writes: true,
    names: [],
    open: lintCache,
  },
  { name: 'command line', form: 'lines', seeds: seeds.commands, writes: true, names: [], open: commandFormat },
  { name: 'path', form: 'text', seeds: seeds.paths, names: [], open: pathFormat },
];
