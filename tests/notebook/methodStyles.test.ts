import { linePlot, methodColor } from 'lowrank-notebook';
import { METHOD_STYLES, methodOf } from 'lowrank-notebook/internal';
import { describe, expect, test } from 'vitest';
import { stylesOf } from '../../lib/notebook/src/charts/series';
import { contrast, luminance } from './contrast';

describe('a method', () => {
  test.each([
    ['LoRA r=16, α=32', 'LoRA'],
    ['QLoRA', 'LoRA'],
    ['DoRA', 'DoRA'],
    ['rsLoRA', 'rsLoRA'],
    ['LoRA, all linear layers', 'LoRA, all linear layers'],
    ['prefix K=10', 'prefix'],
    ['full fine-tuning', 'full'],
    ['CodeReviewer, all weights', 'full'],
    ['untuned', 'base'],
    ['base', 'base'],
    ['base + LoRA', 'LoRA'],
    ['paper: g · softmax', 'paper'],
    ['source: softmax of σ(g) · logits', 'source'],
    ['tutorial: one softmax', 'source'],
    ['always yes', 'base'],
    ['q_proj', undefined],
    ['baseline of the axis', undefined],
  ] as const)('of %s is %s', (name, method) => {
    expect(methodOf(name)).toBe(method);
  });

  test('has the same colour in a chart as by its name', () => {
    const chart = linePlot([{ label: 'prefix K=10', points: [{ x: 0, y: 1 }] }], { xTitle: 'step', yTitle: 'loss' });
    expect(JSON.stringify(chart.spec)).toContain(methodColor('prefix'));
    expect(methodColor('prefix')).toBe('#e0750c');
  });

  test('that nobody knows is refused', () => {
    expect(() => methodColor('q_proj')).toThrow("'q_proj' names no method with a colour; known are LoRA; DoRA");
  });

  test.each(Object.entries(METHOD_STYLES))('%s is legible on white and on dark paper', (_name, { colour }) => {
    expect(contrast(colour, '#ffffff')).toBeGreaterThanOrEqual(3);
    expect(contrast(colour, '#111111')).toBeGreaterThanOrEqual(3);
  });

  test('differs from each other of the five in grey', () => {
    const lightness = (['LoRA', 'full', 'base', 'paper', 'prefix'] as const).map(
      (name) => 116 * Math.cbrt(luminance(METHOD_STYLES[name].colour)) - 16,
    );
    for (const [index, value] of lightness.entries()) if (index > 0) expect(value - (lightness[index - 1] ?? 0)).toBeGreaterThan(3.5);
  });

  test('that occurs twice has two shades, dashes and shapes', () => {
    const styles = stylesOf(['LoRA r=8', 'LoRA r=16', 'prefix', 'q_proj', 'v_proj']);
    for (const code of ['colour', 'dash', 'shape'] as const) expect(new Set(styles.map((style) => String(style[code]))).size).toBe(5);
    expect(styles[2]?.colour).toBe(METHOD_STYLES.prefix.colour);
  });

  test('with several ranks has the same shades in every order', () => {
    const names = ['LoRA r=8, α=16', 'LoRA r=16, α=16', 'LoRA r=16, α=32'];
    const colours = (order: readonly string[]) => new Map(stylesOf(order).map(({ colour }, index) => [order[index], colour]));
    expect(colours([...names].reverse()).get('LoRA r=8, α=16')).toBe(colours(names).get('LoRA r=8, α=16'));
    expect(colours(names).get('LoRA r=16, α=16')).toBe(METHOD_STYLES.LoRA.colour);
    expect(colours(['LoRA of the experiment', 'LoRA']).get('LoRA')).toBe(METHOD_STYLES.LoRA.colour);
  });

  test('has a colour of its own beside the other forms of LoRA', () => {
    const names = ['LoRA r=8, α=8', 'LoRA r=8, α=16', 'LoRA r=16, α=16', 'LoRA r=16, α=32', 'rsLoRA', 'DoRA', 'LoRA r=8, all linear'];
    const styles = stylesOf([...names, 'prefix K=10']);
    expect(new Set(styles.map(({ colour }) => colour)).size).toBe(names.length + 1);
    expect(styles.at(-1)?.shape).toBe(METHOD_STYLES.prefix.shape);
    for (const { colour } of styles) for (const paper of ['#ffffff', '#111111']) expect(contrast(colour, paper)).toBeGreaterThanOrEqual(3);
  });
});
