/** Warns about hunks in a language that an adapter was not trained on. */
import nodePath from 'node:path';
import type { DiffHunk } from '../diff/diffHunk';
import type { ReviewTask } from '../prompts';
import { trainedLanguages } from '../trainingDataFile';

/** One warning per language of the hunks that is missing from the training data of an adapter in the directory. */
export function unseenLanguages(hunks: readonly DiffHunk[], directory: string, tasks: readonly ReviewTask[]): string[] {
  const trained = tasks.flatMap((task) => {
    const languages = trainedLanguages(nodePath.join(directory, task));
    return languages === undefined ? [] : [{ task, languages }];
  });
  return [...new Set(hunks.map(({ language }) => language))].flatMap((language) => {
    const without = trained.filter(({ languages }) => !languages.includes(language)).map(({ task }) => task);
    if (without.length === 0) return [];
    const count = hunks.filter((hunk) => hunk.language === language).length;
    const where = language === '' ? 'in a language unknown from the file name' : `in ${language}`;
    const known = [...new Set(trained.flatMap(({ languages }) => languages))].sort().join(', ');
    const untrained = `${without.join(', ')} ${without.length === 1 ? 'was' : 'were'} not trained on (only on ${known})`;
    return `${count} ${count === 1 ? 'hunk is' : 'hunks are'} ${where}, which ${untrained}: expect poor results there`;
  });
}
