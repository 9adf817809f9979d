import { createRequire } from 'node:module';

interface Message {
  readonly data: Record<string, unknown>;
  readonly transient: { readonly display_id?: string };
  readonly isUpdate: boolean;
}

const { cache } = createRequire(import.meta.url);

/** Makes this process look like a running tslab kernel, until disposed, and collects what it is sent. */
export function attachKernel() {
  const path = '/anywhere/node_modules/tslab/dist/jupyter.js';
  const messages: Message[] = [];
  const lastWriteDisplayData = (message: Omit<Message, 'isUpdate'>, isUpdate: boolean) => messages.push({ ...message, isUpdate });
  cache[path] = { exports: { lastWriteDisplayData } } as unknown as NodeModule;
  return {
    messages,
    /** The texts of all displays, in order. */
    get texts() {
      return messages.map((message) => String(message.data['text/plain']));
    },
    [Symbol.dispose]() {
      delete cache[path];
    },
  };
}
