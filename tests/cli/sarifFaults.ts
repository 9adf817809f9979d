import { fileURLToPath } from 'node:url';
import { python } from '../io/python';

/** OASIS's schema, https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json, as it is. */
const schema = fileURLToPath(new URL('../golden/sarifSchema.json', import.meta.url));

/** What a validator by others, `jsonschema`, which JupyterLab brings along, finds wrong with a SARIF log. */
export function sarifFaults(log: string): string[] {
  const script = `
import json, sys
from jsonschema import Draft4Validator
validator = Draft4Validator(json.load(open(sys.argv[1])), format_checker=Draft4Validator.FORMAT_CHECKER)
print(json.dumps([f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(sys.argv[2]))]))`;
  return JSON.parse(python(script, schema, log)) as string[];
}
