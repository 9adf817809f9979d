/** Any adapter's configuration. */
import { AdaptionPromptConfig } from './adaptionPrompt/config';
import { LoraConfig } from './lora/config';

/** Any adapter's configuration; `peftType` tells which. */
export type PeftConfig = LoraConfig | AdaptionPromptConfig;

/** The same configuration, which names the base that the adapter is on where it named none, as PEFT does. */
export function onBase(config: PeftConfig, nameOrPath: string | undefined): PeftConfig {
  if (nameOrPath === undefined || config.baseModelNameOrPath !== null) return config;
  if (config instanceof LoraConfig) {
    const { peftType: _lora, ...options } = config;
    return new LoraConfig({ ...options, baseModelNameOrPath: nameOrPath });
  }
  const { peftType: _prompt, ...options } = config;
  return new AdaptionPromptConfig({ ...options, baseModelNameOrPath: nameOrPath });
}
