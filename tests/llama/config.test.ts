import { ArgumentError, type LlamaConfigOptions, llamaConfig } from 'lowrank';
import { expect, test } from 'vitest';

const sizes = { vocabSize: 100, hiddenSize: 32, intermediateSize: 48, numHiddenLayers: 2, numAttentionHeads: 4 };

test("what is left out has Hugging Face's defaults", () => {
  expect(llamaConfig(sizes)).toEqual({
    ...sizes,
    modelType: 'llama',
    numKeyValueHeads: 4,
    headDim: 8,
    rmsNormEps: 1e-6,
    ropeTheta: 10_000,
    maxPositionEmbeddings: 2048,
    tieWordEmbeddings: false,
    attentionBias: false,
    mlpBias: false,
    initializerRange: 0.02,
  });
});

test('what is given is kept, and cannot be changed afterwards', () => {
  const config = llamaConfig({ ...sizes, numKeyValueHeads: 2, headDim: 16, eosTokenId: [1, 2] });
  expect(config).toMatchObject({ numKeyValueHeads: 2, headDim: 16, eosTokenId: [1, 2] });
  expect(() => Object.assign(config, { vocabSize: 1 })).toThrow(TypeError);
});

const llama3 = { ropeType: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 } as const;
test.each<[Partial<LlamaConfigOptions>, string]>([
  [{ vocabSize: 0 }, 'vocabSize 0 is not a whole number from 1 up'],
  [{ numHiddenLayers: 1.5 }, 'numHiddenLayers 1.5'],
  [{ hiddenSize: Number.NaN }, 'hiddenSize NaN'],
  [{ numAttentionHeads: 5 }, 'headDim 6.4'],
  [{ numKeyValueHeads: 3 }, 'numAttentionHeads 4 is not a multiple of numKeyValueHeads 3'],
  [{ headDim: 7 }, 'headDim 7 is odd'],
  [{ maxPositionEmbeddings: -1 }, 'maxPositionEmbeddings -1'],
  [{ rmsNormEps: 0 }, 'rmsNormEps 0 is not above 0'],
  [{ ropeTheta: -1 }, 'ropeTheta -1'],
  [{ ropeScaling: { ropeType: 'linear', factor: 0 } }, 'ropeScaling.factor 0 is not above 0'],
  [{ ropeScaling: { ropeType: 'linear', factor: Infinity } }, 'ropeScaling.factor Infinity'],
  [{ ropeScaling: { ropeType: 'yarn', factor: 2 } as never }, 'ropeScaling.ropeType "yarn" is none of "linear", "llama3"'],
  [{ ropeScaling: { rope_type: 'linear', factor: 2 } as never }, 'ropeScaling.ropeType undefined is none of "linear", "llama3"'],
  [{ ropeScaling: { ropeType: 'llama3', factor: 8 } as never }, 'ropeScaling.lowFreqFactor undefined is not above 0'],
  [{ ropeScaling: { ...llama3, attentionFactor: 2 } as never }, "ropeScaling has no option 'attentionFactor'"],
  [{ ropeScaling: { ...llama3, lowFreqFactor: 4 } }, 'lowFreqFactor 4 is not below highFreqFactor 4'],
])('%o is refused by name and value', (change, message) => {
  expect(() => llamaConfig({ ...sizes, ...change })).toRefuse(ArgumentError, message);
});
