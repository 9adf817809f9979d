/** How a byte-level vocabulary in a GGUF file splits text into words, by its name in `tokenizer.ggml.pre`. */
import { GPT2_SPLIT, LLAMA3_SPLIT } from '../parts/preTokenizer';

/** A split: patterns applied in turn, each to the pieces left by those before it, and the other implications of its name. */
interface GgufCut {
  readonly patterns: readonly string[];
  /** A word that is a token stays whole, even if the merges would split it. */
  readonly ignoresMerges?: boolean;
  /** Texts begin with the begin token unless the file says otherwise. */
  readonly addsBos?: boolean;
}

const DIGIT = String.raw`\p{N}`;
const CONTRACTION = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const BLANKS = String.raw`\s+(?!\S)|\s+`;
const SPACES = `\\s*[\\r\\n]+|${BLANKS}`;
const HAN = '[一-龥ࠀ-一가-퟿]+';
const WORDS = ' ?[^(\\s|.,!?…。，、।۔،)]+';
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const BEFORE = String.raw`[^\r\n\p{L}\p{N}]?`;
const SYMBOLS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`;
const SYMBOLS_AND_ENDS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`;

/** Letters with upper and lower case, as DeepSeek LLM lists them: code points and ranges. */
const CASED = `
  41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A 38C 38E-3A1 3A3-3F5
  3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15
  1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC
  1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D
  212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B
  A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB
  10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943`;

/** The split of Qwen and others: Llama 3's, with `digits` instead of up to three digits. */
const qwen = (digits: string, symbols = SYMBOLS_AND_ENDS, lineEnds = String.raw`\s*[\r\n]+`) =>
  `${CONTRACTION}|${BEFORE}\\p{L}+|${digits}|${symbols}|${lineEnds}|${BLANKS}`;

export const QWEN2_SPLIT = qwen(DIGIT);

/** The split of Tekken and GPT-4o: a word ends where an upper-case letter follows a lower-case one. */
const byCase = (digits: string, contraction = '') =>
  `${BEFORE}${UPPER}*${LOWER}+${contraction}|${BEFORE}${UPPER}+${LOWER}*${contraction}|${digits}|${SYMBOLS}|${SPACES}`;

const GPT2: GgufCut = { patterns: [GPT2_SPLIT] };
const DIGITS_FIRST: GgufCut = { patterns: [DIGIT, GPT2_SPLIT] };
const LLAMA3: GgufCut = { patterns: [LLAMA3_SPLIT], ignoresMerges: true, addsBos: true };
const QWEN2: GgufCut = { patterns: [QWEN2_SPLIT] };

/**
 * The splits that llama.cpp names and that models of this architecture use. Where llama.cpp only approximates a pattern (tekken, gpt-4o),
 * this is the one in the models' own `tokenizer.json`.
 */
const CUTS: readonly (readonly [names: readonly string[], cut: GgufCut])[] = [
  [['default'], { patterns: [String.raw`[\p{P}$+<=>^~|]+`, GPT2_SPLIT, String.raw`\p{N}+`, '[0-9][0-9][0-9]'] }],
  [['gpt-2', 'gpt2', 'phi-2', 'mpt', 'olmo', 'jais', 'trillion', 'gigachat', 'a.x-4.0', 'mellum', 'exaone4', 'granite-docling'], GPT2],
  [['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'], DIGITS_FIRST],
  [['llama3', 'llama-v3', 'llama-bpe', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'], LLAMA3],
  [['dbrx', 'smaug-bpe', 'glm4', 'chatglm-bpe'], { patterns: [LLAMA3_SPLIT] }],
  [['qwen2', 'deepseek-r1-qwen', 'stablelm2', 'megrez', 'hunyuan', 'grok-2', 'kormo', 'solar-open'], QWEN2],
  [['seed-coder'], { patterns: [qwen(DIGIT, String.raw` ?[^\s\p{L}\p{N}\r\n]+`)] }],
  [
    ['deepseek-llm'],
    { patterns: ['[\\r\\n]', `\\s?[${letters(CASED)}]+`, '\\s?[!-/:-~！-／：-～‘-‟　-。]+', '\\s+$', HAN, String.raw`\p{N}+`] },
  ],
  [['deepseek-coder'], { patterns: ['[\\r\\n]', String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, HAN, DIGIT] }],
  [
    ['deepseek-v3', 'hunyuan-dense', 'joyai-llm'],
    {
      patterns: [
        String.raw`\p{N}{1,3}`,
        '[一-龥぀-ゟ゠-ヿ]+',
        `[!"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_\`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|${SPACES}`,
      ],
    },
  ],
  [['minicpm5'], { patterns: [String.raw`\p{N}{1,3}`, qwen(String.raw`\p{N}+`)], ignoresMerges: true }],
  // The models' own pattern has possessive quantifiers, which nothing after them could give back to.
  [['bailingmoe', 'bailingmoe2', 'llada-moe'], { patterns: [qwen(DIGIT, SYMBOLS_AND_ENDS, String.raw`\s*[\r\n]`)] }],
  [['falcon'], { patterns: ['[\\p{P}$+<=>^~|`]+', GPT2_SPLIT, '[0-9][0-9][0-9]'] }],
  [['tekken'], { patterns: [byCase(DIGIT)], ignoresMerges: true, addsBos: true }],
  [['gpt-4o', 'llama4', 'kanana2', 'minimax-m2'], { patterns: [byCase(String.raw`\p{N}{1,3}`, `${CONTRACTION}?`)] }],
  [['poro-chat', 'bloom', 'gpt3-finnish'], { patterns: [WORDS] }],
  [['viking'], { patterns: [WORDS, DIGIT] }],
];

/** Splits by name. Any other is refused, because a wrong split yields tokens that the model was not trained on. */
export const GGUF_CUTS: ReadonlyMap<string, GgufCut> = new Map(CUTS.flatMap(([names, cut]) => names.map((name) => [name, cut] as const)));

/** A list of hexadecimal code points as the inside of a character class. */
function letters(list: string): string {
  return list
    .trim()
    .replace(/[0-9A-F]+/g, (code) => `\\u{${code}}`)
    .replace(/\s+/g, '');
}
