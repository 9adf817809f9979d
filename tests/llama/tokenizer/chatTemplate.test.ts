/** What a chat template writes is what Jinja writes, and has an end. */
import fs from 'node:fs';
import { ArgumentError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { boundedTemplate } from '../../../lib/lowrank/src/llama/tokenizer/chatTemplate/boundedTemplate';
import { chatVariables } from '../../../lib/lowrank/src/llama/tokenizer/chatTemplate/chatVariables';
import { importJinja } from '../../../lib/lowrank/src/llama/tokenizer/chatTemplate/jinjaLibrary';
import { strftime } from '../../../lib/lowrank/src/llama/tokenizer/chatTemplate/python/strftime';

const jinja = await importJinja();
const messages = [
  { role: 'system', content: 'Be short.\n' },
  { role: 'user', content: 'é <b> "x"\nline\n\nline' },
  { role: 'assistant', content: '', tool_calls: [{ name: 'f', arguments: { a: [1, 2.5, true, null] } }] },
];
const given = { messages, bos_token: '<s>', add_generation_prompt: true };
const render = (source: string) => boundedTemplate(jinja, source).render(given);

test.each([
  '{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content | trim }}{{ loop.index0 }}{% endfor %}{{ missing }}',
  "{{ messages | tojson(indent=2) }}{{ messages[2].tool_calls[0].arguments | tojson }}{{ messages | tojson(separators=(',', ':')) }}",
  "{{ messages[1].content.replace('line', 'row', 1) }}{{ messages[1].content | replace('line', '') }}{{ 'ab' | replace('', '-') }}",
  "{{ messages | map(attribute='role') | join(', ') }}{{ ['a', 'b'] | join }}{{ 'abc' | join('/') }}",
  '{{ messages[1].content | indent(2, true) }}{{ messages[1].content | indent(width=3, blank=true) }}{{ messages[1].content | indent }}',
  '{% filter indent(3) %}a\nb\n{% for i in range(3) %}{{ i }}\n{% endfor %}{% endfilter %}{% filter upper %}x{% endfilter %}',
  '{{ range(3) | list | tojson }}{{ range(1, 7, 2) | list | tojson }}{{ range(5, 0, -2) | list }}{{ range(0) | list | tojson }}',
  '{%- macro show(x, y=2) -%}[{{ x }}{{ y }}{{ caller() if caller }}]{%- endmacro -%}{{ show(1) }}{% call show(*[3], y=4) %}c{% endcall %}',
  '{% set ns = namespace(last=-1, all=[]) %}{% for m in messages %}{% set ns.all = ns.all + [m.role] %}{% endfor %}{{ ns.all | tojson }}{{ ns.all[1:] | tojson }}',
  "{{ 'a' if True and not False else 'b' }}{{ 'x' * 0 if false }}{{ strftime_now('%%') }}",
])('what is written is what the library writes: %s', (source) => {
  expect(render(source)).toBe(new jinja.Template(source).render(given));
});

interface Golden {
  readonly given: Readonly<Record<string, unknown>>;
  readonly cases: readonly { readonly source: string; readonly text: string }[];
  /** What is written so, or refused. */
  readonly either: Golden['cases'];
  /** Sources at which Python's rendering ends with an error. */
  readonly refused: readonly string[];
  readonly tokens: Readonly<Record<'bos_token' | 'sep_token' | 'cls_token' | 'mask_token', string>>;
  readonly messages: readonly object[];
  /** What transformers writes of the messages, with these tokens. */
  readonly chats: readonly { readonly source: string; readonly text: string }[];
}

const golden: Golden = JSON.parse(fs.readFileSync(new URL('../../golden/chatTemplates.json', import.meta.url), 'utf8'));

test.each(golden.cases)('it is written as in transformers: $source', ({ source, text }) => {
  expect(boundedTemplate(jinja, source).render(golden.given)).toBe(text);
});

test.each(golden.either)('it is written as in transformers, or refused: $source', ({ source, text }) => {
  let written: string;
  try {
    written = boundedTemplate(jinja, source).render(golden.given);
  } catch (refusal) {
    expect(String(refusal)).toMatch(/^(Syntax)?Error: (it|the number|Cannot apply filter) /);
    return;
  }
  expect(written).toBe(text);
});

test.each(golden.chats)('it is given what transformers gives: $source', ({ source, text }) => {
  const { bos_token: bosToken, sep_token: sepToken, cls_token: clsToken, mask_token: maskToken } = golden.tokens;
  const definition = { path: '', tokenizerJson: {}, bosToken, sepToken, clsToken, maskToken };
  expect(boundedTemplate(jinja, source).render(chatVariables(definition, golden.messages, false))).toBe(text);
});

test('a conversation without messages is refused', () => {
  expect(() => chatVariables({ path: '', tokenizerJson: {} }, [], true)).toThrow('there is no message');
});

test.each(['{% break %}', '{% continue %}'])('what ends a loop is refused outside of one: %s', (source) => {
  expect(() => render(source)).toThrow(/^it has a (break|continue) outside of a loop/);
});

test.each(['{{ 2 == 2 == 2 }}', '{{ 1 < 2 == true }}', '{% if a in b == c %}{% endif %}', '{{ a == b not in c }}'])(
  'chained comparisons are refused: %s',
  (source) => {
    expect(() => render(source)).toThrow(/^it compares with .* what is itself a comparison: join the two by "and"/);
  },
);

test.each([
  ['{{ (2 == 2) == true }}{{ [1 == 1, 2 in [3]] }}', 'True[True, False]'],
  ['{% for i in [1, 2] if i == 2 %}{{ i in [2] and not i not in [2] }}{% endfor %}', 'True'],
])('comparisons in brackets and beside others are not chained: %s', (source, text) => {
  expect(render(source)).toBe(text);
});

test('a block without its end, and one that begins with +%}, is refused', () => {
  expect(() => render('{% if messages %}x')).toRefuse(SyntaxError, 'a block or an expression has no end');
  expect(() => render('{% raw +%}x{% endraw %}')).toRefuse(SyntaxError, 'a raw block begins with +%}');
});

test('a text without its end is refused at once, however many quotes it has', () => {
  expect(() => render(`{{ ${"'\\".repeat(20_000)} }}`)).toRefuse(SyntaxError, 'a text has no end');
});

test('blanks without end are refused, and a long run of them is not', () => {
  expect(() => render(`{{ 1 }}${' \n'.repeat(20_000)}x`)).toRefuse(SyntaxError, 'it has 1000 blanks in a row');
  expect(render(`{{ 1 }}${' '.repeat(999)}x`)).toBe(`1${' '.repeat(999)}x`);
});

test.each(["{{ '\\N{BULLET}' }}", "{{ '\\x4' }}", '{{ "\\U00110000" }}', '{{ "\\ud83d\\ude00" }}', '{# a', '{{ "a'])(
  'a text or tag that cannot be read is refused: %s',
  (source) => {
    expect(() => render(source)).toThrow(/is not known here|has no end|Unexpected/);
  },
);

test('a function, and what holds itself, cannot be written', () => {
  expect(() => render('{{ range }}')).toThrow('it writes a function, not what the function returns');
  expect(() => render('{% set n = namespace() %}{% set n.n = n %}{{ n }}')).toThrow('it writes lists or mappings more than 100 deep');
});

test.each(golden.refused)('what Python cannot compute is refused: $0', (source) => {
  expect(() => boundedTemplate(jinja, source).render(golden.given)).toThrow(
    /^(it |range|macro |namespace |Got multiple values|Cannot (apply|call) )/,
  );
});

test.each(['{{ 9007199254740993 }}', '{{ 2 ** 70 }}', '{{ [10 ** 20] | tojson }}'])(
  'a number that JavaScript has rounded is refused: %s',
  (source) => {
    expect(() => render(source)).toThrow(/it writes the whole number \d\S*, which JavaScript cannot hold exactly; give it as text/);
  },
);

test('the date is in English, as in Python, and its unknown fields are refused', () => {
  const form = '%Y %y %m %d %e %B %b %A %a %H:%M:%S %I %p %j %-d %%';
  expect(strftime(new Date(2026, 2, 4, 15, 6, 7), form)).toBe('2026 26 03 04  4 March Mar Wednesday Wed 15:06:07 03 PM 063 4 %');
  expect(() => render("{{ strftime_now('%Q') }}")).toThrow('it writes the date with %Q; only');
});

test('the year is the one of today', () => {
  expect(render("{{ strftime_now('%Y') }}")).toBe(String(new Date().getFullYear()));
});

describe('a template is stopped that makes', () => {
  test.each([
    ['a list without end', '{% for i in range(9007199254740991) %}{{ i }}{% endfor %}'],
    ['a list that goes down', '{{ range(0, -9007199254740991, -1) | length }}'],
    ['many blanks', '{{ "a\nb" | indent(400000000) }}'],
    ['many blanks in a block', '{% filter indent(400000000) %}a\nb{% endfilter %}'],
    ['many blanks by a name', '{{ "a\nb" | indent(width=400000000) }}'],
    ['many blanks of JSON', '{{ messages | tojson(indent=100000000) }}'],
    [
      'wide JSON',
      "{% set s = range(90000) | join(',') %}{{ messages | tojson(separators=(s, s)) }}{{ range(99) | tojson(separators=(s, s)) }}",
    ],
    ['a long join', "{% set s = range(90000) | join(',') %}{{ range(90000) | join(s) }}"],
    ['a long replacement', "{% set s = range(90000) | join(',') %}{{ s | replace(',', s) }}"],
    ['a long replacement by a method', "{% set s = range(90000) | join(',') %}{{ s.replace(',', s) }}"],
    ['a replacement of nothing', "{% set s = range(90000) | join(',') %}{{ s.replace('', s) }}"],
    ['a replacement in a list of arguments', "{% set s = range(90000) | join(',') %}{{ s.replace(*[',', s]) }}"],
    ['a text of twice itself', '{% set n = namespace(s="ab") %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}'],
    ['a list of twice itself', '{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = n.l + n.l %}{% endfor %}'],
    [
      'a list that holds itself twice',
      '{% set n = namespace(l=[1]) %}{% for i in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}',
    ],
    [
      'a mapping that holds itself twice',
      "{% set n = namespace(m=1) %}{% for i in range(60) %}{% set n.m = {'a': n.m, 'b': n.m} %}{% endfor %}{{ n.m }}",
    ],
    [
      'many long texts',
      "{% set n = namespace(l=[]) %}{% for i in range(900) %}{% set n.l = n.l + [range(9000) | join('a') | upper] %}{% endfor %}",
    ],
    ['slices', '{% set s = range(90000) | list %}{% for i in range(9000) %}{% set t = s[1:] %}{% endfor %}'],
  ])('%s', (_, source) => {
    expect(() => render(source)).toRefuse(ArgumentError, /^filling it makes (a text or list|texts) of more than \d+ characters/);
  });
});

test('a conversation that is long itself may be', () => {
  const long = Array.from({ length: 3000 }, (_, i) => ({ role: i % 2 ? 'assistant' : 'user', content: `${i} ${'word '.repeat(400)}` }));
  const source =
    "{% for m in messages %}{% if m.role == 'user' %}{{ '<|' + m['role'] + '|>' + m['content'] | trim + '\n' }}{% else %}{{ m.content }}{% endif %}{% endfor %}";
  expect(boundedTemplate(jinja, source).render({ messages: long })).toBe(new jinja.Template(source).render({ messages: long }));
});
