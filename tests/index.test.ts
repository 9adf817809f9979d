import nodePath from 'node:path';
import * as lowrank from 'lowrank';
import { ArgumentError, Embedding, getPeftModel, Linear, LoraConfig, LoraLinear, tf } from 'lowrank';
import * as notebook from 'lowrank-notebook';
import * as review from 'lowrank-review';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { tinyModel } from './peft/tinyModel';

const PACKAGES = { lowrank, review, notebook };
const file = (path: string) => nodePath.join(__dirname, path);

/** A public function, with the place of its options among its parameters. */
interface Taker {
  readonly exports: object;
  /** `train`, `new AdamW`, `PeftModel.fromPretrained` or `PeftModel#generate`. */
  readonly name: string;
  readonly place: number;
  readonly options: readonly string[];
}

/** Every exported function, constructor and method that takes an object of options, as the compiler sees them. */
function optionTakers(): Taker[] {
  const indexes = Object.entries(PACKAGES).map(([name, exports]) => ({ folder: file(`../lib/${name}/src/`), exports }));
  const { config } = ts.readConfigFile(file('tsconfig.json'), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, __dirname);
  const program = ts.createProgram(
    indexes.map(({ folder }) => `${folder}index.ts`),
    options,
  );
  const checker = program.getTypeChecker();
  const takers: Taker[] = [];
  /** What an object of options has; undefined for other parameters. */
  const namesOf = (parameter: ts.Symbol): string[] | undefined => {
    const type = checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
    const isObject = (type.flags & ts.TypeFlags.Object) !== 0 || type.isIntersection();
    const isClass = ((type.getSymbol()?.flags ?? 0) & ts.SymbolFlags.Class) !== 0;
    const properties = type.getProperties();
    if (!isObject || isClass || checker.isArrayType(type) || type.getCallSignatures().length > 0 || properties.length === 0)
      return undefined;
    const isAllOptional = properties.every(({ flags }) => (flags & ts.SymbolFlags.Optional) !== 0);
    const typeName = checker.typeToString(type);
    const isOptions = typeName !== 'ErrorOptions' && (isAllOptional || /Options\b/.test(typeName) || typeName.startsWith('{'));
    return isOptions ? properties.map(({ name }) => name) : undefined;
  };
  for (const { folder, exports } of indexes) {
    const look = (name: string, signatures: readonly ts.Signature[]) => {
      for (const { declaration, parameters } of signatures) {
        if (!declaration?.getSourceFile().fileName.startsWith(folder)) continue;
        parameters.forEach((parameter, place) => {
          const options = namesOf(parameter);
          const isKnown = takers.some((taker) => taker.name === name && taker.place === place && taker.exports === exports);
          if (options && !isKnown) takers.push({ exports, name, place, options });
        });
      }
    };
    const source = program.getSourceFile(`${folder}index.ts`);
    const index = source && checker.getSymbolAtLocation(source);
    if (!index) throw new Error(`${folder} has no index`);
    for (const exported of checker.getExportsOfModule(index)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (!(symbol.flags & ts.SymbolFlags.Value) || !(exported.name in exports)) continue; // a class may be there as a type alone
      const type = checker.getTypeOfSymbol(symbol);
      look(symbol.name, type.getCallSignatures());
      if (!(symbol.flags & ts.SymbolFlags.Class)) continue;
      look(`new ${symbol.name}`, type.getConstructSignatures());
      for (const member of type.getProperties()) look(`${symbol.name}.${member.name}`, checker.getTypeOfSymbol(member).getCallSignatures());
      for (const member of checker.getDeclaredTypeOfSymbol(symbol).getProperties()) {
        const { valueDeclaration } = member;
        const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
        const isPublic = valueDeclaration && !(ts.getCombinedModifierFlags(valueDeclaration) & hidden) && !member.name.includes('#');
        if (isPublic) look(`${symbol.name}#${member.name}`, checker.getTypeOfSymbol(member).getCallSignatures());
      }
    }
  }
  return takers;
}

const TAKERS = optionTakers();

const ids = [[1, 2]];
const model = tinyModel();
const peft = getPeftModel(tinyModel(), new LoraConfig());
const linear = new Linear(tf.variable(tf.ones([2, 2])));
const tensor = tf.ones([1, 1, 1, 2]);
const tokenizer = { encode: () => [1], decode: () => '' };
const lora = new LoraLinear(new Linear(tf.variable(tf.ones([2, 2]))), { r: 1 });
/** What comes before the options, where an empty object is not good enough. */
const BEFORE: Readonly<Record<string, readonly unknown[]>> = {
  generate: [model, ids],
  getPeftModel: [model, new LoraConfig()],
  bootstrapInterval: [[1]],
  compile: [() => tf.scalar(1)],
  compileNested: [() => tf.scalar(1)],
  saveCheckpoint: ['', { step: 1, state: {}, tensors: {} }],
  pointPlot: [[]],
  show: [[{ a: 1 }]],
  liveLoss: [[]],
  lossCurve: [[]],
  'LoraLayer#addAdapter': ['other', { r: 1 }],
  'LoraLinear#addAdapter': ['other', { r: 1 }],
  'LoraEmbedding#addAdapter': ['other', { r: 1 }],
  'LlamaForCausalLM.fromTensors': [model.config, () => undefined],
  'LlamaForCausalLM.fromPretrained': ['folder'],
  'LlamaForCausalLM#savePretrained': ['folder'],
  'LlamaForCausalLM#resizeTokenEmbeddings': [3],
  'LlamaForCausalLM#forward': [ids],
  'LlamaForCausalLM#loss': [ids, ids],
  'LlamaForCausalLM#generate': [ids],
  'LlamaForCausalLM#attentions': [ids],
  'Tokenizer#encode': ['text'],
  'Tokenizer#decode': [[1]],
  'Tokenizer#applyChatTemplate': [[]],
  'PeftModel#addAdapter': ['other', new LoraConfig()],
  'PeftModel#loadAdapter': ['folder'],
  'PeftModel#savePretrained': ['folder'],
  'LoraLayer#checkConfig': [new LoraConfig()],
  'LoraEmbedding#checkConfig': [new LoraConfig()],
  'LoraLinear#checkConfig': [new LoraConfig()],
  'PeftModel#loss': [ids, ids],
  'PeftModel#forward': [ids],
  'PeftModel#generate': [ids],
  'PeftModel#attentions': [ids],
  scoreReviewsByLanguage: ['comment', [{ example: { patch: 'a', language: 'C' }, text: 'x' }]],
  'new LoraEmbedding': [new Embedding(tf.variable(tf.ones([2, 2]))), { r: 1 }],
  'LoraLinear#merge': [[]],
  'LoraEmbedding#merge': [[]],
  'LoraLayer#merge': [[]],
  'new LoraLinear': [linear, { r: 1 }],
  'new LoraLayer': [linear],
  'new ZeroInitPrefixAttention': [model.model.layers[0]?.selfAttn],
  'PeftModel.fromPretrained': [model, 'folder'],
  writeSafetensors: ['path', []],
  rotaryTables: [tensor],
  scaledDotProduct: [tensor, tensor, tensor],
  peftModelFromPrefix: [model],
  exportGgufLora: [peft, 'path'],
  mergeReport: [peft],
  padBatch: [[]],
  makeBatches: [[]],
  encodeExample: [tokenizer, { prompt: 'a', response: 'b' }],
  evaluateLoss: [model, []],
  findLearningRate: [peft, []],
  train: [peft, []],
  trainOnExamples: [peft, { train: [] }],
  diffHunks: [[]],
  reviewDiff: [{}, tokenizer, []],
  drawExamples: ['comment', [], 1],
  dataCard: [{ train: [], validation: [], test: [] }],
  fineTune: [peft, tokenizer, 'comment', { train: [] }],
  predictReviews: [peft, tokenizer, 'comment', []],
  yesProbability: [peft, tokenizer, []],
  reviewPrompt: ['comment'],
  readReviews: ['path'],
  bleu4: [[], []],
  scoreReviews: ['comment', []],
  ...Object.fromEntries(
    [
      'attentionMap',
      'groupedBars',
      'heatmaps',
      'linePlot',
      'lossCurves',
      'panels',
      'parameterBars',
      'scorePlot',
      'stackedBars',
      'tradeoffBubbles',
    ].map((chart) => [chart, [[]]]),
  ),
};
const OWNERS: Readonly<Record<string, object>> = {
  PeftModel: peft,
  LlamaForCausalLM: model,
  LoraLayer: lora,
};

/** Calls it with one option that there is not. */
async function callWith({ exports, name, place }: Taker, options: object): Promise<unknown> {
  const before = [...(BEFORE[name] ?? [])].slice(0, place);
  const values = [...before, ...Array(place - before.length).fill({}), options];
  const [, isNew, owner = '', kind, method = ''] = /^(new )?(\w+)(?:([.#])(\w+))?$/.exec(name) ?? [];
  const exported: unknown = Reflect.get(exports, owner);
  if (typeof exported !== 'function') throw new Error(`${name} is not exported`);
  if (isNew) return Reflect.construct(exported, values);
  if (kind === undefined) return unrolled(Reflect.apply(exported, undefined, values));
  const self = kind === '.' ? exported : (OWNERS[owner] ?? Object.create(exported.prototype));
  return unrolled(Reflect.apply(Reflect.get(self, method), self, values));
}

/** A generator does nothing before it is asked. */
async function unrolled(result: unknown): Promise<unknown> {
  return typeof result === 'object' && result !== null && Symbol.asyncIterator in result
    ? Reflect.apply(Reflect.get(result, 'next'), result, [])
    : result;
}

describe('an option that there is not is refused by', () => {
  test('more than seventy public functions', () => {
    expect(TAKERS.length).toBeGreaterThan(70);
  });

  test.each(TAKERS.map((taker) => [`${taker.name}, parameter ${taker.place + 1}`, taker] as const))('%s', async (_, taker) => {
    const refusal = await callWith(taker, { notAnOption: 1 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(ArgumentError);
    expect(String(refusal)).toContain("has no option 'notAnOption'");
  });

  test.each([
    ['train', { gradientAcumulation: 2 }, 'gradientAccumulation'],
    ['train', { evaluation: { batches: [], everyStep: 2 } }, 'everySteps'],
    ['train', { checkpoint: { directory: '/nowhere', keeps: 2 } }, 'keep'],
    ['evaluateLoss', { precison: 'bfloat16' }, 'precision'],
    ['predictReviews', { maxTokens: 2 }, 'maxNewTokens'],
    ['trainOnExamples', { steps: 1, padTokenId: 0, evaluteEvery: 2 }, 'evaluateEvery'],
    ['encodeExample', { maxLen: 8 }, 'maxLength'],
    ['fineTune', { steps: 1, languageLable: true }, 'languageLabel'],
    ['linePlot', { xTitel: 'x' }, 'xTitle'],
  ])('%s given %j, which names the nearest', async (name, options, nearest) => {
    const taker = TAKERS.find((known) => known.name === name);
    if (!taker) throw new Error(`${name} takes no options`);
    await expect(callWith(taker, options)).rejects.toThrow(`did you mean '${nearest}'?`);
  });
});
