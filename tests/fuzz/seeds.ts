/** Well-formed inputs, small ones, that the mutations begin with. */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { array, type Field, float32, GGUF, ggufFile, string, uint32 } from '../io/ggufFile.ts';
import { storedZip } from '../review/readers/storedZip.ts';

export function golden(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
}

export const read = (name: string): Buffer => fs.readFileSync(golden(name));
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const SPECIAL = ['<unk>', '<s>', '</s>'];

/** Letters as GPT-2 spells bytes, with a few merges, as a `tokenizer.json`. */
function byteLevelTokenizer(): object {
  const isLetter = (code: number) => code > 0xff || !/[\p{C}\p{Z}]/u.test(String.fromCharCode(code));
  const letters = Array.from({ length: 324 }, (_, code) => code).filter(isLetter);
  const tokens = [...SPECIAL, ...letters.map((code) => String.fromCharCode(code)), 'th', 'the', 'Ġthe', 'in'];
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }] },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: '\\p{N}{1,3}' }, behavior: 'Isolated', invert: false },
        { type: 'Digits', individual_digits: true },
        level,
      ],
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: level,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: ['t h', 'th e', 'Ġ the', 'i n'],
    },
  };
}

/** SentencePiece's form of it, with bytes to fall back on. */
function byteFallbackTokenizer(): object {
  const bytes = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
  const tokens = [...SPECIAL, ...bytes, '▁', 't', 'h', 'e', 'th', 'the', '▁the'];
  return {
    version: '1.0',
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: true,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: ['t h', 'th e', '▁ the'],
    },
  };
}

export const tokenizers = [byteLevelTokenizer(), byteFallbackTokenizer()].map(json);

export const tokenizerConfigs = [
  json({
    bos_token: '<s>',
    eos_token: { content: '</s>', special: true },
    pad_token: null,
    unk_token: '<unk>',
    chat_template: '{{ messages[0].content }}',
    tokenizer_class: 'PreTrainedTokenizerFast',
  }),
  json({
    added_tokens_decoder: {
      '200': { content: '<|im_start|>', special: true, lstrip: false, rstrip: false, normalized: false, single_word: false },
    },
    additional_special_tokens: ['<|im_start|>'],
    extra_special_tokens: { image: '<image>' },
    chat_template: [{ name: 'default', template: '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}' }],
    model_max_length: 1e30,
  }),
];
export const specialTokens = [
  json({
    bos_token: '<s>',
    eos_token: { content: '</s>', lstrip: false, normalized: false, rstrip: false, single_word: false },
    additional_special_tokens: ['the'],
  }),
];
export const addedTokens = [json({ '<|im_start|>': 300, '<|im_end|>': 301 })];

export const templates = [
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
  "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% endif %}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}[INST] {{ m['content'] | trim }} [/INST]{% endfor %}",
  '{%- macro show(x) -%}{{ x | upper }}{%- endmacro -%}{% for i in range(3) %}{{ show(messages[0].content ~ i) }}{{ messages | tojson(indent=2) }}{% endfor %}{{ namespace(a=1).a }}',
].map((text) => Buffer.from(text));

const strings = (key: string, items: readonly string[]): Field => [key, GGUF.array, array(GGUF.string, items.map(string))];
const integers = (key: string, items: readonly number[]): Field => [key, GGUF.array, array(GGUF.int32, items.map(uint32))];
const text = (key: string, value: string): Field => [key, GGUF.string, string(value)];
const whole = (key: string, value: number): Field => [key, GGUF.uint32, uint32(value)];

function ggufTokenizers(): Buffer[] {
  const { sentencePiece, llamaBpe } = JSON.parse(read('tokenizer.json').toString());
  const fields = [
    [
      text('tokenizer.ggml.model', 'gpt2'),
      text('tokenizer.ggml.pre', 'llama-bpe'),
      whole('tokenizer.ggml.bos_token_id', 0),
      whole('tokenizer.ggml.eos_token_id', 1),
      ['tokenizer.ggml.add_bos_token', GGUF.bool, Uint8Array.of(1)] as Field,
      text('tokenizer.chat_template', '{{ messages[0].content }}'),
      integers('tokenizer.ggml.token_type', llamaBpe.types),
      strings('tokenizer.ggml.merges', llamaBpe.merges),
      strings('tokenizer.ggml.tokens', llamaBpe.tokens),
    ],
    [
      text('tokenizer.ggml.model', 'llama'),
      whole('tokenizer.ggml.bos_token_id', 1),
      whole('tokenizer.ggml.unknown_token_id', 0),
      integers('tokenizer.ggml.token_type', sentencePiece.types),
      ['tokenizer.ggml.scores', GGUF.array, array(GGUF.float32, sentencePiece.scores.map(float32))] as Field,
      strings('tokenizer.ggml.tokens', sentencePiece.tokens),
    ],
  ];
  return fields.map((list) => Buffer.from(ggufFile({ fields: list })));
}
export const ggufs = { tokenizers: ggufTokenizers(), models: ['biased', 'linear', 'llama3'].map((name) => read(`llama/${name}.gguf`)) };

const PATCH = '@@ -1,3 +1,3 @@\n function add(a, b) {\n-  return a+b;\n+  return a + b;\n }';
const records = [
  { patch: PATCH, y: 1, msg: 'Use spaces, please.', lang: 'js', id: 3 },
  { patch: PATCH, y: 0, msg: '', lang: '.py' },
  { old: ' def f():\n-  return 1\n', new: ' def f():\n+  return 2\n', comment: 'Why not 2?', lang: 'py' },
  { patch: PATCH, msg: 'NULL "check" 😀\u00e4' },
];
export const examples = {
  jsonl: [
    Buffer.from(records.map((record) => JSON.stringify(record)).join('\n')),
    Buffer.from(
      `${JSON.stringify({ id: 'a:1', source: 'lint', language: 'javascript', patch: PATCH, needsReview: true, comment: 'c', code: 'x', refinedCode: 'y' })}\n`,
    ),
  ],
  csv: [
    Buffer.from(
      'comment,before,before_marked,after\n"Use ""final"", please","int f() {\n return 1; }","int <START>f<END>() { return 1; }","final int f() {}"\nNo,a b,a <START>b<END>,c\n',
    ),
    Buffer.from('id,before,after,comment\r\n1,"a, b",c,why\r\n2,d,e,f\r\n'),
  ],
  tsv: [
    Buffer.from(
      '<code>int f() { return 1; }</code><technical_language>make it final</technical_language>\tfinal int f() { return 1; }\nint g() {}\twhy g?\n',
    ),
    Buffer.from('comment\tbefore\tbefore_marked\tafter\nwhy\tint f()\tint <START>f<END>()\tint g()\n'),
  ],
};
export const archives = {
  zip: [
    storedZip({ 'a/train.jsonl': examples.jsonl[0] ?? '', 'test.csv': examples.csv[0] ?? '', 'note.txt': 'x' }),
    storedZip({ 'x.jsonl.gz': gzipSync(examples.jsonl[0] ?? '') }),
  ],
  gzip: examples.jsonl.map((lines) => gzipSync(lines)),
};

const GIT = `diff --git a/src/a.js b/src/a.js
index 83db48f..bf269f4 100644
--- a/src/a.js
+++ b/src/a.js
@@ -1,4 +1,5 @@ function around() {
 one
-two
+zwei
+drei
 four
 five
\\ No newline at end of file
diff --git "a/\\303\\244 b.py" "b/\\303\\244 b.py"
similarity index 90%
rename from "\\303\\244 a.py"
rename to "\\303\\244 b.py"
--- "a/\\303\\244 a.py"
+++ "b/\\303\\244 b.py"
@@ -20,2 +21 @@
-gone
 kept
diff --git a/p.png b/p.png
new file mode 100644
index 0000000..1234567
Binary files /dev/null and b/p.png differ
diff --git a/mod b/mod
index 1111111..2222222 160000
--- a/mod
+++ b/mod
@@ -1 +1 @@
-Subproject commit 1111111111111111111111111111111111111111
+Subproject commit 2222222222222222222222222222222222222222
`;
const PLAIN = `Only in b: new.txt
diff -ru a/x.c b/x.c
--- a/x.c\t2024-01-01 10:00:00.000000000 +0100
+++ b/x.c\t2024-01-02 10:00:00.000000000 +0100
@@ -0,0 +1,2 @@
+int main(void) {
+}
`;
const COMBINED = `commit 0123456789012345678901234567890123456789
Merge: 1234567 89abcde
Author: A <a@b.c>

    Merge

diff --cc a b.js
index 1234567,89abcde..0123456
--- a/a b.js
+++ b/a b.js
@@@ -1,3 -1,3 +1,4 @@@
  one
- two
 -three
++both
+ four
  five
`;
const coloured = (diff: string) =>
  diff
    .replace(/^(diff|index|---|\+\+\+) .*$/gm, '\u001b[1m$&\u001b[m')
    .replace(/^@@ .*? @@/gm, '\u001b[36m$&\u001b[m')
    .replace(/^-(?!--).*$/gm, '\u001b[31m$&\u001b[m')
    .replace(/^\+(?!\+\+)(.*)$/gm, '\u001b[32m+\u001b[m\u001b[32m$1\u001b[m');
export const diffs = [GIT, PLAIN, COMBINED, coloured(GIT), GIT.replaceAll('\n', '\r\n')]
  .map((diff) => Buffer.from(diff))
  .concat(Buffer.from(`\ufeff${PLAIN}`, 'utf16le'));

const short = {
  seeds: [1, 2],
  maxLength: 256,
  batchSize: 4,
  gradientAccumulation: 1,
  steps: { necessity: 16, comment: 16, refinement: 8 },
  evaluations: 2,
  precision: 'bfloat16',
  examples: { train: 100, validation: 12, test: 24 },
  maxNewTokens: { comment: 24, refinement: 96 },
};
export const experiments = [
  json({
    methods: [
      { name: 'LoRA', adapter: { peftType: 'LORA', r: 8, loraAlpha: 16, loraDropout: 0.05 }, learningRate: 1e-3 },
      { name: 'prefix', adapter: { peftType: 'ADAPTION_PROMPT', adapterLen: 10, adapterLayers: 28, gate: 'perHead' } },
    ],
    tasks: ['comment', 'necessity', 'refinement'],
    forms: { short, long: { ...short, pack: true, answersAtOnce: 48 } },
  }),
];

export const prompts = [
  json({
    task: 'comment',
    maxLength: 200,
    example: { id: 'a', source: 'diff', language: 'javascript', patch: PATCH, code: 'x', comment: 'c' },
  }),
  json({
    task: 'refinement',
    maxLength: 300,
    example: { id: 'b', source: 'tufano', language: '', markedCode: 'a <START>b<END>', code: 'a b', comment: 'why?', refinedCode: 'c' },
  }),
  json({
    task: 'necessity',
    maxLength: 250,
    example: { id: 'c', source: 'lint', language: 'c', patch: `${PATCH}\n+😀ä`.repeat(5), needsReview: false },
  }),
];

/** What is typed after `lowrank`, a word a line; FOLDER is the format's own. */
export const commands = [
  'info\n--model\nFOLDER/model.gguf\n--json',
  'info\n--adapter\nFOLDER',
  'review\nFOLDER/a.diff\n--adapter\nFOLDER/none\n--format\njson\n--threshold\n0.5\n--max-hunks\n10',
  'review\n-\n--untuned\n--fail-on\nreview\n--exclude\n*.js\n--beams\n2',
  'train\n--task\ncomment\n--output\nFOLDER/out\n--data\nFOLDER/data.jsonl\n--model\nFOLDER/none\n--rank\n4\n--learning-rate\n1e-3\n--steps\n1',
  'eval\n--task\nrefinement\n--model\nFOLDER/none\n--by-language\n--examples\n3\n--data\nFOLDER/data.jsonl',
  'generate\nhello\n--model\nFOLDER/none\n--max-new-tokens\n3\n--temperature\n0.5\n--top-p\n0.9\n--seed\n-1',
  'merge\n--adapter\nFOLDER\n--output\nFOLDER/merged\n--model\nFOLDER/model.gguf\n--force',
  'experiment\nFOLDER/experiment.json\n--form\nshort\n--work\nFOLDER/work\n--collect\n--output\nFOLDER/results.json\n--data\nFOLDER/data.jsonl\n--model\nFOLDER/none',
  'help',
  '--version',
  'review\n--help',
].map((words) => Buffer.from(words));

/** Below the format's folder, where there are a file, a folder, a pipe, links and a link to itself. */
export const paths = [
  'file',
  'folder',
  'folder/file',
  'pipe',
  'loop',
  'circle/circle/circle',
  'dangling',
  'zero',
  'file/below',
  'folder\0',
  'x'.repeat(300),
  `${'y/'.repeat(3000)}z`,
  '',
  '.',
  'meta-llama/Llama-3',
  'a\u202eb',
  'pipe.jsonl',
  'zero.gguf',
  'pipe.zip',
].map((path) => Buffer.from(path));
