import { ArgumentError, KeyValueCache, type LlamaForCausalLM, ShapeError, tf } from 'lowrank';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectClose, leaked, rows, tinyModel } from '../golden';

let model: LlamaForCausalLM;
beforeAll(async () => {
  model = await tinyModel('llama3');
});
afterAll(() => model.dispose());

test('logits read piece by piece are those read at once, however the pieces are cut', () => {
  for (const cuts of [[24], [1, 23], [23, 1], [5, 1, 1, 10, 7]]) {
    const cache = new KeyValueCache(2);
    expectClose(() => {
      let at = 0;
      const pieces = cuts.map((length) => {
        const ids = rows.ids.map((row) => row.slice(at, at + length));
        at += length;
        return model.forward(ids, { cache });
      });
      return [tf.concat(pieces, 1), model.forward(rows.ids)];
    });
    expect(cache.length).toBe(24);
    cache.dispose();
  }
});

test('padded rows too, their mask covering what is cached', () => {
  const cache = new KeyValueCache(2);
  const slice = (values: number[][], from: number, to?: number) => values.map((row) => row.slice(from, to));
  expectClose(() => {
    const first = model.forward(slice(rows.padded, 0, 21), { cache, attentionMask: slice(rows.mask, 0, 21) });
    const rest = model.forward(slice(rows.padded, 21), { cache, attentionMask: rows.mask });
    const seen = tf.tensor(rows.mask).expandDims(2);
    return [tf.concat([first, rest], 1).mul(seen), model.forward(rows.padded, { attentionMask: rows.mask }).mul(seen)];
  });
  expect(() => model.forward([[1], [1], [1]], { cache, attentionMask: [[1], [1], [1]] })).toThrow(
    'attentionMask has shape [3,1], not [3,25]',
  );
  cache.dispose();
});

test('rows can be taken again, in another order', () => {
  const cache = new KeyValueCache(2);
  tf.tidy(() => model.forward(rows.ids, { cache }));
  cache.selectRows([2, 0, 0]);
  const chosen = [2, 0, 0].map((row) => [...(rows.ids[row] ?? []), 7]);
  expectClose(() => [model.forward([[7], [7], [7]], { cache }), model.forward(chosen, { logitsToKeep: 1 })]);
  cache.dispose();
});

test('frozen, it serves one pass after another and stays as it was', async () => {
  const cache = new KeyValueCache(2);
  tf.tidy(() => model.forward(rows.ids.slice(0, 1), { cache }));
  cache.freeze();
  const texts = [7, 9].map((id) => [...(rows.ids[0] ?? []), id]);
  const leak = await leaked(() => {
    for (const _ of [1, 2]) expectClose(() => [model.forward([[7], [9]], { cache }), model.forward(texts, { logitsToKeep: 1 })]);
  });
  expect([leak, cache.length]).toEqual([0, 24]);
  cache.dispose();
});

test('frozen with several rows, it serves as many and no others', () => {
  const cache = new KeyValueCache(2);
  tf.tidy(() => model.forward(rows.ids.slice(0, 2), { cache }));
  cache.freeze();
  const texts = [7, 9].map((id, row) => [...(rows.ids[row] ?? []), id]);
  expectClose(() => [model.forward([[7], [9]], { cache }), model.forward(texts, { logitsToKeep: 1 })]);
  expect(() => model.forward([[7]], { cache })).toRefuse(ShapeError, 'a frozen cache of 2 rows cannot serve a pass of 1 rows');
  cache.dispose();
});

test('it goes on with as many rows as it has, and no others', () => {
  const cache = new KeyValueCache(2);
  tf.tidy(() => model.forward(rows.ids.slice(0, 1), { cache }));
  expect(() => model.forward([[7], [9]], { cache })).toRefuse(ShapeError, 'a cache of 1 rows cannot go on with a pass of 2 rows');
  expect(cache.length).toBe(24);
  cache.dispose();
});

test('freed, a frozen one takes positions again', () => {
  const cache = new KeyValueCache(2);
  tf.tidy(() => model.forward(rows.ids, { cache }));
  cache.freeze();
  cache.dispose();
  tf.tidy(() => model.forward([[1, 2, 3]], { cache }));
  expect(cache.length).toBe(3);
  cache.dispose();
});

test('its owner frees it, and it has a place for each layer and each position only', async () => {
  const leak = await leaked(() => {
    const cache = new KeyValueCache(2);
    for (const id of [1, 2, 3]) model.forward([[id]], { cache }).dispose();
    cache.dispose();
    expect(cache.length).toBe(0);
  });
  expect(leak).toBe(0);
  expect(() => new KeyValueCache(1).layer(1)).toThrow(ArgumentError);
  expect(new KeyValueCache(10 ** 9).length).toBe(0); // its layers take nothing before they are used
  const full = new KeyValueCache(2);
  tf.tidy(() => model.forward([Array.from({ length: 64 }, () => 1)], { cache: full }));
  expect(() => model.forward([[1]], { cache: full })).toThrow("65 tokens does not fit the model's 64 positions");
  full.dispose();
});
