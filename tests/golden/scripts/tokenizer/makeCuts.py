"""Writes cuts.json: the ids of texts under each cut that GGUF files name, by Hugging Face's `tokenizers` with the patterns of the models' own
tokenizer.json (as llama.cpp's source quotes them), on the byte-level vocabulary of tokenizer.json.

Run with tokenizers 0.23 installed: python makeCuts.py
"""
import json
import pathlib
import re

from tokenizers import Regex, Tokenizer, models
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

HERE = pathlib.Path(__file__).parents[2]
CONTRACTIONS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = LLAMA3.replace("{1,3}", "")
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK3 = (
    r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
)
BAILING = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
CASED = re.sub("[0-9A-F]+", lambda code: chr(int(code[0], 16)), """
41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A 38C 38E-3A1 3A3-3F5
3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15
1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC
1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D
212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B
A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB
10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943""").replace(" ", "").replace("\n", "")
HAN, WORDS = "[一-龥ࠀ-一가-퟿]+", r" ?[^(\s|.,!?…。，、।۔،)]+"
GPT2 = ByteLevel(add_prefix_space=False, use_regex=True)
BYTES = ByteLevel(add_prefix_space=False, use_regex=False)


def split(*patterns):
    return [Split(Regex(pattern), "isolated") for pattern in patterns]


CUTS = {
    "default": [*split(r"[\p{P}\$\+<=>\^~\|]+"), GPT2_SPLIT := Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"), "isolated"), *split(r"\p{N}+", "[0-9][0-9][0-9]"), BYTES],
    "gpt-2": [GPT2],
    "smollm": [Digits(individual_digits=True), GPT2],
    "starcoder": [Digits(individual_digits=True), GPT2],
    "codeshell": [Digits(individual_digits=True), GPT2],
    "llama-bpe": [*split(LLAMA3), BYTES],
    "smaug-bpe": [*split(LLAMA3), BYTES],
    "qwen2": [*split(QWEN2), BYTES],
    "seed-coder": [*split(CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"), BYTES],
    "deepseek-llm": [*split(r"[\r\n]", rf"\s?[{CASED}]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", HAN, r"\p{N}+"), BYTES],
    "deepseek-coder": [*split(r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN), Digits(individual_digits=True), BYTES],
    "deepseek-v3": [*split(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3), BYTES],
    "falcon": [*split(r"[\p{P}\$\+<=>\^~\|`]+"), GPT2_SPLIT, *split("[0-9][0-9][0-9]"), BYTES],
    "tekken": [*split(TEKKEN), BYTES],
    "gpt-4o": [*split(GPT4O), BYTES],
    "kormo": [*split(QWEN2), BYTES],
    "solar-open": [*split(QWEN2), BYTES],
    "mellum2": [Digits(individual_digits=True), GPT2],
    "kanana2": [*split(GPT4O), BYTES],
    "minimax-m2": [*split(GPT4O), BYTES],
    "joyai-llm": [*split(r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", DEEPSEEK3), BYTES],
    "minicpm5": [*split(r"\p{N}{1,3}", QWEN2.replace(r"\p{N}|", r"\p{N}+|")), BYTES],
    "bailingmoe": [*split(BAILING), BYTES],
    "llada-moe": [*split(BAILING), BYTES],
    "poro-chat": [*split(WORDS), BYTES],
    "viking": [*split(WORDS), Digits(individual_digits=True), BYTES],
}
golden = json.loads((HERE / "tokenizer.json").read_text())
vocabulary = golden["llamaBpe"]
texts = [text.encode("utf-8", "replace").decode() if any(0xD800 <= ord(c) < 0xE000 for c in text) else text for text in golden["texts"]]
texts += ["x =  42", "camelCaseWORD's  HTTPServer2", "a//b/*c*/ d…e", "  12345 67\n\n 8"]
ids = {}
for name, cut in CUTS.items():
    ignores = name in ("llama-bpe", "tekken", "minicpm5")
    model = models.BPE({token: index for index, token in enumerate(vocabulary["tokens"])}, [tuple(merge.split(" ")) for merge in vocabulary["merges"]], ignore_merges=ignores)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = Sequence(cut)
    tokenizer.add_special_tokens(vocabulary["tokens"][:3])
    ids[name] = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
(HERE / "cuts.json").write_text(json.dumps({"texts": texts, "ids": ids}) + "\n")
