/** Disposes the variables that the tests of a file have left: each trace of a later file in the process would look at all of them. */
import { afterAll } from 'vitest';

afterAll(() => {
  const engine: { registeredVariables: Record<string, { dispose(): void }> } | undefined = Reflect.get(globalThis, '_tfengine');
  for (const variable of Object.values(engine?.registeredVariables ?? {})) variable.dispose();
});
