import { describe, expect, test } from 'vitest';
import { Module } from '../../../lib/lowrank/src/nn';
import { ArgumentError, compile, tf, UnsupportedError } from '../../../lib/lowrank/src/runtime';
import { readArguments } from '../../../lib/lowrank/src/runtime/compile/signature';
import { dispose, nothingLeft, scoped, values, variable } from './scoped';

nothingLeft();

class Scale extends Module {
  constructor(readonly weight: tf.Variable) {
    super();
  }
}

class Whole extends Module {
  constructor(readonly part: Scale) {
    super();
  }
}

class Holder extends Module {
  constructor(readonly held: unknown) {
    super();
  }
}

const scale = (value: number) => new Scale(variable([value]));

describe('which parameters two arguments share is part of the key', () => {
  const difference = (p: Scale, q: Scale) => p.weight.sub(q.weight);

  test(
    'of modules, of modules in an array, and of two modules around one variable',
    scoped(() => {
      const [a, b] = [scale(1), scale(5)];
      const run = dispose(compile(difference));
      const listed = dispose(compile(([p, q]: readonly [Scale, Scale]) => difference(p, q)));
      for (const twin of [a, new Scale(a.weight)]) {
        expect([values(run(a, twin)), values(run(a, b))]).toEqual([[0], [-4]]);
        expect([values(listed([a, twin])), values(listed([a, b]))]).toEqual([[0], [-4]]);
      }
      expect(run.traces).toBe(3); // two arguments, one for both, and two around one variable
    }),
  );

  test(
    'where one compiled function calls another',
    scoped(() => {
      const inner = dispose(compile(difference));
      const outer = dispose(compile((p: Scale, q: Scale) => inner(p, p).add(inner(p, q))));
      expect(values(outer(scale(1), scale(5)))).toEqual([-4]);
    }),
  );

  test(
    'and a parameter that they share has one gradient',
    scoped(() => {
      const [a, b] = [scale(2), scale(5)];
      const product = dispose(compile((p: Scale, q: Scale) => p.weight.mul(q.weight).sum() as tf.Scalar));
      const gradients = (p: Scale, q: Scale) => Object.values(tf.variableGrads(() => product(p, q)).grads).map(values);
      expect(gradients(a, a)).toEqual([[4]]);
      expect(gradients(a, b)).toEqual([[5], [2]]);
      const part = dispose(compile((_whole: Whole, { weight }: Scale) => weight.square().sum() as tf.Scalar));
      expect(Object.values(tf.variableGrads(() => part(new Whole(a), a)).grads).map(values)).toEqual([[4]]);
    }),
  );
});

test(
  'tensors in a tree that are copies of one are a program of their own, whose gradients are not those of others',
  scoped(() => {
    class Pair extends Module {
      constructor(
        readonly a: tf.Tensor,
        readonly b: tf.Tensor,
      ) {
        super();
      }
    }
    const run = dispose(compile((pair: Pair, x: tf.Tensor1D) => pair.a.mul(x).add(pair.b.mul(x.square())).sum() as tf.Scalar));
    const gradient = (pair: Pair) => values(tf.grad((x) => run(pair, x as tf.Tensor1D))(tf.tensor1d([1, 2])));
    const [ones, tens] = [tf.tensor1d([1, 1]), tf.tensor1d([10, 10])];
    expect(gradient(new Pair(ones, ones.clone()))).toEqual([3, 5]);
    expect(gradient(new Pair(tens, ones))).toEqual([12, 14]); // a + 2bx
    expect(gradient(new Pair(tens, tens.clone()))).toEqual([30, 50]);
    expect(run.traces).toBe(2);
  }),
);

describe('the keys of two calls never coincide', () => {
  const [a, b] = [Symbol.for('a'), Symbol.for('a),b:1')];
  test.each<[string, unknown, unknown]>([
    ['a name that reads like two fields', { a: 1, b: 2 }, { 'a:number 1,b': 2 }],
    ['a field of a class with such a name', { held: [new Holder({ a: 1, b: 2 })] }, { held: [new Holder({ 'a:number 1,b': 2 })] }],
    ['a set and a map', [new Holder(new Set([['a', 1]]))], [new Holder(new Map([['a', 1]]))]],
    ['registered symbols', [a, b], [b, a]],
    ['fields whose key is a symbol', [Object.assign(new Holder(1), { [a]: 2 })], [Object.assign(new Holder(1), { [a]: 3 })]],
  ])('with %s', (_, first, second) => {
    expect(readArguments([first], 'f').key).not.toBe(readArguments([second], 'f').key);
  });
});

describe('arguments that a program would not see', () => {
  test(
    'are refused where the key is a symbol',
    scoped(() => {
      const run = dispose(compile((_: object, x: tf.Tensor) => x));
      expect(() => run({ [Symbol('s')]: 3 }, tf.scalar(1))).toRefuse(ArgumentError, /argument 0 of .* key is a symbol/);
    }),
  );

  test(
    'are refused where a tensor holds texts or complex numbers, given or captured',
    scoped(() => {
      const run = dispose(compile((x: tf.Tensor) => x, { name: 'mine' }));
      expect(() => run(tf.tensor(['a']))).toRefuse(UnsupportedError, /argument 0 of 'mine' is a tensor of dtype string/);
      expect(() => run(tf.complex([1], [2]))).toRefuse(UnsupportedError, /argument 0 of 'mine' is a tensor of dtype complex64/);
      const text = tf.tensor(['a']);
      const captures = dispose(compile(() => text.clone(), { name: 'mine' }));
      expect(() => captures()).toRefuse(UnsupportedError, /dtype string is used in 'mine' \(.*signature\.test/);
    }),
  );

  test(
    'are refused where an object holds itself, and not where it is given twice',
    scoped(() => {
      const run = dispose(compile((x: tf.Tensor, ..._rest: unknown[]) => x));
      const loop: Record<string, unknown> = { list: [] };
      (loop.list as unknown[]).push({ loop });
      expect(() => run(tf.scalar(1), loop)).toRefuse(ArgumentError, /argument 1 of .*\.list\[0\]\.loop holds itself/);
      const twice = { a: [1] };
      expect(values(run(tf.scalar(1), twice, [twice, twice]))).toEqual([1]);
    }),
  );
});
