"""What Hugging Face's tokenizers makes of texts with a small table of SentencePiece's: tests/golden/precompiled.json."""
import base64
import io
import json
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers.normalizers import Precompiled

RULES = [('Ａ', 'A'), ('½', '1/2'), ('\u00a0', ' '), ('\ufeff', ''), ('é', 'e'), ('e\u0301', 'é'), ('が', 'か\u3099'), ('か\u3099', 'ga'), ('字', 'ab'),
         ('😀', ':)'), ('\r\n', '\n'), ('ﬁ', 'fi'), ('x', 'y'), ('\u0301', "'"), ('ㅎ', 'h'), ('ｶﾞ', 'ガ')]
TEXTS = ['plain', 'ＡＢ ½ \u00a0.', '\ufeffé e\u0301 e\u0301\u0302 \u0301', 'が か\u3099 か\u3099\u0301', '字😀👩‍👩‍👧字 😀\u200d😀', 'a\r\nb\rc\n', 'ﬁn xx ㅎ ｶﾞ ｶ', '',
         '\0x\0', 'E\u0301x\u0301', '각각', 'نَّ', '🇩🇪x']


def number(data, at):
    value = shift = 0
    while True:
        byte, at = data[at], at + 1
        value, shift = value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def field(data, wanted):
    """Of a protocol buffer: the first field of this number that has a length."""
    at = 0
    while at < len(data):
        tag, at = number(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = number(data, at)
            continue
        length, at = number(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        if tag == wanted << 3 | 2:
            return data[at:at + length]
        at += length


def charsmap(rules):
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / 'rules.tsv'
        points = lambda text: ' '.join(f'{ord(character):X}' for character in text)
        table.write_text(''.join(f'{points(source)}\t{points(target)}\n' for source, target in rules))
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(['a b c d e f g h'] * 20), model_writer=model, vocab_size=13,
                                                 normalization_rule_tsv=str(table), minloglevel=2)
    return field(field(model.getvalue(), 3), 2)  # ModelProto.normalizer_spec.precompiled_charsmap


table = charsmap(RULES)
made = [{'text': text, 'normalized': Precompiled(table).normalize_str(text)} for text in TEXTS]
golden = {'charsmap': base64.b64encode(table).decode(), 'made': made}
(Path(__file__).parents[2] / 'precompiled.json').write_text(json.dumps(golden, indent=1) + '\n')
