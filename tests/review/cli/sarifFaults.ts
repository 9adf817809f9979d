import { fileURLToPath } from 'node:url';
import { schemaFaults } from '../../io/schemaFaults';

/** OASIS's schema, https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json, as it is. */
const schema = fileURLToPath(new URL('../../golden/sarifSchema.json', import.meta.url));

/** What a validator by others finds wrong with a SARIF log. */
export function sarifFaults(log: string): string[] {
  return schemaFaults(schema, [log])[0] ?? ['nothing was validated'];
}
