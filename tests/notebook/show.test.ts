import { ArgumentError } from 'lowrank';
import { parameterBars, show } from 'lowrank-notebook';
import polars from 'nodejs-polars';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { displaySymbol } from '../../lib/notebook/src/bundle';
import { attachKernel } from './fakeKernel';

afterEach(() => vi.restoreAllMocks());

describe('show', () => {
  it('sends a figure as one bundle: Vega-Lite 5, SVG and a sentence', async () => {
    using kernel = attachKernel();
    await show(parameterBars([{ label: 'LoRA', parameters: 12_288 }]));
    expect(kernel.messages).toHaveLength(1);
    const { data = {}, transient } = kernel.messages[0] ?? {};
    expect(Object.keys(data)).toEqual(['application/vnd.vegalite.v5+json', 'image/png', 'image/svg+xml', 'text/plain']);
    expect(data['application/vnd.vegalite.v5+json']).toMatchObject({ $schema: 'https://vega.github.io/schema/vega-lite/v5.json' });
    expect(data['image/svg+xml']).toMatch(/^<svg role="img" aria-label="Bar chart of trainable parameters: LoRA 12,288 \(100.00 %\)."/);
    expect(data['text/plain']).toBe('Bar chart of trainable parameters: LoRA 12,288 (100.00 %).');
    expect(transient).toEqual({});
  });

  it("prefers our table to polars' own display, and takes any other object's display as it is", async () => {
    using kernel = attachKernel();
    await show(polars.DataFrame({ a: [1] }));
    await show({ [displaySymbol]: async () => ({ 'text/markdown': '**bold**' }) });
    expect(kernel.texts[0]).toBe('a\n─\n1');
    expect(kernel.messages[1]?.data).toEqual({ 'text/markdown': '**bold**' });
  });

  it('writes plain text to stdout where no kernel runs', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await show([{ a: 1 }]);
    expect(write).toHaveBeenCalledWith('a\n─\n1\n');
    await show({ [displaySymbol]: async () => ({ 'text/plain': 'two\nlines\u001b[2J\u202e' }) });
    expect(write).toHaveBeenLastCalledWith('two\nlines\ufffd[2J\ufffd\n');
  });

  it('refuses what it cannot show', async () => {
    await expect(show(new Date(0))).rejects.toThrow(ArgumentError);
  });
});
