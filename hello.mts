// A first result, about a minute after set-up: ten steps of LoRA on one line of code, before and after. Run it with `make hello`.

import { AdamW, getPeftModel, LlamaForCausalLM, LoraConfig, Tokenizer, train } from 'lowrank';
import { defaultModelPath } from 'lowrank-course';

const prompt = 'def greet(name):';
const lesson = `${prompt}\n    return f"Hello from low rank, {name}!"\n`;

console.log('1. Load a small language model (SmolLM2, 135 million parameters).');
const path = defaultModelPath();
const model = await LlamaForCausalLM.fromPretrained(path);
const tokenizer = await Tokenizer.fromPretrained(path);
const inputIds = tokenizer.encode(lesson);

/** What the model makes of the prompt: as many tokens as the lesson has left. */
async function complete(): Promise<string> {
  const start = tokenizer.encode(prompt);
  const [ids = []] = await model.generate([start], { maxNewTokens: inputIds.length - start.length });
  return prompt + tokenizer.decode(ids);
}

console.log(`\n2. Let it complete a line:\n\n${await complete()}`);

const adapted = getPeftModel(model, new LoraConfig({ r: 8, loraAlpha: 16, targetModules: ['q_proj', 'v_proj'] }));
console.log('\n3. Freeze it, and put LoRA beside its query and value projections:');
adapted.printTrainableParameters();

console.log(`\n4. Train these for ten steps on one example:\n\n${lesson}`);
const optimizer = new AdamW({ learningRate: 5e-3, weightDecay: 0 });
const { history } = await train(adapted, [{ inputIds: [inputIds], labels: [inputIds] }], { optimizer, steps: 10 });
const highest = Math.max(...history.map(({ loss }) => loss));
for (const { step, loss } of history) {
  console.log(`step ${String(step).padStart(2)}  loss ${loss.toFixed(2)}  ${'█'.repeat(Math.round((40 * loss) / highest))}`);
}

console.log(`\n5. Let it complete the same line again:\n\n${await complete()}`);
console.log('It has learned one example by heart, which is all that ten steps on one example can do. Next: make lab');
optimizer.dispose();
adapted.dispose();
