import { expect, test } from 'vitest';

const module: unknown = await import(new URL('../../docs/site/narrow.mjs', import.meta.url).href);
const { narrowed } = module as { narrowed(spec: object): object };

const bars = { mark: 'bar', encoding: { y: { field: 'method' } } };
const unnamed = { layer: [{ mark: 'bar', encoding: { y: { field: 'method', axis: null } } }] };

test('panels stand one below the other, at any depth', () => {
  expect(narrowed({ columns: 2, concat: [bars, { hconcat: [bars, bars], spacing: 9 }] })).toEqual({
    columns: 1,
    concat: [bars, { vconcat: [bars, bars], spacing: 9 }],
  });
});

test('parts whose rows have their names in the first one stay beside it', () => {
  const spec = { hconcat: [bars, unnamed] };
  expect(narrowed(spec)).toEqual(spec);
});

test('a long title has lines, a short one and the rest of the figure stay', () => {
  const text = 'LoRA is ahead where text is written, not where yes or no is asked';
  const lines = ['LoRA is ahead where text is written, not', 'where yes or no is asked'];
  expect(narrowed({ ...bars, title: text })).toEqual({ ...bars, title: lines });
  expect(narrowed({ ...bars, title: { text: text, offset: 20, subtitle: 'a test' } })).toEqual({
    ...bars,
    title: { text: lines, offset: 20, subtitle: ['a test'] },
  });
  expect(narrowed(bars)).toEqual(bars);
});
