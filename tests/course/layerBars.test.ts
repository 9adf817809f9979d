import { layerBars } from 'lowrank-course';
import { describe, expect, it } from 'vitest';

const options = { title: 'Gates', valueTitle: 'gate g' };

describe('layerBars', () => {
  it('tells the layer that is furthest from zero, negative ones too', async () => {
    const chart = layerBars(
      [
        { layer: 2, value: 0.01 },
        { layer: 3, value: -0.06 },
      ],
      options,
    );
    expect(chart.sentence).toContain('2 layers, the furthest from zero layer 3 with −0.0600');
    expect(await chart.svg()).toContain('decoder layer');
  });

  it('draws one panel for each part, on one scale', async () => {
    const values = ['q_proj', 'v_proj'].flatMap((part, i) => [0, 1].map((layer) => ({ layer, part, value: i + layer })));
    const svg = await layerBars(values, { ...options, method: 'LoRA' }).svg();
    expect(svg).toContain('q_proj');
    expect(svg).toContain('v_proj');
    expect(svg.match(/aria-roledescription="bar"|mark-rect/g)?.length).toBeGreaterThan(1);
  });

  it('refuses what it cannot draw', () => {
    expect(() => layerBars([], options)).toThrow('no values');
    expect(() => layerBars([{ layer: 4, value: Number.NaN }], options)).toThrow('the value of layer 4 is NaN');
  });
});
