import { FormatError, getPeftModel, LoraConfig, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { tinyModel } from '../tinyModel';

test('an adapter that was written after a resize is refused with its vocabulary and the remedy', () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  const tensors = { 'base_model.model.model.embed_tokens.weight': tf.zeros([42, 16]) };
  expect(() => peft.hotswapAdapter(tensors)).toThrow(FormatError);
  expect(() => peft.hotswapAdapter(tensors)).toThrow(/a model with 42 tokens.*save_embedding_layers=False/);
});
