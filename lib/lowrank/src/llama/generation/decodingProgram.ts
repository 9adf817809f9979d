/** A model's prefill and decode as compiled functions, kept while the model stays unchanged. */
import {
  type AttentionContext,
  causalMask,
  type Projection,
  paddingMask,
  QuantizedLinear,
  type RMSNorm,
  type RotaryOptions,
  rotaryTables,
  type TokenTable,
} from '../../nn';
import { compile, deviceInfo, tf } from '../../runtime';
import type { Precision } from '../../runtime/compile/precision';
import { readArguments } from '../../runtime/compile/signature';
import type { LlamaDecoderLayer } from '../model';
import { type DecodableModel, type Scores, scoresOf } from './decoder';
import { type HeldLayer, PrefillSlot, StepSlot } from './fixedCache';

/** The result of a pass: the scores of the next token, and the new state of the layers. */
type Decoded = {
  readonly scores: Scores;
  readonly held: HeldLayer[];
};

/** Left-padded prompts, after the P tokens of their common beginning. Shapes: ids (B, T), attentionMask (B, P + T), int32. */
type Prompt = {
  readonly ids: tf.Tensor2D;
  readonly attentionMask: tf.Tensor2D;
};

/**
 * One more token per row. All values are float32, so they stay on the device between steps: on a GPU, TensorFlow keeps integer arguments
 * and results on the host.
 */
export type NextToken = {
  /** Shapes: (B, 1). */
  readonly ids: tf.Tensor2D;
  /** The cache position where each row's own text begins; padding precedes it. Shapes: (B, 1). */
  readonly begins: tf.Tensor2D;
  /** P, the number of first positions that all rows see, before any padding. Shapes: (). */
  readonly shared: tf.Scalar;
  /** The cache position of this token, the same for all rows. Shapes: (). */
  readonly place: tf.Scalar;
};

/** The result of a step. */
type Stepped = Decoded & {
  /** The position of the next token. */
  readonly next: tf.Scalar;
};

type LayerContext = Pick<AttentionContext, 'rotary' | 'mask' | 'hides'>;

/**
 * Number of layers per call. A GPU's host takes longer to call XLA than the GPU takes for a layer of one token; and compile time grows
 * with the layers per call, not with those of the model.
 */
const layersPerCall = () => (deviceInfo().device === 'GPU' ? 4 : 1);

/** Values that all layers of a step share, and the input of the first. XLA fuses the many small operations, on the CPU too. */
const beginStep = compile(
  (embedTokens: TokenTable, { ids, begins, shared, place }: NextToken, capacity: number, options: RotaryOptions) => {
    const places = tf.range(0, capacity); // (S)
    const isText = places.less(shared).logicalOr(places.greaterEqual(begins));
    const isVisible = isText.logicalAnd(places.lessEqual(place)); // (B, S)
    return {
      x: embedTokens.forward(ids.toInt()),
      context: { rotary: rotaryTables(place.sub(begins).add(shared), options), mask: paddingMask(isVisible as tf.Tensor2D) },
      isPlace: places.equal(place).reshape([1, 1, -1, 1]),
      next: place.add<tf.Scalar>(1),
    };
  },
  { name: 'decode_begin', xla: true },
);

const stepLayers = compile(
  (layers: readonly LlamaDecoderLayer[], x: tf.Tensor, context: LayerContext, before: readonly HeldLayer[], isPlace: tf.Tensor) => {
    let state = x;
    const held = layers.map((layer, index) => {
      const slot = new StepSlot(before[index] as HeldLayer, isPlace);
      state = layer.forward(state, { ...context, cache: slot });
      return slot.take();
    });
    return { x: state, held };
  },
  { name: 'decode_layers', xla: true },
);

const runPrefillLayer = (
  layer: LlamaDecoderLayer,
  x: tf.Tensor,
  context: LayerContext,
  { capacity, shared }: { readonly capacity: number; readonly shared: readonly HeldLayer[] },
) => {
  const slot = new PrefillSlot(capacity, shared[0]);
  return { x: layer.forward(x, { ...context, cache: slot }), held: slot.take() };
};
/** Without XLA on the CPU, where the matrix products of a prompt are faster without it. */
const prefillLayer = compile(runPrefillLayer, { name: 'prefill_layer' });
/** XLA has native products for some packed weights, and unpacks the others faster. */
const prefillPackedLayer = compile(runPrefillLayer, { name: 'prefill_packed_layer', xla: true });

function isPacked(layer: LlamaDecoderLayer): boolean {
  return [...layer.namedModules()].some(([, module]) => module instanceof QuantizedLinear);
}

/** Scores after one token per row, the last of a prompt or that of a step. Shapes: x (B, 1, C) → (B, V) and (B). */
const nextScores = compile(
  (norm: RMSNorm, head: Projection, x: tf.Tensor): Scores => scoresOf(head.forward(norm.forward(x)).squeeze([1])),
  { name: 'decode_head', xla: true },
);

/** The compiled functions of a model in one state of its adapters. */
export type DecodingProgram = ReturnType<typeof compileModel>;

function compileModel(model: DecodableModel, precision: Precision) {
  const { embedTokens, layers, norm } = model.model;
  const { headDim, ropeTheta: theta, ropeScaling: scaling } = model.config;
  const rotation = { headDim, theta, scaling };
  const prefill = compile(
    ({ ids, attentionMask }: Prompt, capacity: number, shared: readonly HeldLayer[]): Decoded => {
      const [T, S] = [ids.shape[1], attentionMask.shape[1]];
      const positions = attentionMask.toFloat().cumsum(1).sub(1).relu();
      const rotary = rotaryTables(positions.slice([0, S - T]), rotation);
      const context = { rotary, mask: causalMask(T, S).add(paddingMask(attentionMask)), hides: 'laterAndOthers' } as const;
      let x = embedTokens.forward(ids);
      const held = layers.map((layer, index) => {
        const run = isPacked(layer) ? prefillPackedLayer : prefillLayer;
        const result = run(layer, x, context, { capacity, shared: shared.slice(index, index + 1) });
        x = result.x;
        return result.held;
      });
      return { scores: nextScores(norm, model.lmHead, x.slice([0, T - 1], [-1, 1])), held };
    },
    { name: 'prefill', precision, variesIn: 'anything' },
  );
  const step = compile(
    (token: NextToken, before: readonly HeldLayer[]): Stepped => {
      const begun = beginStep(embedTokens, token, before[0]?.keys.shape[2] ?? 0, rotation);
      let { x } = begun;
      const perCall = layersPerCall();
      const held: HeldLayer[] = [];
      for (let first = 0; first < layers.length; first += perCall) {
        const some = [first, first + perCall] as const;
        const result = stepLayers(layers.slice(...some), x, begun.context, before.slice(...some), begun.isPlace);
        x = result.x;
        held.push(...result.held);
      }
      return { scores: nextScores(norm, model.lmHead, x), held, next: begun.next };
    },
    { name: 'decode', precision, variesIn: 'anything' },
  );
  return { prefill, step };
}

/** Number of states per model whose programs are kept: switched adapters, and other numbers of rows. */
const KEPT = 8;

const programs = new WeakMap<DecodableModel, Map<string, DecodingProgram>>();

/** The program for the model's current layers, adapters and active adapters. */
export function decodingProgram(model: DecodableModel, precision: Precision): DecodingProgram {
  const known = programs.get(model) ?? new Map<string, DecodingProgram>();
  programs.set(model, known);
  const { key: form, parameters } = readArguments([model], 'generate');
  const key = `${precision} ${form} ${parameters.map(({ id }) => id)}`;
  const program = known.get(key) ?? compileModel(model, precision);
  known.delete(key);
  known.set(key, program); // moves it to the end, as the most recent
  const [oldest] = known.keys();
  if (known.size > KEPT && oldest !== undefined) {
    for (const compiled of Object.values(known.get(oldest) ?? {})) compiled.dispose();
    known.delete(oldest);
  }
  return program;
}
