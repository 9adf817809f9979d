/** A process to be killed: `node killedRun.ts KIND DIRECTORY [N [MS]]` trains and prints each step; it saves every N, none where DIRECTORY is '', and rests after each. */
import fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type Kind, smallModel, smallRun } from './smallRun.ts';

const [kind = 'lora', directory = '', everySteps = '1', rest = '0'] = process.argv.slice(2);
const model = smallModel(kind as Kind);
const say = (line: string) => void fs.writeSync(1, `${line}\n`);
say('ready');
await smallRun(model, {
  ...(directory !== '' && { checkpoint: { directory, everySteps: Number(everySteps) } }),
  onStep: async ({ step }) => {
    say(`step ${step}`);
    await setTimeout(Number(rest));
  },
});
