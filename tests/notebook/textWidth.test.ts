import { expect, test } from 'vitest';
import { textWidth } from '../../lib/notebook/src/textWidth';

// Widths at size 11 by the fonts' own tables (fontTools): Liberation Sans, which is as wide as Arial, and DejaVu Sans.
const measured = [
  ['CodeReviewer, all weights', 129.6, 145.4],
  ['LoRA on LLaMA-7B, r = 16', 132.4, 145.0],
  ['source: softmax of σ(g) · logits', 148.0, 169.1],
  ['loss (nats per token)', 99.7, 113.5],
  ['8,388,608 (0.12 %)', 93.6, 106.5],
  ['WWWW', 41.5, 43.5],
  ['iiii', 9.8, 12.2],
] as const;

test.each(measured)('%s is estimated as wide as the wider font has it, or a little wider', (text, _arial, dejaVu) => {
  expect(textWidth(text, 11)).toBeGreaterThan(0.97 * dejaVu);
  expect(textWidth(text, 11)).toBeLessThan(1.3 * dejaVu);
});

test('the width grows with the font, and no text has none', () => {
  expect(textWidth('ab', 22)).toBe(2 * textWidth('ab', 11));
  expect(textWidth('', 11)).toBe(0);
});
