import fs from 'node:fs';
import { FormatError } from 'lowrank';
import { expect, test } from 'vitest';
import { describeTrainingData, saveTrainingData, trainedLanguages } from '../../lib/review/src/trainingDataFile';
import { temporaryFolder } from '../io/temporaryFolder';

const folder = temporaryFolder();
const example = (language: string) => ({ id: language, source: 'codereviewer' as const, language });

test('the languages of the training data are kept in the folder of the adapter, each once', () => {
  const data = describeTrainingData('comment', ['python', 'go', '', 'python'].map(example));
  expect(data).toEqual({ task: 'comment', examples: 4, languages: ['go', 'python'] });
  saveTrainingData(folder('.'), data);
  expect(trainedLanguages(folder('.'))).toEqual(['go', 'python']);
});

test('an adapter from elsewhere, and data that does not name its languages, tell nothing', () => {
  expect(trainedLanguages(folder('elsewhere'))).toBeUndefined();
  saveTrainingData(folder('.'), describeTrainingData('comment', [example('')]));
  expect(trainedLanguages(folder('.'))).toBeUndefined();
});

test('a malformed file is refused by its name', () => {
  fs.writeFileSync(folder('training_data.json'), '{"languages": "python"}');
  expect(() => trainedLanguages(folder('.'))).toRefuse(FormatError, /training_data\.json: languages is not a list/);
});
