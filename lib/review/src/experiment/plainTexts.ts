/** Code and English text that no task trains on, to measure what a model forgets. */
import { promises as fs } from 'node:fs';
import path from 'node:path';
import { listedPackages } from '../lintReviews/packageList';
import { installedPackages, packageSources, textHash } from '../lintReviews/packageSources';

/** Texts of a few thousand characters each. */
export interface PlainTexts {
  readonly code: readonly string[];
  readonly english: readonly string[];
}

const COUNT = 24;
const CHARACTERS = 1_500;

/**
 * The beginnings of JavaScript files and READMEs, one of each per package, drawn by name.
 *
 * Code comes from packages that are not in `trainedOn`. READMEs are in no training data; their code, tables and markup are left out.
 */
export async function plainTexts(options: {
  readonly nodeModules: string;
  readonly dataFolder: string;
  readonly trainedOn: ReadonlySet<string>;
}): Promise<PlainTexts> {
  const { nodeModules, dataFolder, trainedOn } = options;
  const packages = [...listedPackages(dataFolder, await installedPackages(nodeModules))].sort(
    (a, b) => textHash(a.name) - textHash(b.name),
  );
  const code: string[] = [];
  const english: string[] = [];
  for (const owner of packages) {
    if (code.length < COUNT && !trainedOn.has(owner.name)) {
      const [source] = (await packageSources(owner)).filter(({ text }) => text.length >= CHARACTERS);
      if (source) code.push(source.text.slice(0, CHARACTERS));
    }
    if (english.length < COUNT) {
      const prose = proseOf(await fs.readFile(path.join(owner.folder, 'README.md'), 'utf8').catch(() => ''));
      if (prose.length >= CHARACTERS) english.push(prose.slice(0, CHARACTERS));
    }
  }
  return { code, english };
}

/** The paragraphs of a README: no code blocks, headings, lists, tables, images or HTML. */
function proseOf(readme: string): string {
  const paragraphs = readme.replace(/```[\s\S]*?```/g, '').split(/\n\s*\n/);
  const isProse = (paragraph: string) => /^[A-Z]/.test(paragraph) && !/[|<>{}]|!\[|^\s*[-*#\d]/m.test(paragraph);
  return paragraphs
    .map((paragraph) =>
      paragraph
        .trim()
        .replace(/\s+/g, ' ')
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1'),
    )
    .filter(isProse)
    .join('\n\n');
}
