import { compile, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { SetupError } from '../../../lib/lowrank/src';
import { compileNested, isTracing } from '../../../lib/lowrank/src/runtime';
import { backendInternals, type GraphBinding } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';
import { definedFunctions, withBinding } from './bindingSpies';

test('a nested function is a function of its own where a compiled one calls it, and runs as it is elsewhere', async () => {
  const traced: boolean[] = [];
  const cube = compileNested(
    (x: tf.Tensor) => {
      traced.push(isTracing());
      return x.mul(x).mul(x);
    },
    { name: 'cube' },
  );
  const outer = compile((x: tf.Tensor) => cube(x.add(1)), { name: 'outer' });
  const x = tf.tensor1d([1, 2]);
  expect(await definedFunctions(() => expect([...cube(x).dataSync()]).toEqual([1, 8]))).toEqual([]);
  expect(await definedFunctions(() => expect([...outer(x).dataSync()]).toEqual([8, 27]))).toEqual(['cube', 'outer']);
  expect(traced).toEqual([false, true]);
  outer.dispose();
});

test('a nested function computes what it says: Grappler would make a division a product with the rounded reciprocal', () => {
  const third = compileNested((x: tf.Tensor) => x.div(3), { name: 'third' });
  const outer = compile((x: tf.Tensor) => third(x), { name: 'outer' });
  const x = tf.range(1, 100);
  expect([...outer(x).dataSync()]).toEqual(Array.from({ length: 99 }, (_, index) => Math.fround((index + 1) / 3)));
  outer.dispose();
});

test('a binding that was built for an older version, which takes texts alone, is named with the remedy', () => {
  const { binding } = backendInternals();
  const graphAdd: GraphBinding['graphAdd'] = (graph, type, name, attributes, inputs) => {
    const refused = attributes.map((each) => (each.value instanceof Uint8Array ? { ...each, value: 7 } : each)); // no text either
    return binding.graphAdd(graph, type, name, refused, inputs);
  };
  const nested = compileNested((x: tf.Tensor) => x.mul(x).sub(x), { name: 'nested' });
  const outer = compile((x: tf.Tensor) => nested(x), { name: 'outer' });
  const call = () => withBinding({ graphAdd }, () => outer(tf.tensor1d([2])));
  const message = 'the native binding was built for an older version of this library. Run `make setup` in a checkout, `npx lowrank setup`';
  expect(call).toRefuse(SetupError, message);
  outer.dispose();
});
