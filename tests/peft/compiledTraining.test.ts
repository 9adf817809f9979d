import { AdaptionPromptConfig, getPeftModel, IA3Config, LoraConfig, type PeftConfig, train, VeraConfig } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { fill, IDS, LABELS, tinyModel } from './tinyModel';

describe.each<[string, PeftConfig]>([
  ['LoRA', new LoraConfig({ r: 4, targetModules: ['q_proj', 'v_proj'] })],
  ['a prefix', new AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 2 })],
  ['IA3', new IA3Config({ modulesToSave: ['norm'] })],
  ['VeRA', new VeraConfig({ r: 4, targetModules: ['q_proj', 'up_proj'], modulesToSave: ['norm'] })],
])('%s that is not 0', (_, config) => {
  test('learns in compiled steps what it learns operation by operation', async () => {
    const curves = [];
    for (const compile of [true, false]) {
      const peft = getPeftModel(tinyModel(), config);
      fill(peft.trainableParameters().values());
      const before = new Map(Array.from(peft.trainableParameters(), ([name, variable]) => [name, variable.dataSync().slice()]));
      const { history } = await train(peft, () => [{ inputIds: IDS, labels: LABELS }], { steps: 3, compile });
      for (const [name, variable] of peft.trainableParameters()) expect(variable.dataSync(), name).not.toEqual(before.get(name));
      curves.push(history.map(({ loss }) => loss));
    }
    const [compiled = [], plain = []] = curves;
    for (const [step, loss] of plain.entries()) expect(Math.abs((compiled[step] ?? Number.NaN) - loss) / loss).toBeLessThan(1e-5);
    expect(plain[2]).toBeLessThan(plain[0] ?? 0);
  });
});
