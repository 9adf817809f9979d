/** Settings of a `generation_config.json`, or of a `config.json` without one, that `generate` does not take up. */
import type { JsonObject } from '../../io';
import { warn } from '../../runtime/messages/warn';

/** transformers' defaults: a setting that has this value, or none, changes nothing there either. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  do_sample: false,
  temperature: 1,
  top_k: 50,
  top_p: 1,
  min_p: undefined,
  typical_p: 1,
  repetition_penalty: 1,
  no_repeat_ngram_size: 0,
  num_beams: 1,
  length_penalty: 1,
  early_stopping: false,
  max_length: 20,
  max_new_tokens: undefined,
  min_length: 0,
  min_new_tokens: undefined,
  suppress_tokens: undefined,
  begin_suppress_tokens: undefined,
  forced_bos_token_id: undefined,
  forced_eos_token_id: undefined,
  bad_words_ids: undefined,
  sequence_bias: undefined,
  exponential_decay_length_penalty: undefined,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  guidance_scale: 1,
  num_return_sequences: 1,
  stop_strings: undefined,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
  top_h: undefined,
  penalty_alpha: undefined,
  dola_layers: undefined,
  num_beam_groups: 1,
  diversity_penalty: 0,
  force_words_ids: undefined,
  constraints: undefined,
  renormalize_logits: false,
  remove_invalid_values: false,
  token_healing: false,
  watermarking_config: undefined,
  max_time: undefined,
};

/** Warns of settings that transformers would apply by itself. */
export function warnOfUnusedGeneration(path: string, generation: JsonObject): void {
  const isSet = (name: string) => Object.hasOwn(generation, name) && generation[name] !== null && generation[name] !== DEFAULTS[name];
  const unused = Object.keys(DEFAULTS).filter(isSet);
  if (unused.length === 0) return;
  const list = unused.map((name) => `${name} ${JSON.stringify(generation[name])}`);
  warn(`${path}: generate does not take up ${list.join(', ')}; pass what you want as its options`);
}
