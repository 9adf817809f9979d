import fs from 'node:fs';
import { ArgumentError, FormatError } from 'lowrank';
import { expect, test } from 'vitest';
import { writeSealed } from '../../lib/review/src/sealedFile';
import {
  checkTrainedTask,
  describeTrainingData,
  saveTrainingData,
  trainedLanguageLabel,
  trainedLanguages,
  trainedThreshold,
} from '../../lib/review/src/trainingDataFile';
import { temporaryFolder } from '../io/temporaryFolder';

const folder = temporaryFolder();
const example = (language: string) => ({ id: language, source: 'codereviewer' as const, language });

test('the languages of the training data are kept in the folder of the adapter, each once', () => {
  const data = describeTrainingData('comment', ['python', 'go', '', 'python'].map(example));
  expect(data).toEqual({ task: 'comment', examples: 4, languages: ['go', 'python'], languageLabel: false });
  saveTrainingData(folder('.'), data);
  expect(trainedLanguages(folder('.'))).toEqual(['go', 'python']);
});

test('an adapter from elsewhere, and data that does not name its languages, tell nothing', () => {
  expect(trainedLanguages(folder('elsewhere'))).toBeUndefined();
  saveTrainingData(folder('.'), describeTrainingData('comment', [example('')]));
  expect(trainedLanguages(folder('.'))).toBeUndefined();
});

test('it is recorded whether prompts named the language, and known of an adapter without a file, but not of an older file', () => {
  for (const languageLabel of [true, false]) {
    saveTrainingData(folder('.'), describeTrainingData('comment', [example('go')], { languageLabel }));
    expect(trainedLanguageLabel(folder('.'))).toBe(languageLabel);
  }
  expect(trainedLanguageLabel(folder('elsewhere'))).toBe(false);
  writeSealed(folder('training_data.json'), 'training data', { task: 'comment' });
  expect(trainedLanguageLabel(folder('.'))).toBeUndefined();
  writeSealed(folder('training_data.json'), 'training data', { languageLabel: 'yes' });
  expect(() => trainedLanguageLabel(folder('.'))).toRefuse(FormatError, /languageLabel is not true or false/);
});

test('an adapter of another task is refused with the name of its own', () => {
  saveTrainingData(folder('.'), describeTrainingData('comment', [example('go')]));
  checkTrainedTask(folder('.'), 'comment');
  checkTrainedTask(folder('elsewhere'), 'comment');
  expect(() => checkTrainedTask(folder('.'), 'necessity')).toRefuse(
    ArgumentError,
    /was trained for comment \(training_data\.json\): use it for that task, and for necessity another one$/,
  );
});

test('a malformed file is refused by its name', () => {
  writeSealed(folder('training_data.json'), 'training data', { languages: 'python' });
  expect(() => trainedLanguages(folder('.'))).toRefuse(FormatError, /training_data\.json: languages is not a list/);
  writeSealed(folder('training_data.json'), 'training data', { task: 1 });
  expect(() => checkTrainedTask(folder('.'), 'comment')).toRefuse(FormatError, /training_data\.json: task is not a name/);
});

test('a file that was emptied, cut or changed by one digit is refused with the remedy', () => {
  saveTrainingData(folder('.'), { task: 'necessity', examples: 4, languages: ['go'], languageLabel: false, threshold: 0.4034 });
  expect(trainedThreshold(folder('.'))).toBe(0.4034);
  const path = folder('training_data.json');
  const whole = fs.readFileSync(path, 'utf8');
  for (const text of ['', whole.slice(0, 30), whole.replace('0.4034', '0.4035')]) {
    fs.writeFileSync(path, text);
    expect(() => trainedThreshold(folder('.'))).toRefuse(
      FormatError,
      /training_data\.json.*; copy or train the adapter again, or remove this file/,
    );
  }
});

test('a file without a checksum is read, as of an adapter from before or written by hand', () => {
  fs.writeFileSync(folder('training_data.json'), '{"task": "necessity", "languages": ["go"], "threshold": 0.25}');
  expect([trainedThreshold(folder('.')), trainedLanguages(folder('.'))]).toEqual([0.25, ['go']]);
});
