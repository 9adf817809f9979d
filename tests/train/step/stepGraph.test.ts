/** What compiled training and decoding hand to TensorFlow: known operations, each function once, and updates that reach every parameter. */
import { AdamW, LlamaForCausalLM, type PeftModel, tf, train } from 'lowrank';
import { describe, expect, it } from 'vitest';
import { backendInternals, type GraphBinding } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';
import { definedFunctions, withBinding } from '../../runtime/compile/bindingSpies';
import { heldOut, type Kind, smallModel, smallRun } from '../smallRun';

const KINDS: readonly Kind[] = ['lora', 'prefix'];

/** Every operation that a step may have. A new one is looked up first: XLA has to know it, and a GPU has to have it. */
const KNOWN = new Set(
  `Add BatchMatMulV2 Cast ConcatV2 Const Cos Cumsum ExpandDims Fill GatherV2 Greater GreaterEqual Identity IsFinite LogicalAnd Maximum Mean
  Minimum Mul Neg NotEqual Pack PartitionedCall Placeholder Range RealDiv Relu Reshape Rsqrt Select Sigmoid Sin Slice Softmax
  SparseSoftmaxCrossEntropyWithLogits SplitV Sqrt Square StatelessRandomUniform Sub Sum Tile Transpose Unpack UnsortedSegmentSum XlaCallModule ZerosLike`.split(
    /\s+/,
  ),
);

/** Moves every trained value away from 0: of a fresh adapter half of the gradients are 0. */
function stirred(kind: Kind): PeftModel {
  const model = smallModel(kind, { layers: 2 });
  for (const [, variable] of model.trainableParameters()) tf.tidy(() => variable.assign(tf.randomNormal(variable.shape, 0, 0.1)));
  return model;
}

describe.each(KINDS)('a compiled step of %s', (kind) => {
  it('has no operation but those that are known', async () => {
    const types = new Set<string>();
    const { binding } = backendInternals();
    const graphAdd: GraphBinding['graphAdd'] = (...call) => {
      types.add(call[1]);
      return binding.graphAdd(...call);
    };
    const model = smallModel(kind, { layers: 2 });
    await withBinding({ graphAdd }, () => smallRun(model, { steps: 2 }));
    expect(types.size).toBeGreaterThan(20);
    expect([...types].filter((type) => !KNOWN.has(type))).toEqual([]);
    model.dispose();
  });

  it('changes every trained parameter at its first update', async () => {
    const model = stirred(kind);
    const before = new Map(Array.from(model.trainableParameters(), ([name, variable]) => [name, variable.dataSync().slice()]));
    const optimizer = new AdamW({ learningRate: 1e-2, weightDecay: 0 });
    await train(model, heldOut, { steps: 1, optimizer });
    optimizer.dispose();
    const still = Array.from(model.trainableParameters()).filter(([name, variable]) =>
      variable.dataSync().every((value, index) => value === before.get(name)?.[index]),
    );
    expect(before.size).toBeGreaterThan(2);
    expect(still.map(([name]) => name)).toEqual([]);
    model.dispose();
  });
});

describe('compiled decoding', () => {
  it('defines each of its functions once, for 64 positions as for one', async () => {
    const model = LlamaForCausalLM.fromConfig({
      vocabSize: 24,
      hiddenSize: 16,
      intermediateSize: 24,
      numHiddenLayers: 2,
      numAttentionHeads: 2,
      numKeyValueHeads: 1,
      maxPositionEmbeddings: 128,
    });
    const names = await definedFunctions(() => model.generate([[1, 2, 3]], { maxNewTokens: 64, eosTokenId: [] }));
    expect(names).toContain('decode');
    expect(names.filter((name, place) => names.indexOf(name) < place)).toEqual([]);
    model.dispose();
  });
});
