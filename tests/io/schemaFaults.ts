import { pythonOn } from './python';

/** What a validator by others, `jsonschema`, which JupyterLab brings along, finds wrong with each of some JSON texts. */
export function schemaFaults(schemaPath: string, texts: readonly string[]): string[][] {
  const script = `
import json, sys
from jsonschema.validators import validator_for
schema = json.load(open(sys.argv[1]))
Validator = validator_for(schema)
validator = Validator(schema, format_checker=Validator.FORMAT_CHECKER)
faults = lambda text: [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(text))]
print(json.dumps([faults(text) for text in json.load(sys.stdin)]))`;
  return JSON.parse(pythonOn(JSON.stringify(texts), script, schemaPath)) as string[][];
}
