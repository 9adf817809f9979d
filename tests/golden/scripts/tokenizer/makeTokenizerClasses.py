"""Whether transformers encodes by tokenizer.json, or by its own class of the name in tokenizer_config.json: tests/golden/tokenizerClasses.json."""
import json
import os
import tempfile
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import AutoTokenizer

TEXTS = ['a b', ' a', '  a', 'a</s>b', 'a</s> b', '</s>b', 'a  b ', '   </s>a', '12 345', 'a 3', "it's\n\n a", 'e\u0301']
REPLACE = {'type': 'Replace', 'pattern': {'String': ' '}, 'content': '▁'}
QWEN2 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"


def metaspace(scheme):
    return {'type': 'Metaspace', 'replacement': '▁', 'prepend_scheme': scheme, 'split': False}


def byte_level(**changes):
    return {'type': 'ByteLevel', 'add_prefix_space': False, 'trim_offsets': True, 'use_regex': True, **changes}


def sequence(*parts):
    return {'type': 'Sequence', 'pretokenizers': list(parts)}


def split(pattern):
    return {'type': 'Split', 'pattern': {'Regex': pattern}, 'behavior': 'Isolated', 'invert': False}


# the vocabulary, the normalizer, and what cuts
FILES = {
    'Llama 2': ('pieces', {'type': 'Sequence', 'normalizers': [{'type': 'Prepend', 'prepend': '▁'}, REPLACE]}, None),
    'first': ('pieces', None, metaspace('first')), 'always': ('pieces', None, metaspace('always')), 'never': ('pieces', None, metaspace('never')),
    'GPT-2': ('bytes', None, byte_level()), 'GPT-2 with a space': ('bytes', None, byte_level(add_prefix_space=True)),
    'SmolLM2': ('bytes', None, sequence({'type': 'Digits', 'individual_digits': True}, byte_level())),
    'Qwen2': ('bytes', {'type': 'NFC'}, sequence(split(QWEN2), byte_level(use_regex=False))),
    'Llama 3': ('bytes', None, sequence(split(QWEN2.replace('\\p{N}|', '\\p{N}{1,3}|', 1)), byte_level(use_regex=False))),
}
CONFIGS = [{'tokenizer_class': name, **change} for name in ['LlamaTokenizer', 'LlamaTokenizerFast'] for change in [
    {}, {'legacy': True}, {'legacy': False}, {'add_prefix_space': True}, {'add_prefix_space': False}, {'legacy': True, 'add_prefix_space': True}, {'legacy': True, 'add_prefix_space': False}]]
CONFIGS += [{'tokenizer_class': name, **change} for name in ['GPT2Tokenizer', 'Qwen2TokenizerFast', 'PreTrainedTokenizerFast', 'TokenizersBackend'] for change in [
    {}, {'add_prefix_space': True}, {'add_prefix_space': False}]]
CONFIGS += [{}, {'add_prefix_space': True}]

SPECIAL = ['<unk>', '<s>', '</s>']
PIECES = {'tokens': [*SPECIAL, *(f'<0x{byte:02X}>' for byte in range(256)), '▁', 'a', 'b', '▁a', '▁b', '▁▁', '1', '2', '3', '▁1', '12', 'é'], 'merges': ['▁ a', '▁ b', '▁ ▁', '▁ 1', '1 2'],
          'byte_fallback': True, 'fuse_unk': True}
BYTES = {'tokens': [*SPECIAL, *sorted(ByteLevel.alphabet()), 'Ġa', 'Ġb', 'ĠĠ', 'ĊĊ', '12', '123', '34', '345', "'s", 'Ã©', 'ĠĠa', 'Ġ3'],
         'merges': ['Ġ a', 'Ġ b', 'Ġ Ġ', 'Ċ Ċ', '1 2', '3 4', '34 5', "' s", 'Ã ©', 'ĠĠ a', 'Ġ 3'], 'byte_fallback': False, 'fuse_unk': False}


def tokenizer_json(vocabulary, normalizer, pre_tokenizer):
    words = PIECES if vocabulary == 'pieces' else BYTES
    flags = {'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False, 'special': True}
    model = {'type': 'BPE', 'dropout': None, 'unk_token': '<unk>' if vocabulary == 'pieces' else None, 'continuing_subword_prefix': None, 'end_of_word_suffix': None,
             'fuse_unk': words['fuse_unk'], 'byte_fallback': words['byte_fallback'], 'ignore_merges': False,
             'vocab': {token: id for id, token in enumerate(words['tokens'])}, 'merges': words['merges']}
    return {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': [{'id': id, 'content': content, **flags} for id, content in enumerate(SPECIAL)],
            'normalizer': normalizer, 'pre_tokenizer': pre_tokenizer, 'post_processor': None, 'decoder': None, 'model': model}


files = {name: tokenizer_json(*parts) for name, parts in FILES.items()}
cases = []
for name, content in files.items():
    for model_type in ['llama', 'qwen2', 'mistral']:
        for config in CONFIGS if model_type == 'llama' else [{'tokenizer_class': 'LlamaTokenizerFast'}, {'tokenizer_class': 'PreTrainedTokenizerFast'}]:
            with tempfile.TemporaryDirectory() as folder:
                for file, value in [('tokenizer.json', content), ('tokenizer_config.json', config), ('config.json', {'model_type': model_type})]:
                    Path(folder, file).write_text(json.dumps(value))
                by_class = AutoTokenizer.from_pretrained(folder)
                by_file = Tokenizer.from_file(os.path.join(folder, 'tokenizer.json'))
                ids = [by_class(text, add_special_tokens=False)['input_ids'] for text in TEXTS]
                own = [by_file.encode(text, add_special_tokens=False).ids for text in TEXTS]
                cases.append({'file': name, 'model': model_type, 'config': config, 'byFile': ids == own})
rows = ',\n  '.join(json.dumps(case, ensure_ascii=False) for case in cases)
models = ',\n  '.join(f'{json.dumps(name)}: {json.dumps(content, ensure_ascii=False)}' for name, content in files.items())
path = Path(__file__).parents[2] / 'tokenizerClasses.json'
path.write_text(f'{{\n "files": {{\n  {models}\n }},\n "cases": [\n  {rows}\n ]\n}}\n')
