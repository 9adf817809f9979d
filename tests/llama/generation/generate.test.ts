import { AbortedError, ArgumentError, type GenerateOptions, LlamaForCausalLM, NotFiniteError, ShapeError, tf } from 'lowrank';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { TokenRows } from '../../../lib/lowrank/src/llama/checkInputs';
import { scoresOf } from '../../../lib/lowrank/src/llama/generation/decoder';
import { generate } from '../../../lib/lowrank/src/llama/generation/generate';
import { asOnGpu } from '../../runtime/compile/bindingSpies';
import { leaked, rows, tinyModel } from '../golden';

// What is written greedily is compared with transformers in llamaForCausalLM.test.ts.
let model: LlamaForCausalLM;
beforeAll(async () => {
  model = await tinyModel('plain');
});
afterAll(() => model.dispose());

const [first = []] = rows.generated.plain;
const [prompt = []] = rows.prompts;

test('a row ends with the first of the ids that end it, which it includes; the others go on', async () => {
  const stop = first[3] ?? -1;
  const expected = rows.generated.plain.map((row) => (row.includes(stop) ? row.slice(0, row.indexOf(stop) + 1) : row));
  expect(await model.generate(rows.prompts, { maxNewTokens: 12, eosTokenId: stop })).toEqual(expected);
  expect(
    await model.generate(rows.prompts, {
      maxNewTokens: 12,
      eosTokenId: [39, stop].filter((id) => !rows.generated.plain.flat().includes(id) || id === stop),
    }),
  ).toEqual(expected);
});

test('on a GPU several ids are chosen before the first is read: the texts are the same, and end where they should', async () => {
  const stop = first[3] ?? -1;
  const told: [number, number][] = [];
  const onToken = (id: number, row: number) => told.push([id, row]);
  const leak = await leaked(() =>
    asOnGpu(async () => {
      for (const maxNewTokens of [1, 2, 3, 9, 12]) {
        const texts = rows.generated.plain.map((row) => row.slice(0, maxNewTokens));
        expect(await model.generate(rows.prompts, { maxNewTokens, eosTokenId: [] })).toEqual(texts);
      }
      const ended = rows.generated.plain.map((row) => (row.includes(stop) ? row.slice(0, row.indexOf(stop) + 1) : row));
      expect(await model.generate(rows.prompts, { maxNewTokens: 12, eosTokenId: stop })).toEqual(ended);
      expect(await model.generate([prompt], { maxNewTokens: 12, eosTokenId: stop, onToken })).toEqual([first.slice(0, 4)]);
    }),
  );
  expect(told).toEqual(first.slice(0, 4).map((id) => [id, 0]));
  expect(leak).toBe(0);
});

test('on a GPU the first id is told before the next ones are computed, then two, four and eight at a time', async () => {
  let told = 0;
  const seen: number[] = []; // how many had been told, each time that the event loop had its turn
  const look = () => {
    if (told > (seen.at(-1) ?? 0)) seen.push(told);
    if (told < 15) setImmediate(look);
  };
  setImmediate(look);
  await asOnGpu(() => model.generate([prompt], { maxNewTokens: 20, eosTokenId: [], onToken: () => told++ }));
  expect(seen).toEqual([1, 3, 7, 15]);
});

test('a seed draws the same text again, alone or in a batch, and another seed draws another', async () => {
  const draw = (seed: number, prompts = rows.prompts) =>
    model.generate(prompts, { maxNewTokens: 10, temperature: 1.5, seed, eosTokenId: [] });
  const drawn = await draw(1);
  expect(await draw(1)).toEqual(drawn);
  expect(await draw(2)).not.toEqual(drawn);
  expect(await draw(1, rows.prompts.slice(0, 1))).toEqual(drawn.slice(0, 1));
});

test('one candidate, by number or by probability, is the greedy choice', async () => {
  for (const options of [{ topK: 1 }, { topP: 1e-9 }]) {
    expect(await model.generate([prompt], { maxNewTokens: 12, temperature: 1, eosTokenId: [], ...options })).toEqual([first]);
  }
});

test('ids are told as they are chosen, and may be given as a tensor', async () => {
  const told: [number, number][] = [];
  const ids = tf.tensor2d([prompt], undefined, 'int32');
  const options = { maxNewTokens: 3, eosTokenId: [], onToken: (id: number, row: number) => told.push([id, row]) };
  expect(await model.generate(ids, options)).toEqual([first.slice(0, 3)]);
  expect(told).toEqual(first.slice(0, 3).map((id) => [id, 0]));
  ids.dispose();
});

test('a signal stops it between two tokens, the event loop having had its turn, and leaves nothing behind', async () => {
  const leak = await leaked(async () => {
    const abort = new AbortController();
    setImmediate(() => setImmediate(() => abort.abort()));
    const stopped = model.generate([prompt], { maxNewTokens: 50, eosTokenId: [], signal: abort.signal });
    await expect(stopped).rejects.toRefuse(AbortedError, /after [1-9]\d? tokens/);
    await expect(model.generate([prompt], { signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
  });
  expect(leak).toBe(0);
});

test.each([
  [[[1, 40]], {}, ArgumentError, 'token id 40 at row 0, position 1'],
  [[], {}, ShapeError, 'give at least one row'],
  [[[1], []], {}, ShapeError, 'row 1 of inputIds is empty'],
  [[[1]], { maxNewTokens: 0 }, ArgumentError, 'maxNewTokens 0'],
  [[[1, 2]], { maxNewTokens: 63 }, ArgumentError, "a sequence of 65 tokens does not fit the model's 64 positions"],
  [[[1]], { temperature: -1 }, ArgumentError, 'temperature -1'],
])('%j with %o is refused', async (ids, options, kind, message) => {
  const refused = model.generate(ids, options);
  await expect(refused).rejects.toThrow(kind);
  await expect(refused).rejects.toThrow(message);
});

test('a padding id outside the vocabulary changes nothing: what it pads is masked', async () => {
  const config = { vocabSize: 40, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 1, numAttentionHeads: 2, numKeyValueHeads: 1 };
  const texts = await Promise.all(
    [undefined, 40].map(async (padTokenId) => {
      const small = LlamaForCausalLM.fromConfig({ ...config, ...(padTokenId && { padTokenId }) }, { seed: 1 });
      const short = await small.generate([[3], [5, 7, 9]], { maxNewTokens: 4, eosTokenId: [] });
      small.dispose();
      return short;
    }),
  );
  expect(texts[1]).toEqual(texts[0]);
});

test('options that do nothing are said to', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const [ids] = await model.generate([prompt], { maxNewTokens: 2, topP: 0.5, topK: 3, lengthPenalty: 2 });
  expect(ids).toEqual(first.slice(0, 2));
  expect(warn.mock.calls.flat()).toEqual([
    'generate: topP and topK have no effect at temperature 0, which takes the likeliest token',
    'generate: lengthPenalty has no effect unless numBeams is above 1',
  ]);
  await model.generate([prompt], { maxNewTokens: 1, topP: 0.5, temperature: 1 });
  expect(warn).toHaveBeenCalledTimes(2);
  warn.mockRestore();
});

test('rows that their caller padded are said to be read as tokens, unless the padding token begins or ends texts too', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const padded = async (inputIds: number[][], options: GenerateOptions = {}) => {
    await model.generate(inputIds, { maxNewTokens: 1, ...options });
    return warn.mock.calls.splice(0).flat();
  };
  expect(model.config).toMatchObject({ padTokenId: 0, bosTokenId: 1, eosTokenId: [2] });
  const text = (what: string) => [
    expect.stringMatching(new RegExp(`^generate: ${what} with the padding token 0, which is read as a token`)),
  ];
  expect(
    await padded([
      [1, 5, 9],
      [0, 0, 1],
      [0, 1, 2],
    ]),
  ).toEqual(text('row 1 of inputIds begins'));
  expect(
    await padded([
      [1, 5, 9],
      [1, 0, 0],
    ]),
  ).toEqual(text('row 1 of inputIds ends'));
  expect(
    await padded([
      [1, 0, 9],
      [1, 5],
    ]),
  ).toEqual([]);
  expect(
    await padded(
      [
        [0, 5, 2],
        [1, 5, 0],
      ],
      { eosTokenId: [2, 0] },
    ),
  ).toEqual([]);
  warn.mockRestore();
});

test('logits that are not finite are refused however a token is chosen', async () => {
  const marked = scoresOf(
    tf.tensor2d([
      [1, 3, 2],
      [1, Number.NaN, 2],
      [1, 3, Infinity],
      [1, 3, -Infinity],
      [-Infinity, -Infinity, -Infinity],
    ]),
  );
  expect([...marked.likeliest.dataSync()]).toEqual([1, Number.NaN, Number.NaN, 1, Number.NaN]);
  tf.dispose(marked);
  const bad = await tinyModel('plain');
  const head = new Map(bad.namedParameters()).get('lm_head.weight') ?? tf.variable(tf.zeros([]));
  for (const value of [Number.NaN, Infinity]) {
    tf.tidy(() => head.assign(tf.where<tf.Tensor>(tf.range(0, 40).equal(7), tf.scalar(value), head)));
    for (const options of [{}, { compile: false }, { temperature: 1 }, { numBeams: 2 }, { numBeams: 2, compile: false }]) {
      const leak = await leaked(() => expect(bad.generate([prompt], options)).rejects.toRefuse(NotFiniteError, 'no token can be chosen'));
      expect(leak).toBe(0);
    }
    await asOnGpu(() => expect(bad.generate([prompt], {})).rejects.toRefuse(NotFiniteError, 'no token can be chosen'));
  }
  bad.dispose();
});

test('a row that has ended is read no further: logits that are not finite there stop nobody, and no id of them is passed on', async () => {
  const [stop, other] = [2, 5];
  const seen: number[][][] = [];
  const forward = (ids: TokenRows): tf.Tensor3D => {
    seen.push(ids as number[][]);
    const likely = (id: number) => tf.oneHot(tf.scalar(id, 'int32'), vocabSize).toFloat();
    const ofEnded = seen.length === 1 ? likely(stop) : tf.fill([vocabSize], Number.NaN);
    return tf.stack([ofEnded, likely(other)]).expandDims(1);
  };
  const { vocabSize } = model.config;
  const texts = await generate({ config: model.config, forward }, [[1], [1]], { maxNewTokens: 4, eosTokenId: stop, compile: false });
  expect(texts).toEqual([[stop], [other, other, other, other]]);
  expect(seen.slice(1)).toEqual(Array(3).fill([[stop], [other]]));
});

test('a text that was accepted is not refused at one of its tokens', async () => {
  const onToken = () => vi.stubEnv('LOWRANK_MEMORY_LIMIT', `${process.memoryUsage.rss() + 40e6}B`); // less than a pass is planned with
  const written = model.generate([prompt], { maxNewTokens: 3, eosTokenId: [], compile: false, onToken });
  await expect(written.finally(() => vi.unstubAllEnvs())).resolves.toEqual([first.slice(0, 3)]);
});
