import * as danfo from 'danfojs-node';
import fc from 'fast-check';
import { ArgumentError } from 'lowrank';
import { type MimeBundle, table } from 'lowrank-notebook';
import polars from 'nodejs-polars';
import { describe, expect, it } from 'vitest';
import { displaySymbol } from '../../../lib/notebook/src/bundle';

const html = (bundle: MimeBundle) => String(bundle['text/html']);
const text = (bundle: MimeBundle) => String(bundle['text/plain']);
const rows = [
  { method: 'prefix', 'BLEU-4 (%)': 5.16, parameters: 1_228_800 },
  { method: 'LoRA (r=16)', 'BLEU-4 (%)': 5.7, parameters: 8_388_608 },
];

describe('a table', () => {
  it('aligns numbers on the point, separates thousands and marks the best', () => {
    const shown = table(rows, { caption: 'Paper, table VI', best: { 'BLEU-4 (%)': 'max', parameters: 'min' } })[displaySymbol]();
    expect(text(shown)).toBe(
      [
        'Paper, table VI',
        'method       BLEU-4 (%)   parameters',
        '───────────  ──────────  ───────────',
        'prefix             5.16  ★ 1,228,800',
        'LoRA (r=16)      ★ 5.70    8,388,608',
      ].join('\n'),
    );
    expect(html(shown)).toContain('<td align="right" style="text-align: right"><b title="best">★ 5.70</b></td>');
    expect(html(shown)).toContain('<td align="left" style="text-align: left">prefix</td>');
    expect(html(shown)).toContain('<caption style="text-align: left">Paper, table VI</caption>');
  });

  it('has a true minus sign before what is below 0, and none in exponents', () => {
    expect(text(table([{ change: -0.25 }, { change: -2e-9 }])[displaySymbol]())).toContain('−0.2500\n−2.0e-9');
  });

  it('shows the index of a frame where it is not 0, 1, 2, …', () => {
    const named = new danfo.DataFrame({ loss: [1, 2] }, { index: ['base', 'LoRA'] });
    expect(text(table(named)[displaySymbol]())).toContain('index  loss\n─────  ────\nbase      1\nLoRA      2');
    expect(text(table(new danfo.DataFrame({ loss: [1, 2] }))[displaySymbol]())).not.toContain('index');
  });

  it('is read from danfojs and polars frames and series', () => {
    const columns = { name: ['a', 'b'], loss: [1.25, 2.5] };
    const fromDanfo = text(table(new danfo.DataFrame(columns))[displaySymbol]());
    const fromPolars = text(table(polars.DataFrame(columns))[displaySymbol]());
    expect(fromDanfo.split('\n')).toEqual(['name  loss', '────  ────', 'a     1.25', 'b     2.50']);
    expect(fromPolars).toBe(fromDanfo);
    expect(text(table(polars.Series('x', [1, 2]))[displaySymbol]())).toBe('x\n─\n1\n2');
    expect(
      text(table(new danfo.Series([1, 2]))[displaySymbol]())
        .split('\n')
        .slice(2),
    ).toEqual(['1', '2']);
  });

  it('writes missing values as a dash, keeps small numbers from becoming 0, and takes the decimals it is given', () => {
    const small = [
      { 'learning rate': 0.0003, p: 1e-9, n: null },
      { 'learning rate': 5e-5, p: 0.5, n: Number.NaN },
    ];
    const lines = text(table(small, { decimals: { p: 2 } })[displaySymbol]()).split('\n');
    expect(lines[2]).toBe('      0.00030  1.0e-9    –');
    expect(lines[3]).toBe('      0.00005    0.50  NaN');
  });

  it('says how many rows it leaves out', () => {
    const many = Array.from({ length: 100 }, (_, step) => ({ step }));
    expect(text(table(many, { maxRows: 3 })[displaySymbol]())).toBe('step\n────\n   0\n   1\n   2\nthe first 3 of 100 rows');
    expect(html(table(many, { maxRows: 3 })[displaySymbol]()).match(/<tr>/g)).toHaveLength(4);
  });

  it('of many rows has the decimals and the best of all of them', () => {
    const many = Array.from({ length: 200_000 }, (_, step) => ({ loss: (step % 4) / 4 }));
    const shown = text(table(many, { maxRows: 1, best: { loss: 'min' } })[displaySymbol]());
    expect(shown).toBe('  loss\n──────\n★ 0.00\nthe first 1 of 200000 rows');
    expect(text(table(many, { maxRows: 200_000 })[displaySymbol]()).split('\n')).toHaveLength(200_002);
  });

  it('refuses what is no table, and options for columns that are not there', () => {
    expect(() => table([1, 2])).toThrow(ArgumentError);
    expect(() => table(new Map())).toThrow(/not a table/);
    expect(() => table(rows, { best: { bleu: 'max' } })).toThrow(
      "best names the column 'bleu'; the table has 'method', 'BLEU-4 (%)', 'parameters'",
    );
  });

  it.each([
    [{ maxRows: -1 }, 'maxRows -1 is not a whole number from 0 up'],
    [{ maxRows: Number.NaN }, 'maxRows NaN is not a whole number from 0 up'],
    [{ decimals: { parameters: 0.5 } }, "decimals of 'parameters' 0.5 is not a whole number from 0 up"],
    [{ decimals: { parameters: 200 } }, "decimals of 'parameters' are 200; pass at most 100"],
    [{ best: { parameters: 'lowest' as never } }, 'best of \'parameters\' "lowest" is none of "max", "min"'],
  ])('refuses the options %j', (options, message) => {
    expect(() => table(rows, options)).toRefuse(ArgumentError, message);
  });

  it('keeps names from the prototype apart from names in the data', () => {
    const hostile = JSON.parse('[{"__proto__": 1, "constructor": 2}]') as object[];
    expect(text(table(hostile)[displaySymbol]())).toContain('__proto__  constructor');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  const attacks = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    '</td></table><iframe src=javascript:alert(1)>',
  ];

  it.each(attacks)('shows %s as text wherever it comes from', (attack) => {
    const shown = html(table([{ [attack]: attack }], { caption: attack })[displaySymbol]());
    expect(shown).not.toMatch(/<(script|img|svg|iframe)/);
    expect(shown.replace(/<\/?(table|thead|tbody|tr|th|td|caption|p|small|b)( [a-z-]+="[^"<>]*")*>/g, '')).not.toMatch(/[<>]/);
  });

  it('has no line end and no control character of the data in its text, wherever they come from', () => {
    const hostile = 'a\u001b[2J\r\nb\tc\u202e\nd';
    const harmless = 'a\uFFFD[2J⏎b    c\uFFFD⏎d';
    const shown = text(table([{ [hostile]: hostile }], { caption: hostile })[displaySymbol]());
    expect(shown.split('\n')).toEqual([harmless, harmless, '─'.repeat(harmless.length), harmless]);
  });

  it('leaves no tag of the data standing, whatever the data', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, value) => {
        const shown = html(table([{ [name]: value }])[displaySymbol]());
        expect(shown.replace(/<\/?(table|thead|tbody|tr|th|td|p|small)( [a-z-]+="[^"<>]*")*>/g, '')).not.toMatch(/[<>]/);
      }),
    );
  });
});
