/** Writes the README of an adapter folder. */
import { methodOf, type PeftConfig } from '../methods';
import { PEFT_VERSION } from './adapterConfigFile';

/** A model card with PEFT's front matter, which the Hugging Face Hub uses to display an adapter. */
export function modelCard(configs: readonly PeftConfig[]): string {
  const bases = [...new Set(configs.flatMap(({ baseModelNameOrPath }) => baseModelNameOrPath ?? []))];
  const base = bases.length === 1 ? `base_model: ${JSON.stringify(bases[0])}\n` : '';
  const isCausal = configs.some(({ taskType }) => taskType === 'CAUSAL_LM');
  const tags = [...new Set(configs.map(({ peftType }) => methodOf(peftType).tag)), 'lowrank'];
  return `---
${base}library_name: peft
${isCausal ? 'pipeline_tag: text-generation\n' : ''}tags:
${tags.map((tag) => `- ${tag}\n`).join('')}---

# Adapter

This folder holds ${configs.length === 1 ? 'an adapter' : `${configs.length} adapters, those not named \`default\` in a folder of their name`} in the format of Hugging Face PEFT. It changes nothing without the
model that it was trained on.

\`\`\`python
from peft import PeftModel
model = PeftModel.from_pretrained(base_model, folder)
\`\`\`

\`\`\`typescript
import { PeftModel } from 'lowrank';
const model = await PeftModel.fromPretrained(baseModel, folder);
\`\`\`

### Framework versions

- PEFT ${PEFT_VERSION} (format)
`;
}
