import { expect, test } from 'vitest';

const module: unknown = await import(new URL('../../docs/site/narrow.mjs', import.meta.url).href);
const { narrowed, widestPlot } = module as { narrowed(spec: object, most?: number): object; widestPlot(spec: object): number };

const bars = { mark: 'bar', encoding: { y: { field: 'method' } } };
const unnamed = { layer: [{ mark: 'bar', encoding: { y: { field: 'method', axis: null } } }] };

test('panels stand one below the other, at any depth', () => {
  expect(narrowed({ columns: 2, concat: [bars, { hconcat: [bars, bars], spacing: 9 }] })).toEqual({
    columns: 1,
    concat: [bars, { vconcat: [bars, bars], spacing: 9 }],
  });
});

test('a part whose rows have their names in the part beside it gets them for itself', () => {
  const named = { layer: [{ mark: 'bar', encoding: { y: { field: 'method' } } }] };
  expect(narrowed({ hconcat: [bars, unnamed] })).toEqual({ vconcat: [bars, named] });
});

test('parts without names at all stand one below the other as they are', () => {
  const map = { mark: 'rect', encoding: { y: { field: 'row', axis: null } } };
  expect(narrowed({ hconcat: [bars, map] })).toEqual({ vconcat: [bars, map] });
});

test('no plot is wider than asked, and marks in pixels move with it', () => {
  const dash = { mark: { type: 'rule', strokeDash: [4, 4] }, encoding: { y: { value: 9 }, x: { value: 0 }, x2: { value: 400 } } };
  const beside = {
    mark: { type: 'text' },
    data: { values: [{ label: 'base' }] },
    encoding: { x: { value: 408 }, text: { field: 'label' } },
  };
  expect(narrowed({ width: 400, layer: [dash, beside] }, 200)).toEqual({
    width: 200,
    layer: [
      { ...dash, encoding: { ...dash.encoding, x2: { value: 200 } } },
      { ...beside, encoding: { ...beside.encoding, x: { value: 208 } } },
    ],
  });
  expect(widestPlot({ vconcat: [{ width: 300 }, { width: 400 }] })).toBe(400);
});

test('the steps of bars count as their width', () => {
  const rows = { values: ['a', 'b', 'c'].map((group) => ({ group })) };
  const steps = { width: { step: 60 }, data: rows, encoding: { x: { field: 'group' } } };
  expect(widestPlot(steps)).toBe(180);
  expect(narrowed(steps, 180)).toEqual(steps);
  expect(narrowed(steps, 120)).toEqual({ ...steps, width: 120 });
});

test('names beside the ends of lines are in a legend below, and the name of a dashed line is above it', () => {
  const color = { field: 'series', scale: { domain: ['LoRA', 'prefix'] }, legend: null };
  const x = { field: 'x', scale: { type: 'log', domain: [1, 1e10] } };
  const line = { mark: { type: 'line' }, data: { values: [{ x: 10 }, { x: 1e3 }] }, encoding: { x, y: { field: 'y' }, color } };
  const words = (label: string) => ({
    mark: { type: 'text', align: 'left' },
    data: { values: [{ label }] },
    encoding: { x: { value: 420 }, y: { value: 30 }, text: { field: 'label' } },
  });
  const symbol = { mark: { type: 'point' }, encoding: { x: { value: 411 }, y: { value: 30 } } };
  const view = { width: 400, layer: [line, symbol, words('LoRA'), words('prefix'), words('guessing')] };
  const legend = { orient: 'bottom', direction: 'vertical', columns: 1, title: null, symbolOpacity: 1, values: ['LoRA', 'prefix'] };
  expect(narrowed(view)).toEqual({
    width: 400,
    layer: [
      { ...line, encoding: { ...line.encoding, color: { ...color, legend } } },
      {
        ...words('guessing'),
        mark: { type: 'text', align: 'center', baseline: 'bottom', dy: -3 },
        encoding: { ...words('guessing').encoding, x: { value: 260 } },
      },
    ],
  });
});

test('the names of two dashed lines at almost one height stand above both', () => {
  const color = { field: 'series', scale: { domain: ['LoRA'] }, legend: null };
  const points = {
    mark: { type: 'point' },
    data: { values: [{ x: 3 }] },
    encoding: { x: { field: 'x', scale: { domain: [0, 9] } }, color },
  };
  const dash = (y: number) => ({
    mark: { type: 'rule', strokeDash: [4, 4] },
    encoding: { y: { value: y }, x: { value: 0 }, x2: { value: 400 } },
  });
  const words = (label: string, x: number, y: number) => ({
    mark: { type: 'text' },
    data: { values: [{ label }] },
    encoding: { x: { value: x }, y: { value: y }, text: { field: 'label' } },
  });
  const layer = [points, words('LoRA', 90, 20), dash(100), dash(101), words('base 65.0', 408, 100), words('always yes 64.8', 408, 115)];
  const narrow = narrowed({ width: 400, layer }) as { layer: { encoding: { y: { value: number } } }[] };
  expect(narrow.layer.slice(-2).map(({ encoding }) => encoding.y.value)).toEqual([88, 101]);
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
