import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ArgumentError, compile, StateError, seededRandom, tf, UnsupportedError } from '../../../lib/src/runtime';
import { backendInternals } from '../../../lib/src/runtime/compile/internals';
import * as halfProducts from '../../../lib/src/runtime/halfProducts';

const { binding } = backendInternals();

/** Handles of TensorFlow alive: tfjs counts its own tensors, this the binding's. */
const handles = () => (binding as unknown as { getNumOfTensors(): number }).getNumOfTensors();

let before: { tensors: number; handles: number };
beforeEach(() => {
  before = { tensors: tf.memory().numTensors, handles: handles() };
});
afterEach(() => {
  expect({ tensors: tf.memory().numTensors, handles: handles() }).toEqual(before);
});

/** Runs the test in a scope, so that only what escapes a scope is a leak. */
const scoped = (body: () => void) => () => {
  const compiled: { dispose(): void }[] = [];
  dispose = (one) => {
    compiled.push(one);
    return one;
  };
  const variables: tf.Variable[] = [];
  variable = (values, shape) => {
    variables.push(tf.tidy(() => tf.variable(values instanceof tf.Tensor ? values : tf.tensor(values, shape))));
    return variables.at(-1) as tf.Variable;
  };
  tf.engine().startScope();
  try {
    body();
  } finally {
    tf.engine().endScope();
    for (const one of compiled) one.dispose();
    for (const one of variables) one.dispose();
  }
};
let dispose: <T extends { dispose(): void }>(compiled: T) => T;
let variable: (values: tf.Tensor | number[], shape?: number[]) => tf.Variable;

const random = (shape: number[], seed = 1) => {
  const next = seededRandom(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() * 2 - 1),
    shape,
  );
};

const values = (tensor: tf.Tensor) => [...tensor.dataSync()];

/** The upper half of a float32, which is all that a bfloat16 has. */
const bfloat16 = (value: number) =>
  new Float32Array(Uint32Array.of((new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0) & 0xffff_0000).buffer)[0];

function expectClose(actual: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5) {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = values(expected);
  for (const [i, value] of values(actual).entries()) {
    const difference = Math.abs(value - (wanted[i] ?? Number.NaN));
    expect(difference, `element ${i}: ${value} instead of ${wanted[i]}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(wanted[i] ?? 0)),
    );
  }
}

/** A little of everything that a transformer does. */
const mix = (x: tf.Tensor, w: tf.Tensor) =>
  tf.tidy(() => {
    const y = tf.softmax(x.matMul(w).add(tf.range(0, w.shape[1] ?? 0)));
    const [a, b] = tf.split(y.transpose(), 2, 0) as [tf.Tensor, tf.Tensor];
    const picked = tf.gather(w, tf.tensor1d([2, 0, 1], 'int32'));
    return tf
      .concat([
        a.mul(b.sigmoid()),
        picked
          .mean(-1, true)
          .rsqrt()
          .cos()
          .tile([1, a.shape[1] ?? 0]),
      ])
      .sum(1);
  });

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
      expect(() => compiled(tf.tensor1d([0, 0]))).toThrow(StateError);
      expect(() => compiled(tf.tensor1d([0, 0]))).toThrow(/\[2\].*shifted.*disposed/);
      expect(() => compiled(fixed)).toThrow(/argument 0 of 'shifted' is a disposed tensor/);
    }),
  );
});

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
      expect(() => compiled(tf.tensor1d([1, 2]))).toThrow(/holds float32 \[1\] and cannot be assigned float32 \[2\].*compile\.test/);
      expect(values(state)).toEqual([1]);
    }),
  );
});

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

  test(
    'multiply in what the outer one asks for, if the device can: otherwise one trace serves all',
    scoped(() => {
      const has = vi.spyOn(halfProducts, 'hasHalfProducts');
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
        const held = { tensors: tf.memory().numTensors, handles: handles() };
        expect(() => tf.tidy(() => void compiled(tf.tensor1d([1, 2, 3])))).toThrow(message);
        expect(() => tf.tidy(() => void compiled(tf.tensor1d([1, 2, 3])))).toThrow(kind);
        expect({ tensors: tf.memory().numTensors, handles: handles() }).toEqual(held);
        expect(values(tf.tensor1d([1]).add(1))).toEqual([2]); // tfjs itself is as it was
      }),
    );

  refuses('reading data', (x) => (x.sum().dataSync()[0] ?? 0) * 2, /data is read while 'mine' is traced \(.*compile\.test/);
  refuses('reading data later', async (x) => (await x.data())[0], /promise|data is read/);
  refuses('a shape that depends on data', (x) => tf.unique(x).values, /shape of Unique.* depends on data \(.*compile\.test/);
  refuses(
    'random numbers of JavaScript',
    (x) => x.mul(Math.random()),
    /random numbers are drawn in JavaScript while 'mine' is traced \(.*compile\.test/,
  );
  refuses('random numbers of tfjs', (x) => x.add(tf.randomUniform([3])), /random numbers are drawn in JavaScript/);
  refuses('a new variable', () => tf.variable(tf.zeros([2]).add(1)), /a variable is made while 'mine' is traced/);
  refuses('text', (x) => [x, tf.tensor1d(['a'])], /dtype string is made in 'mine'/);
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
    /XLA cannot compile CropAndResize \(.*compile\.test.*\) in 'mine'/,
    UnsupportedError,
    true,
  );
  refuses('a wrong shape, in the words of TensorFlow', (x) => tf.matMul(x.reshape([1, 3]), x.reshape([1, 3])), /inner|dimension/i, Error);

  test(
    'long arrays of numbers as arguments',
    scoped(() => {
      const compiled = dispose(compile((list: number[]) => tf.tensor1d(list)));
      expect(() => compiled(new Array<number>(100).fill(1))).toThrow(ArgumentError);
      expect(() => compiled(new Array<number>(100).fill(1))).toThrow(/pass a tensor/);
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
      const held = { tensors: tf.memory().numTensors, handles: handles() };
      for (let i = 0; i < 1000; i++) {
        step(x).dispose();
        expect(() => pick(bad)).toThrow();
      }
      expect({ tensors: tf.memory().numTensors, handles: handles() }).toEqual(held);
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
