"""What Hugging Face's tokenizers makes of some texts with each part of tokenizer.json: tests/golden/tokenizerParts.json."""
import json
from pathlib import Path

from tokenizers import Tokenizer

TEXTS = ["Hello, world!! it's 1234 5  6", 'a  b   c\n\n d\t e', '  lead', 'trail  ', 'é ñ ... ??', '\ufeffa\u0085b \u00a0c', '١٢ ½ ⅷ',
         'ΟΔΟΣ ΑΣ', 'a_b-c_d a$b', '—“q”— 字 b😀 c😀', ' ', '€$+<>^`|~']
MERGES = [('▁', '▁'), ('a', '▁'), ('▁', 'a'), ('▁', 'b'), ('!', '!'), ('a', ' '), (' ', 'b'), (' ', ' '), ('1', '2'), ('l', 'l'), ('?', '?')]


def split(pattern, behavior, invert=False):
    return {'type': 'Split', 'pattern': pattern, 'behavior': behavior, 'invert': invert}


def metaspace(scheme, splits, **more):
    return {'type': 'Metaspace', 'replacement': '▁', 'prepend_scheme': scheme, 'split': splits, **more}


def parts():
    for pattern in [{'String': ' '}, {'String': '$'}, {'Regex': r'\p{N}|\s+'}]:
        for behavior in ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']:
            for invert in [False, True]:
                yield {'pre_tokenizer': split(pattern, behavior, invert)}
    for behavior in ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']:
        yield {'pre_tokenizer': {'type': 'Punctuation', 'behavior': behavior}}
    for name in ['Whitespace', 'WhitespaceSplit', 'BertPreTokenizer']:
        yield {'pre_tokenizer': {'type': name}}
    yield {'pre_tokenizer': {'type': 'FixedLength', 'length': 3}}
    yield {'pre_tokenizer': {'type': 'Digits', 'individual_digits': True}}
    for scheme in ['first', 'never', 'always']:
        for splits in [False, True]:
            yield {'pre_tokenizer': metaspace(scheme, splits)}
    yield {'pre_tokenizer': metaspace('always', True, str_rep='_')}
    yield {'pre_tokenizer': {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}}
    yield {'normalizer': {'type': 'Replace', 'pattern': {'String': ' '}, 'content': '▁'}, 'pre_tokenizer': split({'String': ' '}, 'MergedWithPrevious')}
    yield {'normalizer': {'type': 'Replace', 'pattern': {'Regex': '[0-9]'}, 'content': '$&'}}
    yield {'normalizer': {'type': 'Lowercase'}}
    yield {'normalizer': {'type': 'Strip', 'strip_left': True, 'strip_right': True}}
    yield {'normalizer': {'type': 'Strip', 'strip_left': True, 'strip_right': False}}


def added(*tokens):
    ids = dict(model()['vocab'])
    for content, _ in tokens:
        ids.setdefault(content, len(ids))
    flags = {'single_word': False, 'lstrip': False, 'rstrip': False, 'normalized': False, 'special': False}
    return {'added_tokens': [{'id': ids[content], 'content': content, **flags, **more} for content, more in tokens]}


def added_parts():
    overlapping = added(('wor', {}), ('world', {'normalized': True}), ('b', {'normalized': True}), (' b', {}))
    yield overlapping
    yield {**overlapping, 'pre_tokenizer': metaspace('first', False)}
    yield {**overlapping, 'normalizer': {'type': 'Lowercase'}}
    yield added(('b', {'lstrip': True, 'rstrip': True}), ('c', {'lstrip': True}), ('a', {'rstrip': True}), ('  ', {}))
    yield {**added(('Hello', {'normalized': True}), ('<t>', {'normalized': True})), 'normalizer': {'type': 'Prepend', 'prepend': '▁'}, 'decoder': {'type': 'Fuse'}}
    unknown = {token: i for i, token in enumerate(token for token in model()['vocab'] if token not in 'éñ.?字😀')}
    for fuses in [False, True]:
        for cut in [None, {'type': 'WhitespaceSplit'}, {'type': 'Whitespace'}]:
            yield {'model': {**model(), 'vocab': unknown, 'merges': MERGES[:-1], 'fuse_unk': fuses}, 'pre_tokenizer': cut}
    yield {'decoder': {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}}
    # What only a normalizer makes an added token, what it changes of one, and what it leaves of a text
    lowered = [('Hello', {'normalized': True, 'special': True}), ('é', {'special': True}), ('zz', {})]
    yield {**added(*lowered), 'normalizer': {'type': 'Replace', 'pattern': {'String': ' '}, 'content': 'zz'}, 'decoder': {'type': 'Fuse'}}
    yield {**added(*lowered), 'normalizer': {'type': 'Lowercase'}, 'decoder': {'type': 'Fuse'}}
    yield {**added(*lowered), 'decoder': {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}}
    yield {'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'Strip', 'strip_left': True, 'strip_right': True}, {'type': 'Prepend', 'prepend': 'x'}]}}
    yield added(('a ', {'rstrip': True}), (' ', {'lstrip': True}))
    alike = added(('WORLD', {'normalized': True}), ('lead', {}), ('LEAD', {'normalized': True}))
    yield {**alike, 'normalizer': {'type': 'Lowercase'}}
    # The other models, with the decoders of all
    vocab = ['<unk>', 'Hello', ',', 'a', '##a', 'b', '##b', '▁', '▁a', '5', ' ', '-c', 'd', *(f'<0x{byte:02X}>' for byte in range(0xA0, 0x100))]
    ids = {token: i for i, token in enumerate(vocab)}
    models = [
        {'type': 'WordLevel', 'vocab': ids, 'unk_token': '<unk>'}, {'type': 'WordPiece', 'vocab': ids, 'unk_token': '<unk>', 'continuing_subword_prefix': '##', 'max_input_chars_per_word': 100},
        {'type': 'Unigram', 'vocab': [[token, -1.0 - i / 4] for i, token in enumerate(vocab)], 'unk_id': 0, 'byte_fallback': True}]
    decoders = [
        {'type': 'WordPiece', 'prefix': '##', 'cleanup': True}, {'type': 'Metaspace', 'replacement': '▁', 'prepend_scheme': 'first', 'split': True},
        {'type': 'Sequence', 'decoders': [{'type': 'ByteFallback'}, {'type': 'WordPiece', 'prefix': '##', 'cleanup': False}]},
        {'type': 'Sequence', 'decoders': [{'type': 'Replace', 'pattern': {'String': 'a'}, 'content': '$&'}, {'type': 'Strip', 'content': ' ', 'start': 1, 'stop': 0}]}]
    for each in models:
        for decoder in decoders:
            for cut in [None, {'type': 'Whitespace'}, {'type': 'FixedLength', 'length': 3}]:
                yield {'model': each, 'pre_tokenizer': cut, 'decoder': decoder}


def model():
    letters = sorted(set(''.join(TEXTS + ['▁σς']) + ''.join(a + b for a, b in MERGES)) | set('ĠĊĉÂ'))
    vocab = {token: i for i, token in enumerate(['<unk>', *letters, *(a + b for a, b in MERGES)])}
    return {'type': 'BPE', 'vocab': vocab, 'merges': [list(pair) for pair in MERGES], 'unk_token': '<unk>', 'fuse_unk': False}


def main():
    base = {'version': '1.0', 'truncation': None, 'padding': None, 'added_tokens': [], 'normalizer': None, 'pre_tokenizer': None,
            'post_processor': None, 'decoder': None, 'model': model()}
    made = []
    for part in [*parts(), *added_parts()]:
        tokenizer = Tokenizer.from_str(json.dumps({**base, **part}))
        ids = [tokenizer.encode(text).ids for text in TEXTS]
        decoded = [tokenizer.decode(row, skip_special_tokens=False) for row in ids] if 'decoder' in part else None
        skipped = [tokenizer.decode(row) for row in ids] if 'decoder' in part else None
        made.append({'part': part, 'ids': ids, **({'decoded': decoded, 'skipped': skipped} if decoded else {})})
    text = json.dumps({'texts': TEXTS, 'model': base['model'], 'made': made}, ensure_ascii=False)
    (Path(__file__).parents[2] / 'tokenizerParts.json').write_text(text + '\n', encoding='utf-8')


main()
