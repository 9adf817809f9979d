import {
  ArgumentError,
  compile,
  countParameters,
  Embedding,
  Linear,
  LlamaForCausalLM,
  type QuantizedFormat,
  quantizeModel,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import {
  Bfloat16Weight,
  castModel,
  GgufWeight,
  Int8Weight,
  packWeight,
  QuantizedEmbedding,
  QuantizedLinear,
  rowsOf,
  TiedHead,
} from '../../../lib/lowrank/src/nn';
import { SMALL_SIZES } from '../../llama/smallSizes';
import { randomTensor, values } from './golden';

const FORMATS = ['nf4', 'int8', 'q4_1', 'bfloat16'] as const;
const IDS = [[1, 5, 9, 3, 17, 30, 8]];
const SIZES = { ...SMALL_SIZES, initializerRange: 0.1 };

/** A layer of 64 inputs and 6 outputs with a stored weight, and the same on its unpacked values. */
function pair(format: QuantizedFormat | 'bfloat16'): { stored: QuantizedLinear; plain: Linear } {
  const bias = () => tf.tidy(() => tf.variable(randomTensor([6], 2), false));
  const stored = new QuantizedLinear(packWeight(format, rowsOf(randomTensor([6, 64], 1))), bias());
  const weight = tf.tidy(() => tf.variable(stored.weight.unpack().transpose(), false));
  return { stored, plain: new Linear(weight, bias()) };
}

function moduleAt<M>(model: LlamaForCausalLM, path: string, kind: abstract new (...args: never[]) => M): M {
  const module: unknown = new Map(model.namedModules()).get(path);
  if (module instanceof kind) return module;
  throw new TypeError(`there is no ${kind.name} at ${path}`);
}

describe.each(FORMATS)('a linear layer in %s', (format) => {
  test('computes what its unpacked values compute, forward and backward', () => {
    const { stored, plain } = pair(format);
    const x = randomTensor([2, 3, 64], 3);
    const loss = (layer: Linear | QuantizedLinear) => tf.valueAndGrad((input: tf.Tensor) => layer.forward(input).sin().sum())(x);
    const [own, expected] = [loss(stored), loss(plain)];
    expect(own.value.dataSync()[0]).toBeCloseTo(expected.value.dataSync()[0] ?? Number.NaN, 4);
    expect(values(own.grad.sub(expected.grad).abs().max())[0]).toBeLessThan(1e-5);
    expect(values(expected.grad.abs().max())[0]).toBeGreaterThan(0.1);
  });

  test('leaves nothing behind and holds nothing unpacked between the passes', () => {
    const { stored } = pair(format);
    const x = tf.variable(randomTensor([2, 3, 64], 3));
    let held = 0;
    const before = tf.memory().numBytes;
    const { value, grads } = tf.variableGrads(() => {
      const y = stored.forward(x);
      held = tf.memory().numBytes - before;
      return y.sum() as tf.Scalar;
    }, [x]);
    expect(held).toBeLessThan(4 * 64 * 6); // the output, and the tape's handles, but no weight
    value.dispose();
    tf.dispose(grads);
    expect(tf.memory().numBytes).toBe(before);
  });

  test('unpacks a large weight run by run for few rows, with the same values and gradients', () => {
    if (format === 'nf4') return; // its blocks go on from row to row
    const weight = packWeight(format, rowsOf(randomTensor([5000, 1024], 1)));
    const stored = new QuantizedLinear(weight);
    const plain = new Linear(tf.tidy(() => tf.variable(weight.unpack().transpose(), false)));
    const x = randomTensor([2, 1024], 3);
    const loss = (layer: Linear | QuantizedLinear) => tf.valueAndGrad((input: tf.Tensor) => layer.forward(input).sin().sum())(x);
    tf.tidy(() => {
      const difference = stored.forward(x).sub(plain.forward(x)).abs().max();
      expect(difference.dataSync()[0]).toBeLessThan(1e-3);
      const [own, expected] = [loss(stored).grad, loss(plain).grad];
      expect(own.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-3 * (expected.abs().max().dataSync()[0] ?? 0));
    });
    stored.dispose();
    plain.dispose();
  });

  test('has the same values when it is compiled', () => {
    const { stored } = pair(format);
    const x = randomTensor([3, 64], 3);
    const forward = compile((layer: QuantizedLinear, input: tf.Tensor) => layer.forward(input), { name: `stored_${format}` });
    const difference = forward(stored, x).sub(stored.forward(x)).abs().max();
    expect(values(difference)[0]).toBeLessThan(1e-5);
  });
});

describe.each([
  ['int8', (r) => Int8Weight.pack(r)],
  ['q4_1', (r) => GgufWeight.packQ4_1(r)],
  ['bfloat16', (r) => Bfloat16Weight.pack(r)],
] as [string, (r: ReturnType<typeof rowsOf>) => Int8Weight | GgufWeight | Bfloat16Weight][])('a table in %s', (_, pack) => {
  test('gives the rows and the scores of its unpacked values', () => {
    const stored = new QuantizedEmbedding(pack(rowsOf(randomTensor([10, 32], 1))));
    const plain = new Embedding(tf.variable(stored.weight.unpack()));
    const ids = tf.tensor2d(
      [
        [3, 9],
        [0, 3],
      ],
      [2, 2],
      'int32',
    );
    expect(stored.forward(ids).shape).toEqual([2, 2, 32]);
    expect(values(stored.forward(ids))).toEqual(values(plain.forward(ids)));
    const x = randomTensor([2, 2, 32], 2);
    const difference = new TiedHead(stored).forward(x).sub(new TiedHead(plain).forward(x)).abs().max();
    expect(values(difference)[0]).toBeLessThan(1e-5);
    expect(() => new TiedHead(stored).tiedWeight).toThrow(UnsupportedError);
  });
});

describe('quantizeModel', () => {
  test.each(['nf4', 'int8', 'q4_1'] as const)('stores the linear layers in %s, but not the head, and still counts them', (format) => {
    const model = LlamaForCausalLM.fromConfig(SIZES);
    const { total } = countParameters(model);
    const before = model.forward(IDS);
    quantizeModel(model, format);
    const qProj = moduleAt(model, 'model.layers.0.self_attn.q_proj', QuantizedLinear);
    expect(qProj.weight.format).toBe(format === 'q4_1' ? 'Q4_1' : format);
    expect(model.lmHead).toBeInstanceOf(Linear);
    expect(model.model.embedTokens).toBeInstanceOf(Embedding);
    expect(countParameters(model).total).toBe(total);
    const linear = 2 * (2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 64);
    expect(countParameters(model).trainable).toBe(total - linear);
    const error = values(model.forward(IDS).sub(before).norm().div(before.norm()))[0] ?? 1;
    expect(error).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(format === 'int8' ? 0.03 : 0.4);
  });

  test('changes nothing when a width does not fit the format', () => {
    const model = LlamaForCausalLM.fromConfig({ ...SIZES, intermediateSize: 60 });
    expect(() => quantizeModel(model, 'q4_1')).toThrow(/down_proj.*60 values/);
    expect([...model.namedModules()].some(([, module]) => module instanceof QuantizedLinear)).toBe(false);
  });

  test('frees the weights that it replaces', () => {
    const before = tf.memory().numTensors;
    const model = LlamaForCausalLM.fromConfig({ ...SIZES, attentionBias: true });
    quantizeModel(model, 'nf4');
    castModel(model, 'float32');
    castModel(model, 'bfloat16');
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('castModel', () => {
  test('rounds every weight but norms to bfloat16 and shares the table with a tied head', () => {
    const model = LlamaForCausalLM.fromConfig({ ...SIZES, tieWordEmbeddings: true });
    const before = model.forward(IDS);
    castModel(model, 'bfloat16');
    const weights = [...model.namedModules()].flatMap(([, module]) => (module instanceof QuantizedLinear ? [module.weight] : []));
    expect(weights).toHaveLength(14);
    expect(model.model.embedTokens).toBeInstanceOf(QuantizedEmbedding);
    const half = model.forward(IDS);
    const error = values(half.sub(before).norm().div(before.norm()))[0] ?? 1;
    expect(error).toBeGreaterThan(1e-4);
    expect(error).toBeLessThan(2e-2);
    castModel(model, 'float32');
    expect(values(model.forward(IDS).sub(half).abs().max())[0]).toBeLessThan(1e-4);
    expect((model.lmHead as TiedHead).tiedWeight).toBe(model.model.embedTokens.weight);
    expect(countParameters(model)).toEqual({ total: countParameters(model).total, trainable: 5 * 32 });
  });

  test('brings a quantised model back as the values that it computed with', () => {
    const model = LlamaForCausalLM.fromConfig(SIZES);
    quantizeModel(model, 'nf4');
    const qProj = moduleAt(model, 'model.layers.0.self_attn.q_proj', QuantizedLinear);
    const expected = values(qProj.weight.unpack().transpose());
    castModel(model, 'float32');
    const plain = moduleAt(model, 'model.layers.0.self_attn.q_proj', Linear);
    expect(values(plain.weight.clone())).toEqual(expected);
  });
});

test('a format that there is not is refused, with those that there are', () => {
  const pack = () => packWeight('Q4_1' as QuantizedFormat, rowsOf(randomTensor([2, 32], 1)));
  expect(pack).toThrow(new ArgumentError("'Q4_1' is none of the formats bfloat16, nf4, int8, q4_1"));
});
