/** The variables of a chat template, as in transformers 5. */
import { ArgumentError } from '../../../runtime';
import { shown } from '../../../runtime/messages/shown';
import type { TokenizerDefinition } from '../tokenizerDefinition';

/** The names of a message's reasoning; the first is the one that most templates read. */
const REASONING = ['reasoning_content', 'thinking', 'reasoning'];

/**
 * The variables of a conversation. Fields of messages that are null count as missing, and tools and documents are none, not undefined.
 *
 * @throws ArgumentError when there is no message.
 */
export function chatVariables(
  { bosToken, eosToken, unkToken, sepToken, padToken, clsToken, maskToken }: TokenizerDefinition,
  messages: readonly object[],
  addGenerationPrompt: boolean,
): Readonly<Record<string, unknown>> {
  const isMessage = (message: unknown) => typeof message === 'object' && message !== null && !Array.isArray(message);
  if (!Array.isArray(messages) || !messages.every(isMessage))
    throw new ArgumentError(`the messages are ${shown(messages)}; give a list of { role, content }`);
  if (messages.length === 0) throw new ArgumentError('there is no message to write by a chat template: give at least one');
  return {
    ...{ messages: messages.map(completed), tools: null, documents: null, add_generation_prompt: addGenerationPrompt },
    ...{ bos_token: bosToken, eos_token: eosToken, unk_token: unkToken, pad_token: padToken },
    ...{ sep_token: sepToken, cls_token: clsToken, mask_token: maskToken },
  };
}

/** A message without fields that are null, and with its reasoning under every name that templates know. */
function completed(message: object): Readonly<Record<string, unknown>> {
  const given = Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null && value !== undefined));
  const reasoning: unknown = REASONING.map((name) => given[name]).find((value) => value !== undefined);
  return reasoning === undefined ? given : { thinking: reasoning, ...given, reasoning_content: reasoning };
}
