"""Writes tokenizer.json: the ids that transformers gives to texts, reading the same vocabularies from GGUF files.

SmolLM2 is cut as in its own tokenizer.json, digits apart first: from a GGUF file transformers cuts every vocabulary as GPT-2.

Run with transformers 5.23, gguf 0.19, sentencepiece 0.2.3 and tokenizers 0.23 installed:
    python makeTokenizer.py path/to/SmolLM2-135M-Instruct.Q4_1.gguf
"""
import json
import pathlib
import re
import sys
import tempfile

import gguf
import numpy as np
import sentencepiece
import tokenizers
from transformers import AutoTokenizer

TEXTS = [
    "",
    " ",
    "Hello, world!",
    "The quick brown fox jumps over the lazy dog. It's he'll they've I'M DON'T",
    "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))\n",
    "function f(x) {\n\tif (x === null) {\n\t\treturn undefined;\n\t}\n\treturn x?.y ?? [];\n}\n",
    "const re = /^\\s*(?:[a-z]+)\\/\\*.*?\\*\\/$/gimu;  // trailing   spaces   ",
    "<div class=\"a\">\r\n  &nbsp;\r\n</div>\r\n",
    "@@ -1,7 +1,9 @@\n-  let x = 10;\n+  const x = 10;\n \n",
    "0 1 12 123 1234 12345 3.14159 1e-5 0xDEADBEEF 1,000,000",
    "x =  12;   y    3\n\n   4",
    "Grüße, naïve café — “quoted” … ŒUVRE ﬁ",
    "Cafe\u0301 e\u0301 \u1e69 \u0073\u0323\u0307",
    "你好，世界。日本語のテキスト 한국어 텍스트",
    "Привет мир! Γειά σου Κόσμε שלום مرحبا नमस्ते ไทย",
    "🙂👍🏽👨‍👩‍👧‍👦🇩🇪 ❤️ ✈︎",
    "\t\t \n \n\n   \r\n\r\r  \u00a0\u2003\u3000 end",
    "\ufeffBOM \u0085next\u2028line\u200bzero",
    "NUL\u0000byte \u0001\u001b[31mred\u001b[0m \u007f",
    "٣٤٥ ²³ ½ Ⅷ १२३",
    "<|im_start|>user\nhi<|im_end|>\n<|endoftext|><repo_name> <|im_start |>",
    "<s>literal</s> <unk> <0x41> ▁under_score__init__",
    "a" * 300,
    " " * 70 + "x",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "lone \ud83d surrogate \udc00!",
    "mixedCASE camelCase snake_case kebab-case PascalCase SCREAMING_SNAKE",
    "\U0001d54f\U00020000\U0010ffff\ufffd",
]
MESSAGES = [
    [{"role": "user", "content": "Review this: `let x = 1`"}],
    [
        {"role": "system", "content": "You review code."},
        {"role": "user", "content": "  hi\n"},
        {"role": "assistant", "content": "Hello <|im_end|>"},
        {"role": "user", "content": ""},
    ],
]


def replaced(text):
    """What this library makes of half a surrogate pair; Python's takes none."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def encodings(tokenizer):
    ids = [tokenizer(replaced(text))["input_ids"] for text in TEXTS]
    return {
        "ids": ids,
        "plainIds": [tokenizer(replaced(text), add_special_tokens=False)["input_ids"] for text in TEXTS],
        "decoded": [tokenizer.decode(row) for row in ids],
        "decodedPlain": [tokenizer.decode(row, skip_special_tokens=True) for row in ids],
        "vocabSize": len(tokenizer),
        "bos": tokenizer.bos_token_id,
        "eos": tokenizer.eos_token_id,
    }


def read(path):
    path = pathlib.Path(path)
    return AutoTokenizer.from_pretrained(str(path.parent), gguf_file=path.name)


def read_vocabulary(kind, tokens, types, fields):
    """What transformers makes of a GGUF file with this vocabulary."""
    with tempfile.TemporaryDirectory() as folder:
        writer = gguf.GGUFWriter(f"{folder}/model.gguf", "llama")
        writer.add_block_count(1)
        writer.add_context_length(64)
        writer.add_embedding_length(8)
        writer.add_feed_forward_length(8)
        writer.add_head_count(1)
        writer.add_tokenizer_model(kind)
        writer.add_token_list(tokens)
        writer.add_token_types(types)
        for write in fields:
            write(writer)
        writer.add_tensor("token_embd.weight", np.zeros((len(tokens), 8), dtype=np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return encodings(read(f"{folder}/model.gguf"))


corpus = [replaced(text) for text in TEXTS if "\x00" not in text] * 3


def sentence_piece():
    with tempfile.TemporaryDirectory() as folder:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(corpus), model_prefix=f"{folder}/m", vocab_size=620, model_type="bpe", byte_fallback=True,
            character_coverage=0.98, remove_extra_whitespaces=False, normalization_rule_name="identity", split_digits=True,
            minloglevel=2,
        )
        pieces = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/m.model")
    tokens = [pieces.id_to_piece(i) for i in range(len(pieces))] + ["<|user|>"]
    scores = [pieces.get_score(i) for i in range(len(pieces))] + [-1e9]
    kinds = [(pieces.is_unknown, 2), (pieces.is_control, 3), (pieces.is_byte, 6)]
    types = [next((code for test, code in kinds if test(i)), 1) for i in range(len(pieces))] + [4]
    fields = [lambda w: w.add_token_scores(scores), lambda w: w.add_bos_token_id(1), lambda w: w.add_eos_token_id(2), lambda w: w.add_unk_token_id(0)]
    return {"tokens": tokens, "scores": scores, "types": types, **read_vocabulary("llama", tokens, types, fields)}


def llama_bpe():
    # <|endoftext|> is among the tokens because transformers adds it, as an id that the model has no row for, where it is not.
    trained = tokenizers.Tokenizer(tokenizers.models.BPE())
    trained.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|begin|>", "<|end|>", "<|endoftext|>"],
        show_progress=False,
    )
    trained.train_from_iterator(corpus, trainer)
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    types = [3, 3, 3] + [1] * (len(tokens) - 3)
    merges = [" ".join(pair) for pair in model["merges"]]
    fields = [
        lambda w: w.add_tokenizer_pre("llama-bpe"), lambda w: w.add_token_merges(merges), lambda w: w.add_add_bos_token(True),
        lambda w: w.add_bos_token_id(0), lambda w: w.add_eos_token_id(1),
    ]
    return {"tokens": tokens, "types": types, "merges": merges, **read_vocabulary("gpt2", tokens, types, fields)}


smollm2 = read(sys.argv[1])
byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
smollm2.backend_tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([tokenizers.pre_tokenizers.Digits(individual_digits=True), byte_level])
chats = [
    {
        "messages": messages,
        "text": smollm2.apply_chat_template(messages, tokenize=False),
        "prompt": smollm2.apply_chat_template(messages, tokenize=False, add_generation_prompt=True),
    }
    for messages in MESSAGES
]
golden = {"texts": TEXTS, "smollm2": {**encodings(smollm2), "chats": chats}, "sentencePiece": sentence_piece(), "llamaBpe": llama_bpe()}
path = pathlib.Path(__file__).parents[2] / "tokenizer.json"
path.write_text(json.dumps(golden) + "\n")
