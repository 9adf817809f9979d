/**
 * llama.cpp beside us: greedy decoding of a GGUF file. Usage: decode.mjs MODEL.gguf < options.json; prints one JSON object.
 */
import { readFileSync } from 'node:fs';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';

const started = performance.now();
const { batch, tokens, newTokens, warmup, steps, threads } = JSON.parse(readFileSync(0, 'utf8'));
const llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, maxThreads: threads });
const model = await llama.loadModel({ modelPath: process.argv[2] });
const context = await model.createContext({ contextSize: tokens + newTokens + 8, threads, sequences: batch });
const secondsToLoad = (performance.now() - started) / 1000;
const sequence = context.getSequence();
const prompt = Array.from({ length: tokens }, (_, t) => (t * 7919 + 13) % 49152);
const rates = [];
let newIds = [];
for (let run = 0; run < warmup + steps; run++) {
  await sequence.clearHistory();
  const begun = performance.now();
  newIds = [];
  for await (const id of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    newIds.push(id);
    if (newIds.length === newTokens) break;
  }
  rates.push((newTokens * 1000) / (performance.now() - begun));
}
const timed = rates.slice(warmup).sort((a, b) => a - b);
const result = {
  tokensPerSecond: timed[Math.floor(timed.length / 2)],
  spread: [timed[0], timed.at(-1)],
  newIds: [newIds],
  secondsToLoad,
  peakMegabytes: process.resourceUsage().maxRSS / 1024,
};
process.stdout.write(JSON.stringify(result));
process.exit(0);
