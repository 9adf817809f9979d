"""Writes qwen2/: tiny random Qwen2 models as transformers saves them and as GGUF files, what transformers and PEFT compute with each,
and a tokenizer of Qwen2's kind.

Run with torch 2.15, transformers 5.23, peft 0.21, safetensors 0.8, tokenizers and gguf 0.19 installed:
    python tests/golden/scripts/models/makeQwen2.py
"""
import json
import pathlib
import shutil

import gguf
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from ggufWriter import writer_for
from randomValues import fill

HERE = pathlib.Path(__file__).parents[2] / "qwen2"
SIZES = dict(
    vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, rms_norm_eps=1e-6, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)
VARIANTS = {
    "plain": dict(rope_parameters=dict(rope_type="default", rope_theta=1000.0)),
    "tied": dict(tie_word_embeddings=True, num_key_value_heads=1),
}
rows = json.loads((pathlib.Path(__file__).parents[2] / "llama").joinpath("rows.json").read_text())
IDS, LABELS, PADDED, MASK = (torch.tensor(rows[name]) for name in ("ids", "labels", "padded", "mask"))
# The pattern of Qwen2's own tokenizer.json.
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
# Qwen2's own template.
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\n"
    "You are a helpful assistant.<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
TEXTS = ["def add(a, b):\n    return a + b  # 1234", "I'LL re-check it's OK…\r\n\r\n", "变量 = '😀';", "cafe\u0301 <|im_end|>\n\n x", "\t\t  "]
CHATS = [
    [{"role": "user", "content": "Fix it."}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
]


def build(changes):
    torch.manual_seed(21)
    model = Qwen2ForCausalLM(Qwen2Config(**{**SIZES, **changes}, attn_implementation="eager")).float().eval()
    fill(model)
    return model


def compute(model):
    model.zero_grad()
    output = model(input_ids=IDS, labels=LABELS)
    output.loss.backward()
    values = {"logits": output.logits, "loss": output.loss, "padded": model(input_ids=PADDED, attention_mask=MASK).logits}
    values |= {f"gradients.{name}": parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None}
    return {name: value.detach().clone().contiguous() for name, value in values.items()}


def greedy(model):
    given = dict(max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0)
    return [model.generate(input_ids=torch.tensor([prompt]), **given)[0, len(prompt) :].tolist() for prompt in rows["prompts"]]


def adapted(name):
    """LoRA on q, k, v and o with B far from 0: its logits and gradients, and the logits after merging."""
    base = Qwen2ForCausalLM.from_pretrained(HERE / name, attn_implementation="eager").eval()
    base.name_or_path = "base"
    config = LoraConfig(r=3, lora_alpha=4, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"], bias="lora_only", task_type="CAUSAL_LM")
    model = get_peft_model(base, config).eval()
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if "lora_" in parameter_name:
                parameter.copy_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(HERE / f"{name}Lora")
    (HERE / f"{name}Lora/README.md").unlink()
    values = compute(model)
    with torch.no_grad():
        values["merged"] = model.merge_and_unload()(input_ids=IDS).logits.clone()
    return values


def write_gguf(path, model, tokenizer=None):
    """The same model as llama.cpp's converter writes it: the rows of q and k stay where they are."""
    config = model.config
    writer = writer_for(path, "qwen2", config)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2, config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_tokenizer():
    """A folder as Qwen2's, its vocabulary alone in a GGUF file, and what transformers makes of texts and chats."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False, use_regex=False, add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(TEXTS * 3, trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    folder = HERE / "tokenizer"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = dict(tokenizer_class="Qwen2Tokenizer", eos_token="<|im_end|>", pad_token="<|endoftext|>", bos_token=None, unk_token=None)
    settings |= dict(chat_template=TEMPLATE, add_prefix_space=False, model_max_length=64)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=1) + "\n")

    writer = gguf.GGUFWriter(HERE / "tokenizer.gguf", "qwen2")
    content = json.loads(tokenizer.to_str())
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in SPECIAL else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in content["model"]["merges"]])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    theirs = AutoTokenizer.from_pretrained(folder)
    chats = [
        dict(messages=chat, addGenerationPrompt=asked, text=theirs.apply_chat_template(chat, tokenize=False, add_generation_prompt=asked))
        for chat in CHATS
        for asked in (True, False)
    ]
    return dict(texts=[dict(text=text, ids=theirs(text).input_ids) for text in TEXTS], chats=chats)


if __name__ == "__main__":
    shutil.rmtree(HERE, ignore_errors=True)
    results, generated = {}, {}
    for name, changes in VARIANTS.items():
        model = build(changes)
        model.save_pretrained(HERE / name)
        write_gguf(HERE / f"{name}.gguf", model)
        results |= {f"{name}.{key}": value for key, value in compute(model).items()}
        generated[name] = greedy(model)
        results |= {f"{name}Lora.{key}": value for key, value in adapted(name).items()}
    save_file(results, HERE / "results.safetensors")
    golden = dict(generated=generated, tokenizer=write_tokenizer())
    (HERE / "golden.json").write_text(json.dumps(golden) + "\n")
