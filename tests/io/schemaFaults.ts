import { pythonOn } from './python';

/** What a validator by others, `jsonschema`, which JupyterLab brings along, finds wrong with a JSON text. */
export function schemaFaults(schemaPath: string, text: string): string[] {
  const script = `
import json, sys
from jsonschema.validators import validator_for
schema = json.load(open(sys.argv[1]))
Validator = validator_for(schema)
validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
print(json.dumps([f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(sys.stdin.read()))]))`;
  return JSON.parse(pythonOn(text, script, schemaPath)) as string[];
}
