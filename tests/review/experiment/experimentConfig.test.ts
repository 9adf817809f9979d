import fs from 'node:fs';
import { FormatError } from 'lowrank';
import { readExperimentConfig } from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';

const path = temporaryFolder()('experiment.json');

const lora = { name: 'LoRA', adapter: { peftType: 'LORA', r: 2 }, learningRates: [0.001, 0.01] };
const form = {
  methods: [lora],
  tasks: ['comment'],
  seeds: [1],
  maxLength: 100,
  batchSize: 2,
  sweep: { steps: 2 },
  maxSteps: 3,
  evaluateEvery: 1,
  patience: 1,
  warmupSteps: 0,
  examples: { train: 4, validation: 2, test: 2 },
  maxNewTokens: { comment: 8, refinement: 8 },
};

function readWith(changes: object): unknown {
  fs.writeFileSync(path, JSON.stringify({ forms: { tiny: { ...form, ...changes } } }));
  return readExperimentConfig(path, 'tiny');
}

describe('the configuration of an experiment', () => {
  test('is read as it stands', () => {
    expect(readWith({ precision: 'bfloat16' })).toEqual({ name: 'tiny', ...form, precision: 'bfloat16' });
  });

  test('that the project has is right in every form', () => {
    for (const name of ['short', 'long', 'human']) expect(() => readExperimentConfig('experiments/reviewer.json', name)).not.toThrow();
  });

  test('begins with the form that it is like, and may name shared methods', () => {
    const forms = {
      tiny: form,
      like: { like: 'tiny', methods: ['shared'], maxSteps: 7 },
      again: { like: 'like' },
      lost: { like: 'tinny' },
    };
    const shared = { ...lora, name: 'shared' };
    fs.writeFileSync(path, JSON.stringify({ methods: [lora, shared], forms }));
    expect(readExperimentConfig(path, 'like')).toEqual({ ...form, name: 'like', methods: [shared], maxSteps: 7 });
    expect(() => readExperimentConfig(path, 'again')).toThrow("form 'again' is like 'like', which has a 'like' of its own");
    expect(() => readExperimentConfig(path, 'lost')).toThrow(`${path}: no form 'tinny'; its forms are tiny, like, again, lost`);
  });

  test.each([
    [{ batchsize: 4 }, "the configuration has no option 'batchsize'; did you mean 'batchSize'?"],
    [{ tasks: ['comments'] }, 'tasks "comments" is none of "necessity", "comment", "refinement"'],
    [{ tasks: [] }, 'tasks must be a non-empty list'],
    [{ tasks: 'comment' }, 'tasks must be a non-empty list'],
    [{ seeds: ['1'] }, 'seeds "1" is not a whole number'],
    [{ sweep: null }, 'sweep.steps undefined'],
    [{ maxSteps: 1.5 }, 'maxSteps 1.5'],
    [{ patience: 0 }, 'patience 0'],
    [{ examples: 3 }, 'examples.train undefined'],
    [{ maxNewTokens: { comment: 8 } }, 'maxNewTokens.refinement undefined'],
    [{ precision: 'float16' }, 'precision "float16" is none of "float32", "bfloat16"'],
    [{ pack: 'yes' }, 'pack "yes" is none of true, false'],
    [{ answersAtOnce: 0 }, 'answersAtOnce 0'],
    [{ methods: [3] }, 'methods[0]: a method: the options are number, not an object'],
    [{ methods: ['LoRA'] }, "methods[0]: 'LoRA' is not one of the methods that all forms share"],
    [{ methods: [null] }, 'methods[0]: a method: the options are null'],
    [{ methods: [lora, lora] }, "the method name 'LoRA' is used twice"],
    [{ methods: [{ ...lora, name: 'base' }] }, "'base' is used twice, or is one of base, always yes"],
    [{ compare: ['LoRA'] }, 'compare: "LoRA" is not a pair of names'],
    [{ methods: [{ ...lora, name: 7 }] }, 'methods[0]: name must be a non-empty string'],
    [{ methods: [{ ...lora, lr: 1 }] }, "methods[0]: a method has no option 'lr'"],
    [{ methods: [{ ...lora, learningRate: 1 }] }, "methods[0]: a method has no option 'learningRate'; did you mean 'learningRates'?"],
    [{ methods: [{ ...lora, learningRates: ['1'] }] }, 'methods[0]: learningRates: 1 is not a number'],
    [{ methods: [{ ...lora, seeds: 2 }] }, 'methods[0]: seeds 2 is more than the 1 seeds'],
    [
      { methods: [{ ...lora, name: 'x', adapter: { peftType: 'OFT' } }] },
      "methods[0]: the adapter of method 'x' is neither LORA nor ADAPTION_PROMPT",
    ],
    [
      { methods: [{ ...lora, name: 'x', adapter: { peftType: 'LORA', rank: 2 } }] },
      "methods[0]: LoraConfig has no option 'rank'; did you mean 'r'?",
    ],
    [{ methods: [{ ...lora, name: 'x', adapter: { peftType: 'LORA', r: '2' } }] }, 'methods[0]: rank "2"'],
  ])('with %j is refused with file and key', (changes, message) => {
    expect(() => readWith(changes)).toRefuse(FormatError, `${path}: `);
    expect(() => readWith(changes)).toThrow(message);
  });
});
