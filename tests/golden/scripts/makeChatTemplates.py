"""What transformers' Jinja writes of values that are no texts: tests/golden/chatTemplates.json."""
import json
from pathlib import Path

from transformers.utils.chat_template_utils import _compile_jinja_template

GIVEN = {
    'messages': [{'role': 'user', 'content': None}, {'role': 'tool', 'content': [{'type': 'text', 'text': "it's"}, {'type': 'image'}]}],
    'values': [1, -2.5, 1e-7, 12345678.25, True, None, 'a\n"b"', "c'd", 'e\'"\\\t\u00a0\u200b\u007f\u2028é😀', [], {}, [[1], {'a': {'b': 'c'}}]],
    'tools': None,
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

cases = [{'source': source, 'text': _compile_jinja_template(source).render(**GIVEN)} for source in SOURCES]
path = Path(__file__).parent.parent / 'chatTemplates.json'
path.write_text(json.dumps({'given': GIVEN, 'cases': cases}, indent=1) + '\n')
