import { describe, expect, test } from 'vitest';
import { compile, tf } from '../../../lib/lowrank/src/runtime';
import { dispose, expectClose, mix, nothingLeft, random, scoped, values, variable } from './scoped';

nothingLeft();

describe('gradients', () => {
  for (const recompute of [false, true]) {
    for (const xla of [false, true]) {
      test(
        `pass through a compiled function, values ${recompute ? 'recomputed' : 'kept'}, ${xla ? 'with' : 'without'} XLA`,
        scoped(() => {
          const compiled = dispose(compile(mix, { recompute, xla }));
          const [x, w] = [random([5, 3]), random([3, 4], 7).square()];
          const loss = (fn: typeof mix) => tf.valueAndGrads((a: tf.Tensor, b: tf.Tensor) => fn(a.mul(2), b).square().sum());
          const [mine, plain] = [loss(compiled)([x, w]), loss(mix)([x, w])];
          expectClose(mine.value, plain.value);
          for (const [i, grad] of mine.grads.entries()) expectClose(grad, plain.grads[i] as tf.Tensor);
          loss(compiled)([x.add(1), w]);
          expect(compiled.traces).toBe(1);
        }),
      );
    }
  }

  test(
    'reach captured variables, and only those that they are asked for',
    scoped(() => {
      const [a, b] = [variable([2]), variable([3])];
      const compiled = dispose(compile((x: tf.Tensor) => x.mul(a).add(b.square())));
      const x = tf.tensor1d([5]);
      const grads = (...list: tf.Variable[]) => tf.variableGrads(() => compiled(x).sum() as tf.Scalar, list).grads;
      const all = grads(a, b);
      expect(values(all[a.name] as tf.Tensor)).toEqual([5]);
      expect(values(all[b.name] as tf.Tensor)).toEqual([6]);
      expect(values(grads(a)[a.name] as tf.Tensor)).toEqual([5]);
      grads(a, b);
      expect(compiled.traces).toBe(2); // for both, and for one
    }),
  );

  test(
    'are of the value at the time of the forward pass',
    scoped(() => {
      const a = variable([3]);
      const compiled = dispose(compile((x: tf.Tensor) => x.mul(a).square()));
      const { grads } = tf.variableGrads(() => {
        const y = compiled(tf.tensor1d([1]));
        a.assign(tf.tensor1d([100]));
        return y.sum() as tf.Scalar;
      }, [a]);
      expect(values(grads[a.name] as tf.Tensor)).toEqual([6]);
    }),
  );

  test(
    'of several results add up, and a result without use counts nothing',
    scoped(() => {
      const compiled = dispose(compile((x: tf.Tensor) => [x.square(), x.mul(3), x.exp(), x.toInt()]));
      const grad = tf.grad((x) => {
        const [square, triple] = compiled(x) as [tf.Tensor, tf.Tensor];
        return square.add(triple).sum();
      });
      expect(values(grad(tf.tensor1d([1, 2])))).toEqual([5, 7]);
    }),
  );

  test(
    'of an argument that the function does not use are 0, and of its own result 1',
    scoped(() => {
      const compiled = dispose(compile((x: tf.Tensor, _unused: tf.Tensor) => x));
      const [dx, dUnused] = tf.grads((a: tf.Tensor, b: tf.Tensor) => compiled(a, b).add(b.mul(0)).sum())([
        tf.tensor1d([1]),
        tf.tensor1d([1]),
      ]);
      expect([...values(dx as tf.Tensor), ...values(dUnused as tf.Tensor)]).toEqual([1, 0]);
    }),
  );

  test(
    'taken inside a compiled function equal those taken outside',
    scoped(() => {
      const w = variable(random([3, 2]));
      const step = dispose(
        compile((x: tf.Tensor) => {
          const { value, grads } = tf.variableGrads(() => x.matMul(w).tanh().sum() as tf.Scalar, [w]);
          return { value, grad: grads[w.name] as tf.Tensor };
        }),
      );
      const x = random([4, 3], 5);
      const plain = tf.variableGrads(() => x.matMul(w).tanh().sum() as tf.Scalar, [w]);
      const { value, grad } = step(x);
      expectClose(value, plain.value);
      expectClose(grad, plain.grads[w.name] as tf.Tensor);
    }),
  );

  test(
    'of gradients are refused, not wrong',
    scoped(() => {
      const compiled = dispose(compile((x: tf.Tensor) => x.square(), { name: 'squared' }));
      const second = tf.grad((x) =>
        tf
          .grad((y) => compiled(y).sum())(x)
          .sum(),
      );
      expect(() => second(tf.tensor1d([1]))).toThrow(/second derivatives through the compiled function 'squared/);
    }),
  );
});

test(
  'inspect counts operations, FLOPs, parameters and bytes, those of called functions with them',
  scoped(() => {
    const w = variable(random([3, 4]));
    const inner = dispose(compile((x: tf.Tensor) => x.matMul(w).relu(), { name: 'inner' }));
    const outer = dispose(compile((x: tf.Tensor) => inner(x).add(inner(x)), { name: 'outer' }));
    outer(random([2, 3]));
    const [report] = outer.inspect();
    const product = 2 * 2 * 3 * 4;
    expect(report).toMatchObject({
      arguments: '[2,3]',
      operations: 5,
      flops: 2 * (product + 8) + 8,
      parameters: 12,
      isXla: false,
      hasGradient: false,
    });
    expect(report?.bytes).toBe(4 * (2 * (6 + 12 + 8) + 2 * (8 + 8) + 3 * 8));
    expect(report?.firstCallMilliseconds).toBeGreaterThan(0);
    tf.grad((x) => inner(x).sum())(random([2, 3]));
    const [, withGradient] = inner.inspect();
    expect(withGradient).toMatchObject({ hasGradient: true });
    expect(withGradient?.flops).toBeGreaterThan(2 * product);
  }),
);
