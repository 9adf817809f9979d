import { compile, getPeftModel, type LlamaForCausalLM, LoraConfig, PeftModel, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { goldenFolder } from '../../goldenFolder';
import { asTorch, relativeError, tinyModel } from '../tinyModel';

const { path, tensor: golden, names } = goldenFolder('padded');
/** Rows with the pad token, 5, of makePadded.py. */
const IDS = [
  [1, 5, 9, 3, 17, 30, 8],
  [1, 22, 4, 39, 5, 5, 5],
  [5, 5, 13, 14, 15, 16, 33],
];
const base = (ends: string) => tinyModel({ tieWordEmbeddings: ends === 'tied', padTokenId: 5 });
const lossOf = (model: LlamaForCausalLM | PeftModel) => model.loss(IDS, IDS);

/** Compares the gradients of all parameters that got one in PyTorch, eager, compiled and checkpointed. */
function expectGradients(model: LlamaForCausalLM | PeftModel, of: LlamaForCausalLM, name: string): void {
  const expected = names(`${name}/`);
  const parameters = expected.map((key) => new Map(model.namedParameters()).get(key) ?? tf.variable(tf.scalar(Number.NaN)));
  const run = compile(lossOf);
  for (const way of ['eager', 'compiled', 'checkpointed']) {
    of.model.gradientCheckpointing = way === 'checkpointed';
    const { value, grads } = tf.variableGrads(() => (way === 'eager' ? lossOf(model) : run(model)) as tf.Scalar, parameters);
    for (const [i, key] of expected.entries()) {
      const grad = asTorch(key, grads[parameters[i]?.name ?? ''] ?? tf.scalar(Number.NaN));
      expect([way, key, relativeError(grad, golden(`${name}/${key}`)) < 1e-4]).toEqual([way, key, true]);
    }
    tf.dispose([value, grads]);
  }
}

describe.each(['untied', 'tied'])('where rows hold the pad token and the ends are %s, the table gets the gradients of PyTorch', (ends) => {
  test('in full training', () => {
    const model = base(ends);
    expectGradients(model, model, `full/${ends}`);
    model.dispose();
  });

  test.each(['savedTable', 'lora', 'dora', 'tokens'])("by PEFT's adapter '%s'", async (name) => {
    const model = base(ends);
    const peft = await PeftModel.fromPretrained(model, path(`${name}/${ends}`), { isTrainable: true });
    expectGradients(peft, model, `${name}/${ends}`);
    peft.dispose();
  });
});

test('the graph of a step that trains no table is the same with a pad token and without', () => {
  const operations = [5, undefined].map((padTokenId) => {
    const peft = getPeftModel(tinyModel({ padTokenId }), new LoraConfig({ r: 2, targetModules: ['q_proj', 'v_proj'] }));
    const parameters = [...peft.trainableParameters().values()];
    const step = compile((model: PeftModel) => {
      const { value, grads } = tf.variableGrads(() => lossOf(model) as tf.Scalar, parameters);
      return [value, ...Object.values(grads)];
    });
    tf.dispose(step(peft));
    return step.inspect()[0]?.operations;
  });
  expect(operations[0]).toBeGreaterThan(100);
  expect(operations[0]).toBe(operations[1]);
});
