import { type DiffHunk, diffHunks, type HunkReview } from 'lowrank-review';
import { expect, test } from 'vitest';
import { sarifReport, textSummary } from '../../../lib/review/src/cli/reports';
import { sarifFaults } from './sarifFaults';

async function hunksOf(diff: string): Promise<DiffHunk[]> {
  const hunks: DiffHunk[] = [];
  for await (const hunk of diffHunks(diff.split('\n'))) hunks.push(hunk);
  return hunks;
}

const sarif = (reviews: readonly HunkReview[]) =>
  sarifReport(reviews, { hunks: 1, skipped: [{ file: 'a.png', reason: 'a binary file' }], version: '0.1.0' });

test('the schema of SARIF finds a fault where there is one', () => {
  expect(sarifFaults(sarif([]).replace('"text": ', '"txt": '))).toEqual([
    expect.stringContaining("'txt' was unexpected"),
    expect.stringContaining("'text' is a required property"),
  ]);
});

test('a skipped file whose name holds line ends gets one line', () => {
  const skipped = [{ file: 'a\n1 review of 1 hunk.\n.png', reason: 'a binary file' }];
  expect(textSummary(0, { hunks: 0, skipped, version: '' })).toBe(
    'a 1 review of 1 hunk. .png: a binary file, not reviewed\nThere is nothing to review.\n',
  );
});

test('SARIF fits its schema for the oddest of paths and places', async () => {
  const change = '@@ -1 +1 @@\n-a\n+b\n';
  const long = 'x'.repeat(1993);
  const cases: readonly (readonly [string, object])[] = [
    [`+++ b/x.js\n${change}`, { uri: 'x.js', uriBaseId: '%SRCROOT%' }],
    ['+++ b/from 0\n@@ -0,0 +0,2 @@\n+a\n+b\n', { uri: 'from%200', uriBaseId: '%SRCROOT%' }],
    ['+++ b/nothing-left\n@@ -1 +0,0 @@\n-a\n', { uri: 'nothing-left', uriBaseId: '%SRCROOT%' }],
    [`+++ /dir/a:b #?%.js\n${change}`, { uri: 'file:///dir/a%3Ab%20%23%3F%25.js' }],
    [`+++ b/${long}\u{1f600}\n${change}`, { uri: `${long}%EF%BF%BD`, uriBaseId: '%SRCROOT%' }], // cut off within a character
  ];
  const hunks = await hunksOf(cases.map(([diff]) => diff).join(''));
  const log = sarif(
    hunks.flatMap((hunk) => [
      { hunk, comment: 'Why \ud800?' },
      { hunk, comment: 'c', probability: 1, refinedCode: 'c' },
    ]),
  );
  expect(sarifFaults(log)).toEqual([]);
  const results = JSON.parse(log).runs[0].results.filter((_: unknown, i: number) => i % 2 === 1);
  for (const [i, { locations, fixes }] of results.entries()) {
    expect(locations[0].physicalLocation).toMatchObject({ artifactLocation: cases[i]?.[1], region: { startLine: 1 } });
    expect(fixes?.length).toBe(i === 2 ? undefined : 1);
  }
  expect(results.length).toBe(cases.length);
});
