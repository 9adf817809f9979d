import { groupedBars, linePlot, scorePlot, tradeoffBubbles } from 'lowrank-notebook';
import { describe, expect, test } from 'vitest';
import { textFaults, textsOf } from './svgTexts';

const picture = (body: string) => `<svg width="200" height="100">${body}</svg>`;
const text = (words: string, transform: string, more = '') =>
  `<text text-anchor="start" transform="${transform}" font-size="10px" ${more}>${words}</text>`;

describe('the texts of a picture', () => {
  test('stand where their groups and turns put them', () => {
    const { texts } = textsOf(picture(`<g transform="translate(20,10)">${text('ll', 'translate(5,50) rotate(-90)')}</g>`));
    const [[x = 0, y = 0] = []] = texts[0]?.corners ?? [];
    expect([x.toFixed(1), y]).toEqual(['17.7', 60]); // above its baseline is now left of it
    expect(texts[0]?.corners[1]?.[1]).toBeCloseTo(60 - 2 * 2.78);
  });

  test('are at fault where they overlap', () => {
    expect(textFaults(picture(text('one', 'translate(0,50)') + text('two', 'translate(30,50)')))).toEqual([]);
    expect(textFaults(picture(text('one', 'translate(0,50)') + text('two', 'translate(15,50)')))).toEqual([
      "'one' and 'two' overlap by 4 px",
    ]);
  });

  test('are at fault where the edge cuts them, bold ones sooner', () => {
    const word = 'approximation of the update';
    expect(textFaults(picture(text(word, 'translate(52,50)')))).toEqual([]);
    expect(textFaults(picture(text(word, 'translate(52,50)', 'font-weight="600"')))).toEqual([`'${word}' is cut by 16 px`]);
    expect(textFaults(picture(text('x', 'translate(0,4)')))).toEqual(["'x' is cut by 3 px"]);
  });

  test('that lie side by side and turned do not overlap', () => {
    const turned = [0, 15].map((x) => text('a long name', `translate(${100 + x},20) rotate(-60)`, 'text-anchor="end"')).join('');
    expect(textFaults(picture(turned))).toEqual([]);
  });

  test('that are not seen are not read', () => {
    expect(textsOf(picture(text('a', 'translate(0,50)', 'opacity="0"'))).texts).toEqual([]);
  });
});

describe('no chart has such a fault', () => {
  const names = ['LoRA r=16, α=32', 'LoRA r=16, α=16', 'LoRA r=8, α=16', 'prefix K=10'];
  const charts = {
    'bars with names that are wider than the bars': groupedBars(
      names.map((group, index) => ({ group: `${group}, all linear layers`, series: 'x', value: 5 + index / 10, low: 5, high: 6 })),
      { yTitle: 'BLEU-4', title: 'A title that is far longer than the plot is wide, and says a whole finding in one sentence' },
    ),
    'lines that end together': linePlot(
      names.map((label) => ({ label, points: [0, 1].map((x) => ({ x, y: 3 - x })) })),
      { xTitle: 'step', yTitle: 'loss', references: [{ label: 'untuned', y: 3 }], xReferences: [{ label: 'end of warm-up', x: 0 }] },
    ),
    'bubbles at one place': tradeoffBubbles(
      names.map((label) => ({ label, x: 1e6, y: 9, size: 3, low: 8, high: 10 })),
      { xTitle: 'parameters', yTitle: 'BLEU-4', sizeTitle: 'MB', xScale: 'log' },
    ),
    'scores against parameters': scorePlot(
      names.map((method, index) => ({ method, value: 9 + index / 100, parameters: 1e6 + index, low: 8, high: 10 })),
      { scoreTitle: 'BLEU-4', form: 'parameters' },
    ),
  };

  test.each(Object.entries(charts))('%s', async (_name, chart) => {
    expect(textFaults(await chart.svg())).toEqual([]);
  });
});
