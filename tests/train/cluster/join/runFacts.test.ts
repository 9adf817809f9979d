import { AdamW, type AdamWOptions, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { setupOf } from '../../../../lib/lowrank/src/train/checkpoints/runSetup';
import { runFacts } from '../../../../lib/lowrank/src/train/cluster/join/runFacts';
import { BigramModel } from '../../bigramModel';

test.each<[string, AdamWOptions, string[]]>([
  ['nothing else', { weightDecay: 0.01 }, []],
  ['another weight decay', { weightDecay: 0.1 }, ['optimizer']],
  ['other betas', { betas: [0.9, 0.95] }, ['optimizer']],
  ['other names that decay', { decays: (name) => name.includes('head') }, ['optimizer']],
  ['a function that chooses the same names', { decays: () => true }, []],
])('of two optimizers with %s, the facts that differ are named', (_, options, expected) => {
  const model = new BigramModel();
  const [one, other] = [new AdamW(), new AdamW(options)].map((optimizer) => runFacts(model, optimizer, setupOf(model)));
  expect(Object.keys(one ?? {}).filter((fact) => one?.[fact] !== other?.[fact])).toEqual(expected);
  model.dispose();
});

test('other seeds of dropout are named', () => {
  const model = new BigramModel();
  const optimizer = new AdamW();
  const facts = [1, 2].map((seed) => {
    const variable = tf.variable(tf.scalar(seed, 'int32'));
    const found = runFacts(Object.assign(model, { dropoutSeeds: () => new Map([['layer', variable]]) }), optimizer, setupOf(model));
    variable.dispose();
    return found;
  });
  expect(Object.keys(facts[0] ?? {}).filter((fact) => facts[0]?.[fact] !== facts[1]?.[fact])).toEqual(['seeds of dropout']);
  model.dispose();
});
