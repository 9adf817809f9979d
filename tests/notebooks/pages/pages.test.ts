import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = resolve(import.meta.dirname, '../../..');
const scripts = join(checkout, 'tests/notebooks');
let folder = '';
let page = '';

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>';
const bars = {
  $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
  params: [{ name: 'most', value: 4, bind: { input: 'range', min: 1, max: 9 } }],
  data: { values: [{ a: 3, b: '</script>' }] },
  mark: 'bar',
};
const markdown = (id: string, source: string) => ({ cell_type: 'markdown', id, metadata: {}, source });
const notebook = (...cells: object[]) => JSON.stringify({ cells, metadata: {}, nbformat: 4, nbformat_minor: 5 });

/** Runs Python beside the scripts of this folder. */
function python(text: string, ...given: readonly string[]): string {
  return execFileSync(join(checkout, '.venv/bin/python'), ['-c', text, ...given], { cwd: scripts, encoding: 'utf8' });
}

/** What the check of the pages says about one page with this body, beside another page and a file. */
function faults(body: string): string {
  const own = mkdtempSync(join(folder, 'check-'));
  writeFileSync(join(own, 'one.html'), `<html><head><title>The first</title></head><body>${body}</body></html>`);
  writeFileSync(join(own, 'two.html'), '<html><head><title>The second</title></head><body><h2 id="here">Here</h2></body></html>');
  writeFileSync(join(own, 'file.txt'), 'text');
  const text =
    'import sys; from pathlib import Path; from pages.check_pages import check_pages; check_pages(sorted(Path(sys.argv[1]).glob("*.html")))';
  const { status, stderr } = spawnSync(join(checkout, '.venv/bin/python'), ['-c', text, own], { cwd: scripts, encoding: 'utf8' });
  return status === 0 ? '' : (stderr.split('NotebookError: ')[1] ?? stderr);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pages-'));
  mkdirSync(join(folder, 'notebooks'));
  mkdirSync(join(folder, 'build'));
  const first = notebook(
    markdown(
      'head',
      '# A *first* title\n\n[next](02-next.ipynb#Here) · [data](../data/README.md)\n\n**Time:** 3 minutes to read · **Needs:** nothing',
    ),
    markdown('drawing', '![Two boxes, one inside the other](drawings/boxes.svg)'),
    markdown('answer', '**1.** Why?\n\n<details><summary>Solution</summary>\n\nBecause $a^2 < b$.\n\n</details>'),
    {
      cell_type: 'code',
      id: 'figure',
      metadata: {},
      execution_count: null,
      source: '1',
      outputs: [
        {
          output_type: 'display_data',
          metadata: {},
          data: { 'application/vnd.vegalite.v5+json': bars, 'image/svg+xml': svg, 'text/plain': 'Bars of "a" & b: 3 < 4.' },
        },
      ],
    },
    {
      cell_type: 'code',
      id: 'solution',
      metadata: { tags: ['solution'], jupyter: { source_hidden: true, outputs_hidden: true } },
      execution_count: null,
      source: 'const half = 384;',
      outputs: [{ output_type: 'stream', name: 'stdout', text: '✓ right' }],
    },
  );
  writeFileSync(join(folder, 'notebooks/01-first.ipynb'), first);
  writeFileSync(join(folder, 'build/01-first.ipynb'), first);
  const next = notebook(markdown('head', '# Next\n\n## Here'));
  writeFileSync(join(folder, 'notebooks/02-next.ipynb'), next);
  writeFileSync(join(folder, 'build/02-next.ipynb'), next);
  mkdirSync(join(folder, 'notebooks/drawings'));
  writeFileSync(join(folder, 'notebooks/drawings/boxes.svg'), svg);
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data/README.md'), 'data');
  python(
    `
import sys; from pathlib import Path; from pages.pages import Pages; from pages.check_pages import check_pages
folder = Path(sys.argv[1]); build = folder / "build"
pages = Pages(folder / "notebooks", build)
notebooks = sorted(build.glob("*.ipynb"))
for each in notebooks: pages.render(each)
pages.write_index(notebooks)
check_pages(build.glob("*.html"))
`,
    folder,
  );
  page = readFileSync(join(folder, 'build/01-first.html'), 'utf8');
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a rendered notebook', () => {
  it('keeps its answers folded', () => {
    expect(page).toMatch(/<details><summary>Solution<\/summary>\s*<p>Because[^<]*\$a\^2[\s\S]*?<\/p>\s*<\/details>/);
  });

  it('folds a cell tagged "solution", code and output together', () => {
    const folded = /<details class="solution"><summary>Solution<\/summary>([\s\S]*?)<\/details>/.exec(page)?.[1] ?? '';
    expect(folded).toMatch(/half[\s\S]*384[\s\S]*✓ right/);
    expect(page.split('✓ right')).toHaveLength(2);
    expect(page.match(/<details class="solution">/g)).toHaveLength(1);
  });

  it('is dark where the reader has everything dark, and white on paper', () => {
    expect(page).toMatch(/<style media="screen and \(prefers-color-scheme: dark\)" type="text\/css">[^<]*--jp-layout-color0: #111/);
  });

  it('leads to the pages of other notebooks and to files of the checkout', () => {
    expect(page).toContain('href="02-next.html#Here"');
    expect(page).toContain('href="../data/README.md"');
    expect(page).not.toContain('.ipynb');
  });

  it('shows the drawings of the notebooks, with their descriptions', () => {
    expect(page).toContain('<img alt="Two boxes, one inside the other" src="../notebooks/drawings/boxes.svg"');
  });

  it('describes each figure by its own sentence', () => {
    expect(page).toContain(`<img alt='Bars of "a" &amp; b: 3 &lt; 4.' src=`);
  });

  it('carries the specification of a figure, and the scripts that draw it', () => {
    const text = /<script class="figure" type="application\/json">(.*?)<\/script>/.exec(page)?.[1] ?? '';
    const { $schema, ...rest } = bars;
    expect(JSON.parse(text)).toEqual(rest);
    for (const script of ['vega.js', 'vega-lite.js', 'figures.js']) {
      expect(page).toContain(`<script defer="" src="${script}">`);
      expect(existsSync(join(folder, 'build', script))).toBe(true);
    }
  });

  it('loads nothing from a network', () => {
    expect(page).not.toMatch(/(src|href)="https?:/);
    expect(page).toContain('<script defer="" src="mathjax.js">');
  });

  it('has the title of the notebook, and so has the index, with its time', () => {
    expect(page).toContain('<title>A first title</title>');
    const index = readFileSync(join(folder, 'build/index.html'), 'utf8');
    expect(index).toMatch(/<a href="01-first.html">A first title<\/a><br><small>3 minutes to read<\/small>/);
  });
});

describe('the outputs that are written back', () => {
  const cell = (metadata: object, text: string, name = 'stdout') =>
    JSON.stringify({
      cells: [{ cell_type: 'code', metadata, source: 'check(1, 2)', outputs: [{ output_type: 'stream', name, text }] }],
    });
  /** What `cleaned` and `check_outputs` make of each of the cells, in one run of Python. */
  const calls = (texts: readonly string[]): [string, string][] =>
    JSON.parse(
      python(
        `
import json, sys; import execute
def result(function, text):
    try: return json.dumps(function(json.loads(text)))
    except execute.NotebookError as error: return str(error)
print(json.dumps([[result(execute.cleaned, text), result(execute.check_outputs, text)] for text in json.loads(sys.argv[1])]))
`,
        JSON.stringify(texts),
      ),
    );

  it('fold solutions in JupyterLab, hold none that its own check refuses, and nothing on stderr but of a cell that is to fail', () => {
    const hidden = { source_hidden: true, outputs_hidden: true };
    const [right, plain, wrong, open, stub, warned, meant] = calls([
      cell({ tags: ['solution'] }, '✓ right'),
      cell({ jupyter: hidden }, '✓ right'),
      cell({ tags: ['solution'] }, '✗ 2 is too large'),
      cell({ tags: ['solution'] }, '… no answer yet'),
      cell({}, '… no answer yet'),
      cell({}, 'not fine', 'stderr'),
      cell({ tags: ['raises-exception'] }, 'meant', 'stderr'),
    ]);
    expect(JSON.parse(right?.[0] ?? '').cells[0].metadata).toEqual({ tags: ['solution'], jupyter: hidden });
    expect(JSON.parse(plain?.[0] ?? '').cells[0].metadata).toEqual({});
    expect(wrong?.[1]).toContain('its check says: ✗ 2 is too large');
    expect(open?.[1]).toContain('its check says: … no answer yet');
    expect(warned?.[1]).toBe('cell 1 wrote to stderr:\nnot fine');
    expect([right?.[1], stub?.[1], meant?.[1]]).toEqual(['null', 'null', 'null']);
  });
});

describe('the check of the pages', () => {
  it.each([
    ['an answer that lies open', '<details><summary>Solution</summary>\n</details><p>answer</p>', 'nothing folded'],
    ['a link to a notebook', '<a href="two.ipynb">next</a>', "a notebook's source: two.ipynb"],
    ['a dead link', '<a href="gone.html">next</a>', 'leads nowhere: gone.html'],
    ['a dead place on a page', '<a href="two.html#there">next</a>', 'not on the page: two.html#there'],
    ['a picture without words', '<img src="data:,">', 'no description'],
    ['a picture with empty words', '<img src="data:," alt="No description has been provided for this image">', 'no description'],
    ['a missing script', '<script src="gone.js"></script>', 'gone.js is not there'],
    ['a script of the network', '<script src="https://cdn.example/a.js"></script>', 'asks the network for https://cdn.example/a.js'],
    ['a style of the network', '<style>a { background: url(//cdn.example/a.png) }</style>', 'a style asks the network'],
    ['a script of a host', '<script>load("//cdn.example/a.js")</script>', 'a script asks the network'],
    ['a module of the network', '<script type="module">import a from "https://cdn.example/a.mjs"</script>', 'a script asks the network'],
    ['a font of the network', '<link rel="stylesheet" href="https://cdn.example/a.css">', 'asks the network'],
  ])('fails on %s', (_what, body, message) => {
    expect(faults(body)).toContain(message);
  });

  it('passes folded answers, links that lead somewhere, code that begins with a comment, and addresses that the reader may follow', () => {
    expect(
      faults(
        '<details><summary>Solution</summary><p>yes</p></details><a href="two.html#here">a</a><a href="file.txt">b</a>' +
          '<a href="https://arxiv.org">c</a><img alt="A line from 1 to 2." src="data:,"><script>run("// Solution")</script>',
      ),
    ).toBe('');
  });
});
