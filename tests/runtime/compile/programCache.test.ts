import { compile, evaluateLoss, getPeftModel, LoraConfig, Module, tf } from 'lowrank';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { IDS, LABELS, tinyModel } from '../../peft/tinyModel';
import { scoped } from './scoped';

class Counting extends Module {
  calls = 0;
  readonly weight = tf.variable(tf.scalar(3));
  forward(x: tf.Tensor): tf.Tensor {
    this.calls++;
    return x.mul(this.weight);
  }
}

let warn: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => warn.mockRestore());

describe('a field that changes with every call', () => {
  test(
    'is named at the eighth trace, once',
    scoped(() => {
      const layer = new Counting();
      const run = compile((layer: Counting, x: tf.Tensor) => layer.forward(x), { name: 'counted' });
      for (let call = 0; call < 12; call++) {
        expect(run(layer, tf.scalar(call)).dataSync()[0]).toBe(3 * call);
        expect(warn).toHaveBeenCalledTimes(call < 7 ? 0 : 1);
      }
      expect(warn.mock.calls[0]?.[0]).toMatch(/'counted' has been traced 8 times.*argument 0\.calls is 7, before it was 6.*#name/);
      run.dispose();
    }),
  );

  test('costs one trace where the layer says what counts, or keeps the field private', () => {
    class Declared extends Counting {
      override *compiledFields(): IterableIterator<readonly [string, unknown]> {
        for (const [name, field] of super.compiledFields()) if (name !== 'calls') yield [name, field];
      }
    }
    class Private extends Module {
      #calls = 0;
      readonly weight = tf.variable(tf.scalar(3));
      forward(x: tf.Tensor): tf.Tensor {
        this.#calls++;
        return x.mul(this.weight).add(0 * this.#calls);
      }
    }
    for (const layer of [new Declared(), new Private()]) {
      const run = compile((layer: Declared | Private, x: tf.Tensor) => layer.forward(x));
      for (let call = 0; call < 20; call++) expect(run(layer, tf.scalar(call)).dataSync()[0]).toBe(3 * call);
      expect(run.traces).toBe(1);
      run.dispose();
    }
    expect(warn).not.toHaveBeenCalled();
  });

  test('is named where it is inside a model that is evaluated', async () => {
    const model = tinyModel();
    const batches = [{ inputIds: IDS, labels: LABELS }];
    const norm = Object.assign(model.model.norm, { calls: 0 });
    for (let call = 0; call < 9; call++) {
      norm.calls = call;
      await evaluateLoss(model, batches);
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toContain("'evaluation' has been traced 8 times; this time argument 0.model.norm.calls is 7");
  });
});

test('shapes are named too, unless they are expected to differ', () => {
  for (const [variesIn, warnings] of [
    [undefined, 1],
    ['shapes', 0],
    ['anything', 0],
  ] as const) {
    warn.mockClear();
    const double = compile((x: tf.Tensor) => x.mul(2), { name: 'double', ...(variesIn && { variesIn }) });
    for (let length = 1; length < 12; length++) double(tf.ones([length])).dispose();
    expect(warn).toHaveBeenCalledTimes(warnings);
    if (warnings > 0) expect(warn.mock.calls[0]?.[0]).toMatch(/argument 0 is \[8\], before it was \[7\]: pad/);
    double.dispose();
  }
});

test('equal adapters of other names are one form', async () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }), { adapterName: 'a' });
  peft.addAdapter('b', new LoraConfig({ r: 2 }), { seed: 1 });
  peft.addAdapter('c', new LoraConfig({ r: 2, loraAlpha: 3 }), { seed: 2 });
  const forward = compile((model: typeof peft, ids: tf.Tensor2D) => model.forward(ids));
  const ids = tf.tensor2d(IDS, [3, 7], 'int32');
  const logits = (name: string, run = forward) => {
    peft.setAdapter(name);
    return [...run(peft, ids).dataSync()];
  };
  for (const [, variable] of peft.namedParameters()) variable.assign(variable.add(tf.randomNormal(variable.shape, 0, 0.1)));
  for (const name of ['a', 'b', 'a', 'c', 'b']) {
    peft.setAdapter(name);
    const expected = [...peft.forward(ids).dataSync()];
    const found = logits(name);
    expect(Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? 0))))).toBeLessThan(1e-4);
  }
  expect(forward.traces).toBe(2); // one for a and b, and one for c's scale
  peft.disableAdapter(() => forward(peft, ids));
  expect(forward.traces).toBe(3);
  forward.dispose();
});

describe('a cache that is full', () => {
  test('gives up what was not used for longest', () => {
    const add = compile((x: tf.Tensor, n: number) => x.add(n), { variesIn: 'anything' });
    for (let n = 0; n < 100; n++) {
      expect(add(tf.scalar(1), n).dataSync()[0]).toBe(1 + n);
      add(tf.scalar(1), 0); // stays in use
    }
    expect(add.inspect()).toHaveLength(64);
    expect(add.traces).toBe(100);
    add(tf.scalar(1), 0);
    add(tf.scalar(1), 99);
    expect(add.traces).toBe(100);
    expect(add(tf.scalar(1), 1).dataSync()[0]).toBe(2); // given up, and traced anew
    expect(add.traces).toBe(101);
    add.dispose();
  });

  test('still goes back through what it gave up while a gradient is taken', () => {
    const times = compile((x: tf.Tensor, n: number) => x.mul(n), { variesIn: 'anything' });
    const gradient = tf.grad((x: tf.Tensor) => {
      let sum = times(x, 1);
      for (let n = 2; n <= 100; n++) sum = sum.add(times(x, n));
      return sum;
    });
    expect(gradient(tf.scalar(2)).dataSync()[0]).toBe(5050);
    expect(times.inspect()).toHaveLength(64);
    times.dispose();
  });

  test('holds for a function that calls itself', () => {
    const inner: { sum?: (x: tf.Tensor, n: number) => tf.Tensor } = {};
    const sum = compile((x: tf.Tensor, n: number): tf.Tensor => (n === 0 ? x : (inner.sum?.(x, n - 1) ?? x).add(n)), {
      variesIn: 'anything',
    });
    inner.sum = sum;
    expect(sum(tf.scalar(0), 66).dataSync()[0]).toBe(2211);
    expect(sum(tf.scalar(1), 66).dataSync()[0]).toBe(2212);
    expect(sum.inspect().length).toBeLessThanOrEqual(64);
    expect(sum(tf.scalar(0), 3).dataSync()[0]).toBe(6);
    sum.dispose();
  });
});
