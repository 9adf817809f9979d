import { describe, expect, test, vi } from 'vitest';
import { Module } from '../../../lib/lowrank/src/nn';
import { ArgumentError, type CompileOptions, compile, tf } from '../../../lib/lowrank/src/runtime';
import { backendInternals } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';
import * as bfloat16Support from '../../../lib/lowrank/src/runtime/device/bfloat16Support';
import { alive, dispose, expectClose, mix, nothingLeft, random, scoped, values, variable } from './scoped';

const { binding } = backendInternals();
nothingLeft();

describe('results', () => {
  for (const xla of [false, true]) {
    test(
      `equal those of running op by op, ${xla ? 'with' : 'without'} XLA`,
      scoped(() => {
        const compiled = dispose(compile(mix, { xla }));
        for (const seed of [1, 2, 3]) {
          const [x, w] = [random([5, 3], seed), random([3, 4], seed + 10).square()];
          expectClose(compiled(x, w), mix(x, w));
        }
        expect(compiled.traces).toBe(1);
      }),
    );
  }

  test(
    'keep the form in which the function gives them, tensors or not',
    scoped(() => {
      const compiled = dispose(
        compile((x: tf.Tensor) => ({ twice: x.mul(2), parts: [x, x.clone(), 'text'], missing: undefined, size: x.size })),
      );
      const x = tf.tensor1d([1, 2]);
      const { twice, parts, missing, size } = compiled(x);
      expect(values(twice)).toEqual([2, 4]);
      expect(parts[2]).toBe('text');
      expect(missing).toBeUndefined();
      expect(size).toBe(2);
      x.dispose(); // what came out is not the input itself
      for (const part of parts.slice(0, 2)) expect(values(part as tf.Tensor)).toEqual([1, 2]);
    }),
  );

  test(
    'may be integers and booleans',
    scoped(() => {
      const compiled = dispose(compile((ids: tf.Tensor) => [ids.add(tf.scalar(1, 'int32')), ids.greater(tf.scalar(1, 'int32'))]));
      const [next, isMore] = compiled(tf.tensor1d([0, 1, 2], 'int32')) as [tf.Tensor, tf.Tensor];
      expect([next.dtype, ...values(next)]).toEqual(['int32', 1, 2, 3]);
      expect([isMore.dtype, ...values(isMore)]).toEqual(['bool', 0, 0, 1]);
    }),
  );

  test(
    'of constants too large for the graph are right, also at later calls',
    scoped(() => {
      const table = Float32Array.from({ length: 5000 }, (_, i) => i);
      const compiled = dispose(compile((x: tf.Tensor) => x.mul(tf.tensor1d(table)).sum()));
      for (const factor of [1, 2]) expectClose(compiled(tf.fill([5000], factor)), tf.scalar((factor * 4999 * 5000) / 2));
      expect(compiled.traces).toBe(1);
    }),
  );
});

describe('a function is traced once', () => {
  test(
    'per shape, type and value of what is no tensor',
    scoped(() => {
      const compiled = dispose(
        compile((x: tf.Tensor, factor: number, options?: { plus: number }) => x.mul(factor).add(options?.plus ?? 0)),
      );
      const one = tf.tensor1d([1, 2, 3]);
      const results = [
        compiled(one, 2),
        compiled(one.add(1), 2),
        compiled(one, 3),
        compiled(tf.tensor1d([1, 2]), 3),
        compiled(one, 2, { plus: 1 }),
        compiled(one, 2),
      ];
      expect(results.map(values)).toEqual([
        [2, 4, 6],
        [4, 6, 8],
        [3, 6, 9],
        [3, 6],
        [3, 5, 7],
        [2, 4, 6],
      ]);
      expect(compiled.traces).toBe(4);
    }),
  );

  test(
    'and compiled by XLA once, over 64 positions that come as a tensor',
    scoped(() => {
      const table = random([64, 4]);
      const compiled = dispose(compile((position: tf.Tensor) => tf.gather(table, position).mul(2), { xla: true }));
      const compilations = binding.xlaCompilations();
      for (let position = 0; position < 64; position++) {
        expectClose(compiled(tf.tensor1d([position], 'int32')), table.slice([position, 0], [1, 4]).mul(2));
      }
      expect(compiled.traces).toBe(1);
      expect(binding.xlaCompilations() - compilations).toBe(1);
    }),
  );

  test(
    'XLA compiles where it is asked to, and nowhere else',
    scoped(() => {
      const x = random([2, 2]);
      const count = (xla: boolean) => {
        const compiled = dispose(compile((a: tf.Tensor) => a.matMul(a).add(1), { xla }));
        const begin = binding.xlaCompilations();
        compiled(x);
        return binding.xlaCompilations() - begin;
      };
      expect([count(false), count(true)]).toEqual([0, 1]);
    }),
  );
});

/** The upper half of a float32, which is all that a bfloat16 has. */
const bfloat16 = (value: number) =>
  new Float32Array(Uint32Array.of((new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0) & 0xffff_0000).buffer)[0];

describe('compiled functions that call compiled functions', () => {
  test(
    'give the same results and gradients, and trace the inner one once for all its calls',
    scoped(() => {
      for (const recompute of [false, true]) {
        const inner = dispose(compile((x: tf.Tensor, w: tf.Tensor) => x.matMul(w).tanh(), { recompute }));
        const stack =
          (layer: (x: tf.Tensor, w: tf.Tensor) => tf.Tensor) =>
          (x: tf.Tensor, ...weights: tf.Tensor[]) =>
            weights
              .reduce((y, w) => layer(y, w), x)
              .square()
              .sum();
        const weights = [1, 2, 3, 4].map((seed) => random([3, 3], seed));
        const outer = dispose(compile((x: tf.Tensor, ...all: tf.Tensor[]) => tf.valueAndGrads(stack(inner))([x, ...all])));
        const mine = outer(random([2, 3], 9), ...weights);
        const plain = tf.valueAndGrads(stack((x, w) => x.matMul(w as tf.Tensor2D).tanh()))([random([2, 3], 9), ...weights]);
        expectClose(mine.value, plain.value);
        for (const [i, grad] of mine.grads.entries()) expectClose(grad, plain.grads[i] as tf.Tensor);
        expect(inner.traces).toBe(1);
      }
    }),
  );

  for (const outerXla of [false, true]) {
    for (const innerXla of [false, true]) {
      test(
        `have gradients where XLA compiles ${outerXla ? 'the outer' : 'not the outer'} and ${innerXla ? 'the inner' : 'not the inner'} one`,
        scoped(() => {
          const inner = dispose(compile((x: tf.Tensor, w: tf.Tensor) => x.matMul(w).tanh(), { xla: innerXla }));
          const outer = dispose(compile((x: tf.Tensor, w: tf.Tensor) => inner(inner(x, w).sin(), w), { xla: outerXla }));
          const [x, w] = [random([2, 3], 1), random([3, 3], 2)];
          const plain = (a: tf.Tensor, b: tf.Tensor) => a.matMul(b).tanh().sin().matMul(b).tanh();
          const expected = tf.grads(plain)([x, w]);
          const slopes = (...given: tf.Tensor[]) => tf.grads(outer)(given);
          for (const run of [slopes, dispose(compile(slopes))]) {
            for (const [i, grad] of run(x, w).entries()) expectClose(grad, expected[i] as tf.Tensor);
          }
        }),
      );
    }
  }

  test(
    'multiply in what the outer one asks for, if the device can: otherwise one trace serves all',
    scoped(() => {
      const has = vi.spyOn(bfloat16Support, 'hasBfloat16Products');
      const x = random([4, 4]);
      const square = (given: tf.Tensor) => tf.matMul(given, given);
      for (const canHalve of [true, false]) {
        has.mockReturnValue(canHalve);
        const inner = dispose(compile(square));
        const outer = (precision: 'float32' | 'bfloat16') => dispose(compile((given: tf.Tensor) => inner(given), { precision }))(x);
        const [full, half] = [outer('float32'), outer('bfloat16')];
        expectClose(full, square(x));
        expectClose(half, square(x), canHalve ? 2e-2 : 1e-5);
        expect(values(half).every((value) => value === bfloat16(value))).toBe(canHalve);
        expect(inner.traces).toBe(canHalve ? 2 : 1);
      }
      has.mockRestore();
    }),
  );

  test(
    'may capture what the outer one has made, anew in each outer trace',
    scoped(() => {
      let shift = tf.scalar(0);
      const inner = dispose(compile((x: tf.Tensor) => x.add(shift)));
      const outer = dispose(
        compile((x: tf.Tensor, by: number) => {
          shift = x.sum().mul(by).asScalar();
          return inner(x).add(inner(x.mul(2)));
        }),
      );
      expect(values(outer(tf.tensor1d([1, 2]), 1))).toEqual([9, 12]);
      expect(values(outer(tf.tensor1d([1, 2]), 10))).toEqual([63, 66]);
      expect(inner.traces).toBe(2);
    }),
  );

  test(
    'assign variables in their order',
    scoped(() => {
      const log = variable([1]);
      const double = dispose(compile(() => log.assign(log.mul(2))));
      const outer = dispose(
        compile(() => {
          double();
          log.assign(log.add(3));
          double();
          return log.add(0);
        }),
      );
      expect(values(outer())).toEqual([10]);
      expect(values(log)).toEqual([10]);
    }),
  );

  test(
    'go on when the inner one is disposed of',
    scoped(() => {
      const inner = compile((x: tf.Tensor) => x.mul(tf.range(0, 3000)).sum());
      const outer = dispose(compile((x: tf.Tensor) => inner(x).add(1)));
      expectClose(outer(tf.ones([3000])), tf.scalar(4498501));
      inner.dispose();
      expectClose(outer(tf.ones([3000])), tf.scalar(4498501));
    }),
  );
});

describe('memory', () => {
  test(
    '1,000 calls leave no handle, nor do 1,000 that fail',
    scoped(() => {
      const w = variable(random([3, 3]));
      const step = dispose(
        compile((x: tf.Tensor) => {
          const { value, grads } = tf.variableGrads(() => x.matMul(w).tanh().sum() as tf.Scalar, [w]);
          w.assign(w.sub((grads[w.name] as tf.Tensor).mul(0.01)));
          return value;
        }),
      );
      const pick = dispose(compile((ids: tf.Tensor) => tf.gather(w, ids)));
      const [x, bad] = [random([2, 3]), tf.tensor1d([9], 'int32')];
      tf.tidy(() => step(x));
      tf.tidy(() => pick(bad.sub(tf.scalar(9, 'int32'))));
      x.matMul(w).dispose();
      bad.add(bad).dispose();
      const held = alive();
      for (let i = 0; i < 1000; i++) {
        step(x).dispose();
        expect(() => pick(bad)).toThrow();
      }
      expect(alive()).toEqual(held);
      expect(step.traces).toBe(1);
    }),
  );

  test(
    'a disposed function is forgotten by TensorFlow, and traced anew when called again',
    scoped(() => {
      const compiled = dispose(compile((x: tf.Tensor) => x.add(1), { name: 'forgotten' }));
      expect(values(compiled(tf.tensor1d([1])))).toEqual([2]);
      compiled.dispose();
      expect(values(compiled(tf.tensor1d([1])))).toEqual([2]);
      expect(compiled.traces).toBe(2);
    }),
  );
});

test(
  'without the native addition a function runs as it is, and says so once',
  scoped(() => {
    const backend = backendInternals();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    backend.binding = Object.create(binding, { graphNew: { value: undefined } });
    try {
      let runs = 0;
      const compiled = dispose(
        compile((x: tf.Tensor) => {
          runs++;
          return x.mul(x.sum().dataSync()[0] ?? 0);
        }),
      );
      for (const _ of [1, 2]) expect(values(compiled(tf.tensor1d([1, 2])))).toEqual([3, 6]);
      expect(runs).toBe(2);
      expect(warn.mock.calls.map(([message]) => message)).toEqual([expect.stringContaining('run `make setup`')]);
    } finally {
      backend.binding = binding;
      warn.mockRestore();
    }
  }),
);

test(
  'numbers in memory, dates, maps and instances of a class are part of the key by what they hold when the function is called',
  scoped(() => {
    class Setting {
      factor = 1;
    }
    class Own extends Module {
      readonly weights = new Float32Array([1]);
      readonly date = new Date(1);
      forward = (x: tf.Tensor) => x.mul((this.weights[0] ?? 0) * this.date.getTime());
    }
    const HELD: [object, (value: number) => unknown, () => number][] = [];
    const map = new Map([['a', 1]]);
    const array = new Float32Array([1]);
    const date = new Date(1);
    const setting = new Setting();
    HELD.push([map, (value) => map.set('a', value), () => map.get('a') ?? 0]);
    HELD.push([array, (value) => array.fill(value), () => array[0] ?? 0]);
    HELD.push([date, (value) => date.setTime(value), () => date.getTime()]);
    HELD.push([setting, (value) => Object.assign(setting, { factor: value }), () => setting.factor]);
    for (const [held, change, read] of HELD) {
      const run = compile((x: tf.Tensor, _held: object) => x.mul(read()));
      for (const value of [2, 3, 2, 3]) {
        change(value);
        expect(run(tf.scalar(5), held).dataSync()[0], held.constructor.name).toBe(5 * value);
      }
      expect(run.traces).toBe(2);
      run.dispose();
    }
    const own = new Own();
    const run = compile((own: Own, x: tf.Tensor) => own.forward(x));
    expect(run(own, tf.scalar(5)).dataSync()[0]).toBe(5);
    own.weights[0] = 2;
    expect(run(own, tf.scalar(5)).dataSync()[0]).toBe(10);
    own.date.setTime(3);
    expect(run(own, tf.scalar(5)).dataSync()[0]).toBe(30);
    run.dispose();
  }),
);

test.each([
  [{ precision: 'float16' }, 'compile: precision "float16" is none of "float32", "bfloat16"'],
  [{ xla: 'yes' }, 'compile: xla "yes" is none of "auto", true, false'],
  [{ recompute: 'false' }, 'compile: recompute "false" is none of true, false'],
  [{ variesIn: 'shape' }, 'compile: variesIn "shape" is none of "shapes", "anything"'],
  [{ name: 5 }, 'compile: name 5 is not a text'],
])('the options %j are refused', (options, message) => {
  expect(() => compile((x: tf.Tensor) => x, options as CompileOptions)).toThrow(new ArgumentError(message));
});
