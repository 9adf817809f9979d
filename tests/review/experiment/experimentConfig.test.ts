import fs from 'node:fs';
import { FormatError } from 'lowrank';
import { readExperimentConfig } from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';

const path = temporaryFolder()('experiment.json');

const lora = { name: 'LoRA', adapter: { peftType: 'LORA', r: 2 } };
const form = {
  methods: [lora],
  tasks: ['comment'],
  seeds: [1],
  maxLength: 100,
  batchSize: 2,
  gradientAccumulation: 1,
  steps: { comment: 3 },
  evaluations: 1,
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

  test('that the project has is right in both forms', () => {
    for (const name of ['short', 'long']) expect(() => readExperimentConfig('experiments/reviewer.json', name)).not.toThrow();
  });

  test.each([
    [{ batchsize: 4 }, "the configuration has no option 'batchsize'; did you mean 'batchSize'?"],
    [{ tasks: ['comments'] }, 'tasks "comments" is none of "necessity", "comment", "refinement"'],
    [{ tasks: [] }, 'tasks must be a non-empty list'],
    [{ tasks: 'comment' }, 'tasks must be a non-empty list'],
    [{ seeds: ['1'] }, 'seeds 1 is not a whole number'],
    [{ steps: null }, 'steps.comment undefined'],
    [{ steps: { comment: 1.5 } }, 'steps.comment 1.5'],
    [{ examples: 3 }, 'examples.train undefined'],
    [{ maxNewTokens: { comment: 8 } }, 'maxNewTokens.refinement undefined'],
    [{ precision: 'float16' }, 'precision "float16" is none of "float32", "bfloat16"'],
    [{ pack: 'yes' }, 'pack "yes" is none of true, false'],
    [{ answersAtOnce: 0 }, 'answersAtOnce 0'],
    [{ methods: [3] }, 'methods[0]: a method: the options are number, not an object'],
    [{ methods: [null] }, 'methods[0]: a method: the options are null'],
    [{ methods: [lora, lora] }, "the method name 'LoRA' is used twice"],
    [{ methods: [{ ...lora, name: 'base' }] }, "'base', the untuned model"],
    [{ methods: [{ ...lora, name: 7 }] }, 'methods[0]: name must be a non-empty string'],
    [{ methods: [{ ...lora, lr: 1 }] }, "methods[0]: a method has no option 'lr'"],
    [{ methods: [{ ...lora, learningRate: '1' }] }, 'methods[0]: learningRate 1'],
    [
      { methods: [{ name: 'x', adapter: { peftType: 'OFT' } }] },
      "methods[0]: the adapter of method 'x' is neither LORA nor ADAPTION_PROMPT",
    ],
    [
      { methods: [{ name: 'x', adapter: { peftType: 'LORA', rank: 2 } }] },
      "methods[0]: LoraConfig has no option 'rank'; did you mean 'r'?",
    ],
    [{ methods: [{ name: 'x', adapter: { peftType: 'LORA', r: '2' } }] }, 'methods[0]: rank 2'],
  ])('with %j is refused with file and key', (changes, message) => {
    expect(() => readWith(changes)).toThrow(FormatError);
    expect(() => readWith(changes)).toThrow(`${path}: `);
    expect(() => readWith(changes)).toThrow(message);
  });
});
