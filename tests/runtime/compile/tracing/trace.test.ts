import { describe, expect, test } from 'vitest';
import { ArgumentError, compile, StateError, tf, UnsupportedError } from '../../../../lib/lowrank/src/runtime';
import { alive, dispose, nothingLeft, scoped, values, variable } from '../scoped';

nothingLeft();

describe('captured tensors', () => {
  test(
    'are used by handle, and variables looked up at each call',
    scoped(() => {
      const fixed = tf.tensor1d([1, 2]);
      const weight = variable([10, 20]);
      const compiled = dispose(compile((x: tf.Tensor) => x.add(fixed).mul(weight)));
      expect(values(compiled(tf.tensor1d([0, 0])))).toEqual([10, 40]);
      weight.assign(tf.tensor1d([1, 1]));
      expect(values(compiled(tf.tensor1d([0, 0])))).toEqual([1, 2]);
      expect(compiled.traces).toBe(1);
    }),
  );

  test(
    'that were disposed of are named, at any call',
    scoped(() => {
      const fixed = tf.tensor1d([1, 2]);
      const compiled = dispose(compile((x: tf.Tensor) => x.add(fixed), { name: 'shifted' }));
      compiled(tf.tensor1d([0, 0]));
      fixed.dispose();
      expect(() => compiled(tf.tensor1d([0, 0]))).toRefuse(StateError, /\[2\].*shifted.*disposed/);
      expect(() => compiled(fixed)).toThrow(/argument 0 of 'shifted' is a disposed tensor/);
    }),
  );
});

test(
  'variables that began as one tensor each have their own gradient, also when they differ',
  scoped(() => {
    const start = tf.tensor1d([3]);
    const [a, b] = [variable(start), variable(start)];
    const product = dispose(compile(() => a.square().mul(b.square()).mul(start).sum() as tf.Scalar));
    const gradients = () => Object.values(tf.variableGrads(() => product(), [a, b]).grads).map((gradient) => gradient.dataSync()[0]);
    expect(gradients()).toEqual([162, 162]); // 2ab²·3 and 2a²b·3
    a.assign(tf.tensor1d([1]));
    b.assign(tf.tensor1d([2]));
    expect(gradients()).toEqual([24, 12]);
    expect(product.traces).toBe(1);
  }),
);

test(
  'a variable of texts that shares its values is no matter of other functions',
  scoped(() => {
    const texts = tf.tensor1d(['a', 'b']);
    variable(texts);
    const doubled = dispose(compile((x: tf.Tensor) => x.mul(2)));
    expect(values(doubled(tf.tensor1d([1, 2])))).toEqual([2, 4]);
  }),
);

describe('variables that the function assigns', () => {
  test(
    'change at each call, and inside the function at once',
    scoped(() => {
      const count = variable([0]);
      const compiled = dispose(
        compile((x: tf.Tensor) => {
          count.assign(count.add(x));
          const first = count.clone();
          count.assign(count.mul(2));
          return first;
        }),
      );
      expect(values(compiled(tf.tensor1d([1])))).toEqual([1]);
      expect(values(count)).toEqual([2]);
      expect(values(compiled(tf.tensor1d([5])))).toEqual([7]);
      expect(values(count)).toEqual([14]);
    }),
  );

  test(
    'are written though nothing that is returned depends on it',
    scoped(() => {
      const [one, unread] = [variable([1]), variable([0])];
      const compiled = dispose(
        compile((x: tf.Tensor) => {
          one.assign(one.add(x));
          unread.assign(x);
        }),
      );
      expect(compiled(tf.tensor1d([4]))).toBeUndefined();
      expect([...values(one), ...values(unread)]).toEqual([5, 4]);
    }),
  );

  test(
    'keep their values when the call fails',
    scoped(() => {
      const state = variable([1]);
      const compiled = dispose(
        compile((ids: tf.Tensor) => {
          state.assign(state.add(1));
          return tf.gather(tf.tensor1d([1, 2]), ids);
        }),
      );
      compiled(tf.tensor1d([1], 'int32'));
      expect(() => compiled(tf.tensor1d([7], 'int32'))).toThrow(/indices\[0\] = 7/);
      expect(values(state)).toEqual([2]);
    }),
  );

  test(
    'cannot take a value of another shape',
    scoped(() => {
      const state = variable([1]);
      const compiled = dispose(compile((x: tf.Tensor) => state.assign(x)));
      expect(() => compiled(tf.tensor1d([1, 2]))).toThrow(/holds float32 \[1\] and cannot be assigned float32 \[2\].*trace\.test/);
      expect(values(state)).toEqual([1]);
    }),
  );
});

class Pair {
  constructor(
    readonly first: tf.Tensor,
    readonly second: tf.Tensor,
  ) {}
}

describe('what cannot be traced is refused with its place', () => {
  const refuses = (
    name: string,
    fn: (x: tf.Tensor) => unknown,
    message: RegExp,
    kind: new (message: string) => Error = UnsupportedError,
    xla = false,
  ) =>
    test(
      name,
      scoped(() => {
        const compiled = dispose(compile(fn, { name: 'mine', xla }));
        const held = alive();
        expect(() => tf.tidy(() => void compiled(tf.tensor1d([1, 2, 3])))).toThrow(message);
        expect(() => tf.tidy(() => void compiled(tf.tensor1d([1, 2, 3])))).toThrow(kind);
        expect(alive()).toEqual(held);
        expect(values(tf.tensor1d([1]).add(1))).toEqual([2]); // tfjs itself is as it was
      }),
    );

  refuses('reading data', (x) => (x.sum().dataSync()[0] ?? 0) * 2, /data is read while 'mine' is traced \(.*trace\.test/);
  refuses('reading data later', async (x) => (await x.data())[0], /promise|data is read/);
  refuses('a shape that depends on data', (x) => tf.unique(x).values, /shape of Unique.* depends on data \(.*trace\.test/);
  refuses(
    'random numbers of JavaScript',
    (x) => x.mul(Math.random()),
    /random numbers are drawn in JavaScript while 'mine' is traced \(.*trace\.test/,
  );
  refuses('random numbers of tfjs', (x) => x.add(tf.randomUniform([3])), /random numbers are drawn in JavaScript/);
  refuses('a new variable', () => tf.variable(tf.zeros([2]).add(1)), /a variable is made while 'mine' is traced/);
  refuses('text', (x) => [x, tf.tensor1d(['a'])], /dtype string is used in 'mine'/);
  refuses('tensors in a map', (x) => new Map([['a', x.mul(2)]]), /'mine' returns tensors inside a Map: return them in arrays/);
  refuses('tensors in a class', (x) => [new Pair(x, x.mul(2))], /'mine' returns tensors inside a Pair/);
  refuses(
    'a disposed tensor',
    (x) => {
      const y = x.add(1);
      y.dispose();
      return x.add(y);
    },
    /disposed/,
    Error,
  );
  refuses(
    'an operation that XLA does not have',
    (x) => tf.image.cropAndResize(x.reshape([1, 1, 3, 1]) as tf.Tensor4D, tf.tensor2d([[0, 0, 1, 1]]), tf.tensor1d([0], 'int32'), [2, 2]),
    /XLA cannot compile CropAndResize \(.*trace\.test.*\) in 'mine'/,
    UnsupportedError,
    true,
  );
  refuses('a wrong shape, in the words of TensorFlow', (x) => tf.matMul(x.reshape([1, 3]), x.reshape([1, 3])), /inner|dimension/i, Error);

  test(
    'long arrays of numbers as arguments',
    scoped(() => {
      const compiled = dispose(compile((list: number[]) => tf.tensor1d(list)));
      expect(() => compiled(new Array<number>(100).fill(1))).toRefuse(ArgumentError, /pass a tensor/);
    }),
  );

  test(
    'an assignment to a variable that is an argument',
    scoped(() => {
      const compiled = dispose(compile((x: tf.Variable) => x.assign(x.add(1)), { name: 'mine' }));
      expect(() => compiled(variable([1]))).toRefuse(UnsupportedError, /'mine' assigns to an argument: capture the variable/);
    }),
  );

  test(
    'a tensor that an earlier trace has left behind',
    scoped(() => {
      let left: tf.Tensor | undefined;
      const compiled = dispose(
        compile((x: tf.Tensor) => {
          left = tf.keep(x.add(1));
          return x;
        }),
      );
      compiled(tf.tensor1d([1]));
      const other = dispose(compile((x: tf.Tensor) => x.add(left as tf.Tensor)));
      expect(() => other(tf.tensor1d([1]))).toThrow(/made while another function was traced/);
      left?.dispose();
    }),
  );
});
