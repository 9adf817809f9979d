/** Our side of `make differential`: computes what PEFT computed for a case, and writes what PEFT shall read. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdamW, LlamaForCausalLM, PeftModel, readSafetensors, type TensorToStore, Tokenizer, tf, train, writeSafetensors } from 'lowrank';
import type { SafetensorsFile } from '../../lib/lowrank/src/io';
import { storedTensor } from '../goldenFolder.ts';
import { asTorch, relativeError } from '../peft/tinyModel.ts';

/** One thing that both sides computed. */
export interface Comparison {
  readonly what: string;
  /** The largest difference over the largest value of the peer; for ids and names, how many differ. */
  readonly error: number;
  /** The error at which the two count as different. */
  readonly limit: number;
}

/** The rows of a case, as peer.py drew them. */
interface Case {
  readonly ids: number[][];
  readonly labels: number[][];
  readonly mask: number[][];
  readonly padded: number[][];
  readonly prompts: number[][];
  /** Greedy ids after each prompt; null where two tokens are too close to tell. */
  readonly generated: (number[] | null)[];
  readonly texts: { readonly text: string; readonly ids: number[] }[];
  readonly steps: number;
  readonly learningRate: number;
  readonly epsilon: number;
}

/** Rounding of float32 alone; a gradient may be a small difference of large sums, and training adds steps of it. */
const LIMITS = { logits: 2e-5, pissa: 1e-4, gradient: 2e-4, merged: 1e-4, losses: 1e-4, trained: 1e-3 };

/** Compares one case, and writes `ours`, `merged` and `ours.safetensors` into the folder given last. */
export async function compareCase(folder: string, written: string): Promise<Comparison[]> {
  const rows: Case = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
  const results = readSafetensors(join(folder, 'results.safetensors'));
  const found: Comparison[] = [];
  const add = (what: string, limit: number, error: number) => found.push({ what, error, limit });
  const attentionMask = rows.mask;
  const isSeen = tf.tensor3d(rows.mask.map((row) => row.map((seen) => [seen]))); // what stands at padding means nothing
  const error = (name: string, ours: () => tf.Tensor, where?: tf.Tensor) =>
    tf.tidy(() => {
      const pair = [ours(), storedTensor(results, name)].map((tensor) => (where ? tensor.mul(where) : tensor)) as [tf.Tensor, tf.Tensor];
      return relativeError(...pair);
    });
  const compare = (what: string, limit: number, ...computed: Parameters<typeof error>) => add(what, limit, error(...computed));

  const base = await LlamaForCausalLM.fromPretrained(join(folder, 'base'));
  compare('base logits', LIMITS.logits, 'base/logits', () => base.forward(rows.ids));
  compare('base logits, padded', LIMITS.logits, 'base/padded', () => base.forward(rows.padded, { attentionMask }), isSeen);

  const peft = await PeftModel.fromPretrained(base, join(folder, 'adapter'), { isTrainable: true });
  const adapted = isPissa(join(folder, 'adapter')) ? LIMITS.pissa : LIMITS.logits;
  compare('adapter logits', adapted, 'adapter/logits', () => peft.forward(rows.ids));
  compare('adapter logits, padded', adapted, 'adapter/padded', () => peft.forward(rows.padded, { attentionMask }), isSeen);
  compare('loss', adapted, 'adapter/loss', () => peft.loss(rows.ids, rows.labels));
  add('generated rows', 0, await differentRows(peft, rows));
  const parameters = peft.trainableParameters();
  const { value, grads } = tf.variableGrads(() => peft.loss(rows.ids, rows.labels), [...parameters.values()]);
  const named = new Map(Array.from(parameters, ([name, variable]) => [name, grads[variable.name] as tf.Tensor]));
  add('names of trained parameters', 0, differentNames(named.keys(), results, 'gradient/'));
  const gradientErrors = Array.from(named, ([name, grad]) => error(`gradient/${name}`, () => asTorch(name, grad)));
  add('gradients', LIMITS.gradient, Math.max(...gradientErrors));
  tf.dispose([value, grads]);

  const losses = await trainSteps(peft, rows);
  compare('losses of training', LIMITS.losses, 'losses', () => tf.tensor1d(losses));
  const ours = new Map([['trained/logits', peft.forward(rows.ids)]]);
  peft.savePretrained(join(written, 'ours'));
  add('trained tensors', LIMITS.trained, trainedError(join(folder, 'trained'), join(written, 'ours')));
  peft.dispose();
  base.dispose();

  if (results.has('merged/logits')) {
    const again = await LlamaForCausalLM.fromPretrained(join(folder, 'base'));
    const merged = (await PeftModel.fromPretrained(again, join(folder, 'adapter'))).mergeAndUnload();
    const logits = merged.forward(rows.ids);
    compare('merged logits', LIMITS.merged, 'merged/logits', () => logits);
    ours.set('merged/logits', logits);
    merged.savePretrained(join(written, 'merged'));
    merged.dispose();
  }
  const tokenizer = await Tokenizer.fromPretrained(join(folder, 'tokenizer'));
  add('texts as ids', 0, rows.texts.filter(({ text, ids }) => `${tokenizer.encode(text)}` !== `${ids}`).length);
  const tensors = Array.from(ours, ([name, tensor]) => [name, stored(tensor)] as const);
  writeSafetensors(join(written, 'ours.safetensors'), tensors);
  tf.dispose([...ours.values(), isSeen]);
  return found;
}

/**
 * Whether the adapter starts from singular vectors of the base: their rounding is multiplied where two singular values are near each other.
 * In float64, seed 7003 is 1e-5 from PEFT and 4e-5 from us.
 */
function isPissa(adapter: string): boolean {
  return JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8')).init_lora_weights === 'pissa';
}

/** A few AdamW steps, compiled as `train` compiles them; their losses. */
async function trainSteps(peft: PeftModel, { ids, labels, steps, learningRate, epsilon }: Case): Promise<number[]> {
  const optimizer = new AdamW({ learningRate, epsilon, weightDecay: 0.01 });
  const { history } = await train(peft, () => [{ inputIds: ids, labels }], { steps, optimizer, maxGradNorm: Number.POSITIVE_INFINITY });
  optimizer.dispose();
  return history.map(({ loss }) => loss);
}

/** How many prompts are continued otherwise than by the peer. */
async function differentRows(peft: PeftModel, { prompts, generated }: Case): Promise<number> {
  const most = Math.max(...generated.map((row) => row?.length ?? 0));
  if (most === 0) return 0;
  const rows = await peft.generate(prompts, { maxNewTokens: most, eosTokenId: [] });
  return generated.filter((row, index) => row !== null && `${row}` !== `${rows[index]}`).length;
}

/** The largest relative difference of the trained adapter's tensors, as the two sides wrote them; Infinity where names differ. */
function trainedError(theirs: string, ours: string): number {
  const read = (folder: string) => readSafetensors(join(folder, 'adapter_model.safetensors'));
  const [expected, found] = [read(theirs), read(ours)];
  if (`${[...expected.names].sort()}` !== `${[...found.names].sort()}`) return Number.POSITIVE_INFINITY;
  return Math.max(...expected.names.map((name) => tf.tidy(() => relativeError(storedTensor(found, name), storedTensor(expected, name)))));
}

function differentNames(names: Iterable<string>, results: SafetensorsFile, prefix: string): number {
  const ours = [...names];
  const theirs = results.names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const missing = (from: string[], of: string[]) => of.filter((name) => !from.includes(name)).length;
  return missing(ours, theirs) + missing(theirs, ours);
}

function stored(tensor: tf.Tensor): TensorToStore {
  const values = tensor.dataSync<'float32'>();
  return { dtype: 'F32', shape: tensor.shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
