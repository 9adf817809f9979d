"""What transformers' Jinja writes where JavaScript would write something else, and what it refuses: tests/golden/chatTemplates.json."""
import json
from pathlib import Path

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import _compile_jinja_template

GIVEN = {
    'messages': [{'role': 'user', 'content': None}, {'role': 'tool', 'content': [{'type': 'text', 'text': "it's"}, {'type': 'image'}]}],
    'values': [1, -2.5, 1e-7, 12345678.25, True, None, 'a\n"b"', "c'd", 'e\'"\\\t\u00a0\u200b\u007f\u2028é😀', [], {}, [[1], {'a': {'b': 'c'}}]],
    'tools': None,
    'schema': {'z': 1, 'type': 'array', 'items': {'type': 'string'}, 'Ä': [1.5, {'q': None}], 'B': {}},
    'yes': True,
}
SOURCES = [
    '{{ yes }}{{ not yes }}{{ none }}{{ None }}{{ True }}|{{ tools }}|{{ missing }}|{{ yes if yes }}{{ yes if not yes }}',
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ m['name'] }}{% endfor %}",
    '{{ values }}', '{% for value in values %}{{ value }};{% endfor %}', '{{ messages }}{{ messages[1].content[0] }}',
    "{{ 'a' ~ none ~ true ~ 1 ~ 2.0 ~ [none] ~ missing }}", "{{ true | string }}{{ none | string }}{{ values[2] | string | length }}",
    '{{ values[3:] | tojson }}', '{{ (1, "a") }}{{ (none, 2) }}{{ [] }}{{ {} }}', '{% set x = none %}{{ x }}{% set y %}{{ true }}{% endset %}{{ y }}',
    '{% macro m(x) %}{{ x }}{% endmacro %}{{ m(none) }}{{ m(false) }}{% macro n(x) %}{{ x }}{{ caller() }}{% endmacro %}{% call n(true) %}{{ none }}{% endcall %}',
    '{% filter upper %}{{ none }}{% endfilter %}{# no text #}{{ 1 == 1 }}{{ 2 in values }}{{ missing is defined }}',
    '{{ 10000000000000000.0 }}{{ 5 / 2 }}{{ 4 / 2 }}{{ 7 // 2 }}{{ 2 ** 3 }}{{ -0.0 }}{{ 0.1 + 0.2 }}',
    '{% if none %}{{ none }}{% else %}{{ false }}{% endif %}{{ none or true }}{{ yes and none }}{{ namespace(a=none).a }}',
]

# JSON: numbers, indents, keys and their order, texts beyond ASCII
JSON_OF = ['[1, 1.0, -0.0, 0.1, "1e-5" | float, "1e-7" | float, "1e15" | float, "1e16" | float, "1e22" | float, 123456789.0, 4 / 2, 7 // 2]',
           '["inf" | float, "-inf" | float, "nan" | float]', 'values', '(1, "a")',
           'schema', '"é😀\u2028\u007f</b>&\'"', '[]', '{}', '[[], {}, [1]]', 'none', 'true']
JSON_BY = ['', '(indent=2)', '(indent=0)', '(indent=-1)', '(indent="\\t")', '(indent=true)', '(ensure_ascii=true)', '(true)', '(false, 2)', '(sort_keys=true, indent=1)',
           "(separators=(',', ':'))", "(indent=2, separators=(';', '='))"]
SOURCES += [f'{{{{ ({value}) | tojson{by} }}}}' for value in JSON_OF for by in JSON_BY]
TERMS = ['1', '1.0', '-7', '2.5', '"1"', 'none', 'true', '[1]', '[1.0, none]', '{"a": 1}', '(1, 2)', 'missing', '[[1], {"a": 1.0}, true]']
SOURCES += [f'{{{{ ({a}) {operator} ({b}) }}}}' for a in TERMS for b in TERMS for operator in ['==', '!=']]
SOURCES += [f'{{{{ ({a}) {operator} ({b}) }}}}' for a in TERMS for b in TERMS if b[0] in '[(' for operator in ['in', 'not in']]
NUMBERS = ['1', '-7', '3', '2.5', '0.1', '-0.5', '10.0']
SOURCES += [f'{{{{ ({a}) {operator} ({b}) }}}}' for a in NUMBERS for b in NUMBERS for operator in ['%', '//', '/', '+']]
TEXTS = ['"  Hello World-foo bar\'s x.y\\n"', '"\ufeffa\u001cb  c\u0085"', '"a😀b"', '""', '"HELLO"', '"it\'s 3pm"', '"a\\r\\nb\\rc\u2028\\n\\nd"']
SOURCES += [f'[{{{{ ({text}) {use} }}}}]' for text in TEXTS for use in [
    '.strip()', '.lstrip()', '.rstrip()', '.strip(" H\\n")', '.lstrip("aH ")', '.rstrip("o\\n")', '.split()', '.split(none, 1)', '.title()', '.capitalize()', '.length', '[1]', '[-2:]',
    '| trim', '| trim("a")', '| title', '| capitalize', '| length', '| count', '| indent', '| indent(2)', '| indent(1, true)', '| indent(width=3, blank=true)', '| indent("> ")', '| join("/")',
    'is upper', 'is lower', '| default("x")', '| default("x", true)']]
SOURCES += [f'{{{{ ({value}) | {name} }}}}' for name in ['int', 'int(5)', 'int(default=-1)', 'float', 'float(5)'] for value in [
    '-2.5', '7', 'true', '"12abc"', '" 12 "', '"1_000"', '"1e3"', '"3.7"', '"-0.5"', '"inf"', '".5"', '"0x10"', '""', 'none', '[]']]
SOURCES += ['{{ values | join(", ") }}', '{{ [none, true, 2.0, {}] | join }}', "{{ ['b', 'A', 'a', 'B'] | unique | list }}", '{{ [1, true, 1.0, "1"] | unique | list }}', '{{ (1, 2) | list }}',
            '{{ missing | default(default_value=2) }}', '{% for k, v in schema.items() %}{{ k }}={{ v }};{% endfor %}', "{{ schema['items'] }}", '{{ schema.get("items").type }}',
            '{% for value in [none, 1, 1.5, true, "a", [], (1, 2), {}, missing] %}{{ value is number }}{{ value is iterable }}{{ value is sequence }};{% endfor %}',
            '{% if messages[0].name == none %}none{% else %}missing{% endif %}', '{{ none.x is defined }}']

# Scopes, and what ends a loop
SOURCES += [
    '{% set x = 1 %}{% for i in [1, 2, 3] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if yes %}{% set x = 9 %}{% endif %}{{ x }}',
    "{% for m in messages %}{% if m.role == 'user' %}{% set first = m.role %}{% endif %}[{{ first }}]{% endfor %}[{{ first }}]",
    '{% for i in [1, 2, 3, 4] %}{{ i }}{% if i == 3 %}!{% break %}{% endif %},{% endfor %}',
    '{% for i in [1, 2, 3] %}{{ i }}{% if i == 2 %}{{ "skip" }}{% continue %}{% endif %};{% else %}none{% endfor %}',
    '{% for i in [1, 2] %}{% continue %}{% else %}none{% endfor %}{% for i in [] %}{{ i }}{% else %}none{% endfor %}{% for i in missing %}{{ i }}{% else %}none{% endfor %}',
    '{% for i in [1, 2] %}{% for j in [1, 2, 3] %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }}{{ loop.last }}{% endfor %}{{ loop.first }};{% endfor %}',
    '{% for i in values[:4] if i is number and i > 0 %}{{ loop.index }}/{{ loop.length }}:{{ i }}{{ loop.revindex0 }} {% endfor %}',
    "{% for c in 'aé😀' %}{{ c }}{{ loop.cycle('x', 'y') }}{{ loop.depth }}{% endfor %}{% for k in schema %}{{ k }}{{ loop.previtem }},{{ loop.nextitem }};{% endfor %}",
    '{% set name = "top" %}{% macro m() %}{{ name }}{{ i }}{{ loop }}{% endmacro %}{% for i in [1, 2] %}{% set name = "in" %}{{ m() }}{% endfor %}{% set name = "late" %}{{ m() }}',
    '{% macro a(x) %}{{ caller() }}{{ b(x) }}{% endmacro %}{% macro b(x) %}{{ x }}{{ caller is defined }}{% endmacro %}{% for i in [1] %}{% call a(2) %}c{{ i }}{% endcall %}{% endfor %}',
    '{% macro down(n) %}{{ n }}{% if n > 0 %}{{ down(n - 1) }}{% endif %}{% endmacro %}{{ down(3) }}',
    '{% for k, v in schema.items() %}{{ k }}{{ v }}{% endfor %}{{ {"b": 1, "a": [2]}.items() | list }}{{ {"b": 1, "a": [2]} | dictsort }}{{ {"a": 1} | items | list }}',
    '{{ {"b": 1, "a": 2} | dictsort(by="value", reverse=true) }}{{ {"a": 1} | list }}{{ "ab" | list }}{{ missing | d("x") }}{{ none | d("x", true) }}',
    '{% for a, b in [(1, 2), [3, 4]] %}{{ a }}{{ b }}{% endfor %}{% set a, b = (5, 6) %}{{ a }}{{ b }}',
    'a\r\n  {% if yes %}\r\nb\r{% endif %}\r\n{{ "c\nd" }}\r\n', '{{ yes }}\n\n', '{{ yes }}\r\n',
]

# What only looks like a block, blanks around blocks, texts and numbers
SOURCES += [
    '  {- a }\n#}\nx%}\ny -}\nz { % } {', "{% set e = 'x\n\n' %}{{ e }}|{{ 'a\n  {% if %}b' }}|{{ '{{ 1 }}' }}{{ '#}\n' }}", '100%}\n{{ yes }}',
    '  {% if yes %}\n  a\n  {% endif %}  \n\t{# c #}\n b {# d #} c\n{{ yes }}\n  {{ yes }}\n', 'a {%+ if yes %}\nb {%- if yes +%}\n c{% endif -%}  \n d{% endif %}\n\n',
    '{#- a -#}  b {#- c #}\n{% set x = 1 %}\n\n{% set y = {"a": {"b": 2}} %}\n{{ x }} {{ y }}{{ {"a": {"b": 2}} }}\n', '\ufeff {%- if yes %} \u0085{% endif -%} \ufeff',
    r'''{{ "a.\
b \
\
c \"q\" it's" }}{{ 'a\zb\q\$' }}{{ '\0' | length }}{{ '\101\x41\u00e9\U0001F600' }}{{ '\a\v\f\b\t\\' | tojson }}''',
    '{{ 1e5 }}{{ 1.5e-3 }}{{ 2E2 }}{{ 1_000 }}{{ 0x1F }}{{ 0b11 }}{{ 0o17 }}{{ 1e22 }}{{ 1e-7 }}{{ values[0] }}{{ values.0 }}{{ 1.25 }}',
]
# Filters and tests on every item, methods of texts, and blocks that are no code
SOURCES += [f'{{{{ {items} | {by} | list }}}}' for items in ['values[:2]', 'messages', 'schema', '["b", " A", "", none]', 'missing'] for by in [
    'map("upper")', 'map("trim")', 'map("default", "-", true)', 'map(attribute="role")', 'map(attribute="role", default="none")', 'select', 'reject', 'select("string")', 'reject("none")',
    'select("in", ["b", 1])', 'reject("ne", "b")', 'select("equalto", 1)', 'selectattr("role")', 'rejectattr("role", "in", ["tool"])', 'selectattr("role", "!=", "tool")',
    'selectattr("name", "undefined")', 'selectattr("content", "string")', 'rejectattr("content", "none")']]
SOURCES += [f'{{{{ ({text}) {use} }}}}' for text in TEXTS + ['"a,b,,c"', '"12"', '"aé😀,😀"'] for use in [
    '.find(",")', '.find("😀")', '.rfind("😀")', '.count("l")', '.count("")', '.isdigit()', '.isalpha()', '.isalnum()', '.isupper()', '.islower()', '.isspace()', '.splitlines()', '.splitlines(true)',
    '.split(",")', '.split(",", 1)', '.split(sep=",", maxsplit=1)', '.rsplit(",", 1)', '.rsplit(",")', '.partition(",")', '.rpartition(",")', '.removeprefix("a")', '.removesuffix("c")',
    '| first', '| last', '| lower', '* 2', '| first | default("none")']]
SOURCES += ['{{ [3, -1, 2] | sum }}{{ [3, -1, 2] | max }}{{ [3, -1, 2] | min }}{{ [] | sum }}{{ [] | max | default("none") }}{{ [] | first | default("none") }}{{ missing | length }}',
            '{{ 3 | upper }}{{ none | lower }}{{ [1] | trim }}{{ missing | title }}{{ true | replace("T", "t") }}{{ schema | first }}{{ [1, 2] | count }}{{ 2 * "ab" }}{{ "ab" * -1 }}',
            'a {% raw %}{{ x }}{% if %}"\\n\n{# c #}\n  {% endraw %}\n!', 'a\n  {%- raw -%}  {{ y }}  {%- endraw -%}  b', '  {% raw %}\n{%\n {%+ endraw +%}\n!']
SOURCES += [
    '{{ (1, 2) + (3, 4) }}{{ (1, 2)[:1] }}{{ (1, 2, 3)[1:] }}', '{% set a = 1 %}{% set b %}{% set a = 2 %}{{ a }}{% endset %}{{ a }}{{ b }}',
    '{% set a = 1 %}{% filter upper %}{% set a = 2 %}x{{ a }}{% endfilter %}{{ a }}', '{% set a = 1 %}a\n  {%- generation -%} {% set a = 2 %}{{ a }} {%- endgeneration %}\n{{ a }}',
    '{{ ["😀", "\ufb00", "a", "B"] | sort }}{{ ["b", "A", "a"] | sort(reverse=true) }}{{ ["b", "A"] | sort(case_sensitive=true) }}{{ [2, 1.5, true] | sort }}',
    "{{ messages | sort(attribute='role', reverse=true) | map(attribute='role') | list }}{{ 'bca' | sort }}{{ {'😀': 1, '\ufb00': 2} | dictsort }}",
    'a{\n  {%- if yes %}b{% endif %}{ {{- yes }}{\n{#- c #}', '{% for i in range(0) %}{% else %}none{% endfor %}{{ "a" if range(0) else "b" }}{{ range(3) | length }}{{ 2 in range(3) }}',
    '{{ schema.keys() | list }}{{ schema.values() | first }}{{ "z" in schema.keys() }}{{ schema.items() | length }}{% for k, v in schema | items %}{{ k }}{% endfor %}',
    '{{ messages | tojson | safe }}{{ ("<" | safe) ~ "<" }}{{ (values | tojson | safe) + "\n" }}{{ "a<" | safe == "a<" }}', '{{ "abc" | reverse }}{{ [1, 2] | reverse | list }}{{ range(3) | reverse | first }}',
    '{{ "ΑΣ" | capitalize }}{{ "ΑΣ xΣ".title() }}{{ "İx" | capitalize }}', '{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}{% macro k() %}{{ kwargs }}{% endmacro %}{{ k(a=1) }}',
]
# Blanks and signs at the edges of tags
SOURCES += ['{% raw %}  {% endraw %}|', '{% raw %}\n \u0085{% endraw %}|', '{% raw -%}\ufeffa{%\x1cendraw -%} \ufeff', '\ufeff{% if yes %}a{% endif %}', '\u0085\x1c{% if yes %}a{% endif %}',
            'a {#-#} x', 'a {#+#}\nx', 'a {{+-1 }}{{- -1 }}', '{%\x1fif yes\u0085%}a{%\u00a0endif %}']
# Conditions of loops that their passes change, and blocks that a break leaves
STOP = '{% set ns = namespace(n=0) %}{% for i in [3, 1, 4, 5] if '
SOURCES += [STOP + 'i > ns.n %}{{ i }}{% set ns.n = i %}{% endfor %}', STOP + 'not ns.n %}{{ i }}{% set ns.n = i %}{% else %}none{% endfor %}',
            STOP + 'i > 1 %}{{ i }}{{ loop.index }}{{ loop.last }}{{ loop.length }}{{ loop.nextitem }}{% endfor %}',
            STOP + 'i > ns.n %}{{ loop.index }}{{ loop.first }}{{ loop.previtem }}{{ loop.cycle(7, 8) }}{% for k in [i, i] %}{{ loop.last }}{{ [loop.length, k] }}{% endfor %}{% set ns.n = i %}{% endfor %}']
SOURCES += ['{% for i in [1, 2, 3] %}b' + block + 'c{% endfor %}' for block in [
    '{% set x %}a{% break %}{% endset %}', '{% filter upper %}a{% if i == 2 %}{% break %}{% endif %}{% endfilter %}', '{% filter upper %}a{% if i == 2 %}{% continue %}{% endif %}{% endfilter %}',
    '{% generation %}{% for k in [1] %}a{% break %}{% endfor %}{% endgeneration %}']]
# Sums beside ~, which joins first, and what brackets hold
SOURCES += ["{{ (1 + 2) ~ 3 }}{{ 'a' + 'b' ~ 1 ~ 2 }}{{ 'a' ~ (2 - 1) ~ 4 }}{{ not -1 ~ 2 }}{{ [1 + 2, 3 ~ 4] }}{{ 2 * 3 ~ 4 * 5 }}",
            "{{ [not yes, yes and not none, 1 if yes else 2, 1 is not none, 1 not in [2], -1, 2 -1, (1)-1, 'a' 'b',] }}{{ {'a': 1, 'b': 2,} }}",
            "{% for i in (none if not yes else ['else']) if i == 'else' %}{{ i }}{% else %}none{% endfor %}", '{% set ns = namespace() %}{% for i in [1] %}{% set ns.loop = loop.index %}{{ ns.loop }}{% endfor %}']
# Attributes by which filters choose, members that Python has not, and slices that go down
SOURCES += [f'{{{{ {items} | {by} | list }}}}' for items in ['[[3, 1], "ab"]', '[{"1": 5, "a": {"b": 2}}]', 'messages'] for by in [
    'map(attribute=-1)', 'map(attribute=1)', 'map(attribute="1")', 'map(attribute="-1")', 'map(attribute=" 1")', 'map(attribute="1e0")', 'map(attribute="")', 'map(attribute="name", default=none)', 'selectattr("keys")',
    'selectattr("get", "defined")', 'rejectattr("upper")']]
SOURCES += ['{{ messages | selectattr("role.upper") | list }}{{ [messages] | map(attribute="1.content.0.text") | first }}', '{{ schema.dictsort is defined }}{{ schema["length"] is defined }}{{ schema[0] is defined }}{{ none[0] is defined }}{{ {"dictsort": 1, "length": 2}.length }}', '{{ [[2, 1], [1, 2]] | sort(attribute=-1) }}',
            "{% set l = [3, 1, 2] %}{{ l[:-1:-1] }}{{ l[5:-1:-1] }}{{ l[5:-2:-1] }}{{ l[::-1] }}{{ 'abc'[:-1:-1] }}{{ [][:-1:-1] }}{{ (1, 2)[0:-1:-1] }}", '{{ range(100000) | length }}']
SOURCES += ['{% for l in [[], ["a", "b"]] %}{{ "full" if l | map("upper") | reverse else "empty" }}{{ l | map("upper") | reverse }}{{ "full" if l | reverse else "empty" }}{% endfor %}']
# Letters that have a case, and such that only look so
SOURCES += [f'{{{{ "{text}".islower() }}}}{{{{ "{text}".isupper() }}}}{{{{ "{text}" is lower }}}}{{{{ "{text}" is upper }}}}' for text in ['ª', 'ĸ', 'ⅷ', 'ǅ', 'ǅA', 'ⓐ1', 'Aª', 'ß', '中', '']]
SOURCES += ["{{ 'ªb'.title() }}{{ 'ⅷx'.title() }}{{ 'aʰb ⓐⓑ'.title() }}{{ 'ΑΣ' | title }}{{ 'ß x' | title }}{{ 'xİ' | title }}{{ 'ﬁx-ǆ' | title }}", "{{ '½a'.isdigit() }}{{ 'Ⅷ'.isdigit() }}{{ '٣²'.isdigit() }}"]
# What is written so or refused: nothing else
EITHER = ['{% macro k() %}{{ caller() }}{% endmacro %}{% macro m() %}{% call k() %}{{ caller is defined }}{% endcall %}{{ caller() }}{% endmacro %}{% call m() %}{% endcall %}',
          '{% macro m() %}{% generation %}{{ caller is defined }}{% endgeneration %}{{ caller() }}{% endmacro %}{% call m() %}{% endcall %}', "{{ '①'.isdigit() }}", "{{ '1½'.isdigit() }}", "{{ 'ΑΣ.Β'.title() }}", "{{ 'a'.__class__ }}", '{{ schema.__class__ is defined }}', '{{ [messages] | map(attribute=true) | list }}', '{{ "x" | selectattr("zfill") | list }}', '{{ range(3) }}', '{{ [range(1, 5, 2)] }}', '{{ range(3) ~ "x" }}', '{{ range(3) | string }}', '{{ range(3) | upper }}', '{{ range(5)[1:3] }}', '{{ range(3) == [0, 1, 2] }}', '{{ range(3)[1] }}',
          '{{ schema.keys() }}', '{{ schema.values() }}', '{{ schema.items() }}', '{{ schema.keys()[0] }}', '{{ (schema | items)[0] }}', '{{ (schema | items) is sequence }}', '{{ schema.items() is sequence }}',
          '{{ (values | map("string"))[0] }}', '{% set m = messages | map(attribute="role") %}{{ m | list }}{{ m | list }}', '{{ "full" if [] | map("upper") else "empty" }}',
          '{% macro m(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ m(1, 2) }}', '{% macro m(a, b=1) %}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m.caller }}', '{{ self is defined }}', '{{ dict(a=1) }}',
          '{{ joiner is defined }}{{ cycler is defined }}{{ lipsum is defined }}', '{{ (2.5).real }}{{ (3).numerator }}', '{{ (2 ** 53 + 1) == 2 ** 53 }}', '{{ 9007199254740993 % 2 }}', '{{ 1e400 }}',
          '{{ "ǆ" | title }}', '{{ "ﬁx".title() }}', '{{ "ა" | capitalize }}', '{{ "٣" | float }}', '{{ "٣" | int }}', '{{ ("a" | safe) + "<" }}', '{{ ["a" | safe] }}',
          '{{ "<" + (values | tojson | safe) }}', '{{ ("b" | safe).replace("b", "<") }}', '{{ (3 | safe) + "<" }}', '{{ {"pop": 1}.pop }}',  '{{ ("<" | safe | upper) + "<" }}', '{{ messages | sort(attribute="role,name") | first }}',
          '{{ messages[0] | rejectattr(0) | list }}', '{{ messages | rejectattr(none) | list }}',
          '{{ {"a" | safe: 1} }}', '{{ {"<" | safe: 1} | string }}', '{{ ("<" | safe | string) + "<" }}', '{{ ("<" | safe) * 2 + "<" }}', '{{ "a b".partition(" " | safe) }}', '{{ values | tojson(indent="<" | safe) }}',
          '{% for i in [1, 2] %}{{ loop | length }}{{ loop is mapping }}{{ loop is iterable }}{{ loop is callable }}{% endfor %}', '{% for i in [1] %}{{ loop | list }}{% endfor %}', '{{ missing is callable }}',
          STOP + 'not ns.n %}{{ loop.last }}{% set ns.n = i %}{% endfor %}', "{{ 'a' + 1 ~ 2 }}", '{{ [4 is divisibleby 2] }}', '{% for i in [1, 2] %}{{ loop.changed(1) }}{% endfor %}', '{% macro m() %}{{ kwargs }}{% endmacro %}{% call m() %}{% endcall %}', '{{ [] | default(1, 3) }}', '{{ (1, 2)["index"] }}', '{{ "ab"["upper"]() }}',
          '{% set up = "ab".upper %}{{ up() }}', '{{ schema["get"]("z") }}', '{{ [2, 1] | sort(true) }}', '{{ "a\nb" | indent(true) }}', '{{ "a" | string() }}', '{{ [] | select(1, "<" | safe) | list }}']
REFUSED = ['{% for i in none %}{% endfor %}', '{% for i in 5 %}{% endfor %}', '{% for a, b in [(1, 2, 3)] %}{% endfor %}', '{% for a, b in [1] %}{% endfor %}',
           '{{ missing | tojson }}', '{{ [missing] | tojson }}', '{{ namespace(a=1) | tojson }}', '{{ 1 | tojson(width=2) }}', '{{ missing.x }}', '{{ schema.x.y }}', '{{ messages[5].x }}',
           '{{ "a" + 1 }}', '{{ 1 + "a" }}', '{{ "a" + [1] }}', '{{ [1] + (1, 2) }}', '{{ true + "" }}', '{{ 1 / 0 }}', '{{ 1 // 0 }}', '{{ 1.5 % 0 }}', '{{ range(1.5) }}',
           '{{ messages | unique | list }}', '{{ missing | int }}', '{{ messages | map(attribute="a.b") | list }}', '{{ 3 | max }}', '{{ "a".index("b") }}', '{{ "a".partition("") }}', '{{ range(3) | tojson }}', '{{ [range(3)] | tojson }}', '{{ range(3) + [1] }}', '{{ values | map("string") | length }}', '{{ [] | map("upper") | tojson }}',
           '{{ schema.keys() | tojson }}', '{{ schema.keys() + [1] }}', '{{ schema | items | length }}', '{{ "a".startswith(["a"]) }}', '{% for k in namespace(a=1) %}{% endfor %}',
           '{{ namespace(a=1) | items | list }}', '{{ "a".title("b") }}', '{{ "a".upper(1) }}', '{{ "a".strip(1) }}', '{{ "a" | trim(1) }}', '{{ "a".split(2) }}',
            '{% for i in [1] %}{{ loop.cycle() }}{% endfor %}', '{% for i in [1] %}{{ loop.cycle(a=1) }}{% endfor %}', '{% for i in [1] %}{{ loop.get("index") }}{% endfor %}', '{% macro m() %}{% endmacro %}{% call m() %}{% endcall %}', '{% macro m(x) %}{% endmacro %}{{ m(1, 2) }}', '{% macro m(x) %}{% endmacro %}{{ m(y=2) }}']
REFUSED += ['{{ [is yes] }}', '{{ [yes else] }}', '{{ [1][::0] }}', '{{ "ab"[::0] }}', '{{ range(100001) | length }}', '{{ namespace(_a=1)._a }}', '{% set ns = namespace() %}{% set ns._a = 1 %}{{ ns["_a"] }}',
            '{{ 1 + 2 ~ 3 }}', '{{ 3 - 1 ~ 2 }}', '{{ [1] + [2] ~ 3 }}', '{{ [1 2] }}', '{{ [i for i in [1]] }}', "{{ {'a': 1 'b': 2} }}", '{{ messages[0 1] }}', '{{ [range(1 3)] }}', '{{ [yes not none] }}', '{{ [(1) none] }}',
            '{% for i in [1] if yes else [2] %}{% endfor %}', '{% for loop in [1] %}{% endfor %}', '{% for i in [1] %}{% set a, loop = (1, 2) %}{{ loop }}{% endfor %}',
            '{% for i in [1] %}{% generation %}{% break %}{% endgeneration %}{% endfor %}', '{% for i in [1] %}{% macro m() %}{% continue %}{% endmacro %}{% endfor %}',
            '{% macro m() %}{{ caller() }}{% endmacro %}{% for i in [1] %}{% call m() %}{% break %}{% endcall %}{% endfor %}', '{% for i in [] %}{% else %}{% break %}{% endfor %}']
# Calls with arguments that are too few, too many, or of other names
REFUSED += ['{{ ' + call + ' }}' for call in [
    "'a'.lower(1)", "'a'.count()", "'a'.find('a', x=1)", "'a'.strip('a', 'b')", "'a'.strip(chars='a')", "'a'.replace('a')", "'a'.replace('a', 'b', 1, 2)", "'a'.split(',', 1, 2)",
    "'a'.split(separator=',')", "'a'.split('')", "'a'.split(',', none)", "'a'.split(sep=',', sep=',')", "'a'.splitlines('x')", "'a'.isdigit(1)", "'a'.startswith()", "'a'.startswith('a', prefix='a')",
    "schema.get()", "schema.get('a', default=1)", "schema.get('a', 1, 2)", "schema.items(1)", "schema.keys(a=1)", "schema.values(none)", "'a' | upper(1)", "'a' | length(1)",
    "'a' | count(a=1)", "[1] | first(1)", "[1] | last(x=1)", "[1] | list(1)", "[1] | reverse(1)", "'a' | string(1)", "'a' | safe(1)", "schema | items(1)",
    "'a' | title(1)", "'a' | capitalize(none)", "1 | abs(1)", "[1] | join('a', none, 1)", "'a' | replace('a')", "'a' | replace('a', 'b', 1, 2)", "'a' | replace('a', 'b', old='a')", "missing | default(1, true, 2)",
    "missing | default(value=1)", "'1' | int(0, 10, 1)", "'1' | float(0, 1)", "'a' | indent(1, true, true, 1)", "'a' | trim('a', 'b')", "[1] | sort(true, true, none, 1)", "[1] | sort('up')", "schema | dictsort(true, 'key', false, 1)",
    "values | tojson(false, 2, none, false, 1)", "[1] | tojson(indent=[1])", "'a' | indent(none)", "'a' | bool", "range()", "range(1, 2, 3, 4)", "range(1, missing)", "range(stop=2)",
    "strftime_now()", "strftime_now('%Y', 1)", "namespace(1, 2)", "[1, 2][:missing]", "['a'] | select(none) | list", "[1] | reject(true) | list", "namespace(a=1) | list", "namespace(a=1) | dictsort"]]


def refused(source):
    try:
        _compile_jinja_template(source).render(**GIVEN)
    except Exception:
        return True
    return False


assert all(map(refused, REFUSED)), [source for source in REFUSED if not refused(source)]
cases = [{'source': source, 'text': _compile_jinja_template(source).render(**GIVEN)} for source in SOURCES]

# What a template finds beside the messages, and what becomes of their fields
TOKENS = {'bos_token': '<s>', 'sep_token': '<sep>', 'cls_token': '<cls>', 'mask_token': '<mask>'}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({'a': 0}, unk_token='a')), **TOKENS)
MESSAGES = [{'role': 'user', 'content': 'why', 'name': None}, {'role': 'assistant', 'content': None, 'reasoning': 'so'}, {'role': 'assistant', 'content': 'b', 'thinking': 't'}]
CHATS = [
    '{{ tools is none }}{{ documents is none }}{{ tools is defined }}{% if tools is not none %}[TOOLS]{% endif %}{{ add_generation_prompt }}',
    '{{ bos_token }}{{ eos_token }}{{ sep_token }}{{ cls_token }}{{ mask_token }}{{ eos_token is defined }}{{ sep_token is defined }}',
    "{% for m in messages %}{{ m.role }}: {{ m.content }} {{ m.content is defined }}{{ 'name' in m }};{% endfor %}",
    '{% for m in messages %}{{ m.reasoning_content }},{{ m.thinking }},{{ m.reasoning }};{% endfor %}',
]
chats = [{'source': source, 'text': tokenizer.apply_chat_template(MESSAGES, chat_template=source, tokenize=False)} for source in CHATS]
path = Path(__file__).parents[2] / 'chatTemplates.json'
path.write_text(json.dumps({'given': GIVEN, 'cases': cases, 'either': [{'source': source, 'text': _compile_jinja_template(source).render(**GIVEN)} for source in EITHER], 'refused': REFUSED, 'tokens': TOKENS, 'messages': MESSAGES, 'chats': chats}, indent=1) + '\n')
