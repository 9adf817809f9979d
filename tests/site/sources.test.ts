import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { expect, test } from 'vitest';

/** What a Python expression over the site's modules gives. */
function python(expression: string, input: unknown = null): unknown {
  const program = `import json, sys
sys.path.append('docs/site')
from citation import citation
from glossary import entries, with_glossary, with_places
from links import on_site
from numbered import formulas_of, misnumbered, with_numbers, with_references
from reference import with_links
from sources import caption, notebook_of, notebook_texts, prepared_cell, unbroken, unlisted, with_marks
given = json.load(sys.stdin)
print(json.dumps(${expression}))`;
  return JSON.parse(execFileSync('.venv/bin/python', ['-c', program], { input: JSON.stringify(input), encoding: 'utf8' }));
}

const prepared = (cell: object) => python("prepared_cell(given, 'notebooks/02-lora.ipynb', {})", cell);

test('a figure moves, stands as a picture until then, and has its sentence below; nothing in it ends the script early', () => {
  const data = {
    'application/vnd.vegalite.v5+json': { $schema: 'https://vega.github.io/schema/vega-lite/v5.json', title: 'a </script> b', mark: 'bar' },
    'image/svg+xml': ['<svg/>'],
    'image/png': 'iVBOR',
    'text/plain': 'Bars: "two" & three',
  };
  const cell = { id: 'c1', cell_type: 'code', metadata: {}, source: '', outputs: [{ output_type: 'display_data', metadata: {}, data }] };
  expect(prepared(cell)).toMatchObject({
    outputs: [
      {
        data: {
          'text/html':
            '<figure class="vega" id="figure-c1-0"><img alt="Bars: &quot;two&quot; &amp; three" src="data:image/svg+xml;base64,PHN2Zy8+">' +
            '<script type="application/json">{"title": "a <\\/script> b", "mark": "bar"}</script>' +
            '<figcaption>Bars: &quot;two&quot; &amp; three</figcaption></figure>',
        },
      },
    ],
  });
});

test('the citation is that of CITATION.cff, with a DOI as soon as there is one', () => {
  const own = python('citation(given)', fs.readFileSync('CITATION.cff', 'utf8'));
  expect(own).toMatch(
    /@software{lowrank,\n {2}author = {{The lowrank maintainers}},\n {2}title = {lowrank: LoRA and .*},\n {2}year = {20\d\d},/,
  );
  expect(own).toContain('no DOI');
  const other = python(
    'citation(given)',
    'authors: [{family-names: Ng, given-names: A.}, {name: Lab}]\ntitle: T\ndate-released: 2026-01-02\nversion: 1.0.0\ndoi: 10.1/x\n',
  );
  expect(other).toContain('author = {Ng, A. and {Lab}},\n  title = {T},\n  year = {2026},\n  version = {1.0.0},\n  doi = {10.1/x},\n}');
});

test('a long sentence has its numbers folded away, after what the figure is about', () => {
  const numbers = Array.from({ length: 40 }, (_, index) => `LoRA ${index} < 50`).join('; ');
  expect(python('caption(given)', `Scores (all methods). comment: ${numbers}.`)).toBe(
    `Scores (all methods). <details><summary>Its numbers</summary>comment: ${numbers.replaceAll('<', '&lt;')}.</details>`,
  );
  expect(python('caption(given)', numbers)).toBe(numbers.replaceAll('<', '&lt;'));
  expect(python('caption(given)', 'Scores (two methods). comment: LoRA 2; base 1.')).toBe('Scores (two methods). comment: LoRA 2; base 1.');
});

test('a solution is folded away under its name', () => {
  const cell = { cell_type: 'code', metadata: { tags: ['solution'] }, source: '1 + 1', outputs: [] };
  expect(prepared(cell)).toMatchObject({
    metadata: { tags: ['solution', 'hide-cell'], mystnb: { code_prompt_show: 'Solution', code_prompt_hide: 'Solution' } },
  });
});

test('the line between notebooks goes, since the page has one of its own; the text stays', () => {
  const source = '# 2. LoRA\n\n← [1. Why](01-why.ipynb) · next: [3. Prefix](03-prefix.ipynb) →\n\n**You will learn** it.';
  expect(prepared({ cell_type: 'markdown', metadata: {}, source })).toMatchObject({ source: '# 2. LoRA\n\n**You will learn** it.' });
});

test('links lead to where files are on the site; where the site has none, the words stay', () => {
  const files = { 'docs/a.md': 'docs/a.md', 'notebooks/02-lora.ipynb': '02-lora.ipynb', 'docs/layers.svg': 'docs/layers.svg' };
  const text =
    '[two](../notebooks/02-lora.ipynb#start) [code](../lib/x.ts) ![layers](layers.svg) [web](https://example.org) [here](#there)';
  expect(python("on_site(given['text'], 'docs/a.md', given['files'])", { files, text })).toBe(
    '[two](../02-lora.ipynb#start) code ![layers](layers.svg) [web](https://example.org) [here](#there)',
  );
});

test('a paper that is named leads to the list of references, which must have it', () => {
  const source = 'arXiv 2106.09685v2, [arXiv 2303.16199](https://arxiv.org/abs/2303.16199)';
  expect(prepared({ cell_type: 'markdown', metadata: {}, source })).toMatchObject({
    source: '<a href="references.html#arxiv-2106.09685">arXiv 2106.09685v2</a>, [arXiv 2303.16199](https://arxiv.org/abs/2303.16199)',
  });
  const references = fs.readFileSync('docs/site/pages/references.md', 'utf8');
  expect(python('unlisted(notebook_texts().values(), given)', references)).toEqual([]);
  expect(python('unlisted([given], \'- <a id="arxiv-2303.16199"></a>R. Zhang\')', source)).toEqual(['2106.09685']);
});

test('the numbers of the page to print follow from its formulas', () => {
  const page = fs.readFileSync('docs/site/pages/cheat-sheet.md', 'utf8');
  const [lora, prefix] = [32 * 2 * 16 * (4096 + 4096), 30 * (10 * 4096 + 1)];
  expect(page).toContain(
    `r = 16 on q and v, 32 layers: ${lora.toLocaleString('en')} | P = 10, 30 layers: ${prefix.toLocaleString('en')} |`,
  );
  expect(page).toContain(`| ${((2 * lora) / 1e6).toFixed(1)} MB | ${((2 * prefix) / 1e6).toFixed(1)} MB |`);
});

test('names of the library lead to their pages, once', () => {
  const code = (name: string) => `<code class="docutils literal notranslate"><span class="pre">${name}</span></code>`;
  const pages = { LoraLinear: 'reference/classes/lowrank.LoraLinear.html' };
  const body = `${code('LoraLinear')} ${code('other')} <a href="x">${code('LoraLinear')}</a>`;
  expect(python("with_links(given['body'], given['pages'], '../')", { body, pages })).toBe(
    `<a class="reference-page" href="../${pages.LoraLinear}">${code('LoraLinear')}</a> ${code('other')} <a href="x">${code('LoraLinear')}</a>`,
  );
});

test('the formulas of the notebooks have numbers, each in the order of its notebook', () => {
  expect(python('misnumbered(notebook_texts())')).toEqual([]);
  const texts = { '02-lora': '$$a \\tag{2.1}$$ and $$b$$', '12-errata': '$$c \\tag{1.1}$$' };
  expect(python('misnumbered(given)', texts)).toEqual([
    'notebooks/02-lora.ipynb: the formula b has no \\tag{2.2}',
    'notebooks/12-errata.ipynb: the formula c \\tag{1.1} has no \\tag{12.1}',
  ]);
  expect(python('formulas_of(given)', texts)).toEqual({ '2.1': '02-lora.html', '1.1': '12-errata.html' });
});

test('drawings and charts of a page are numbered figures, and a formula can be led to', () => {
  const drawing = '<p><img alt="A &gt; B" src="_images/lora-update.svg" /></p>';
  const chart = '<figure class="vega" id="figure-c1-0"><figcaption>Bars.</figcaption></figure>';
  const formula = '<div class="math notranslate nohighlight">\\[a \\tag{2.1}\\]</div>';
  expect(python('with_numbers(given, 2)', drawing + chart + formula)).toBe(
    '<figure class="drawing" id="figure-lora-update"><img alt="A &gt; B" src="_images/lora-update.svg" />' +
      '<figcaption><span class="caption-number">Figure 2.1.</span> A &gt; B.</figcaption></figure>' +
      '<figure class="vega" id="figure-c1-0"><figcaption><span class="caption-number">Figure 2.2.</span> Bars.</figcaption></figure>' +
      '<div class="math notranslate nohighlight" id="equation-2-1">\\[a \\tag{2.1}\\]</div>',
  );
});

test('an equation that is named by its number, and a figure above or below, are links; where there is none, the page is refused', () => {
  const figures = (kind: string, id: string) => `<figure class="${kind}" id="figure-${id}"></figure>`;
  const body = (text: string) => `${figures('drawing', 'a')}${figures('vega', 'b')}<p>${text}</p>${figures('vega', 'c')}`;
  const references = (text: string) => python("with_references(given, {'3.1': '03.html'})", body(text));
  const link = (target: string, words: string) => `<a class="to-number" href="${target}">${words}</a>`;
  expect(references('by equation 3.1')).toBe(body(`by ${link('03.html#equation-3-1', 'equation 3.1')}`));
  expect(references('the figure above')).toBe(body(link('#figure-b', 'the figure above')));
  expect(references('the drawing above')).toBe(body(link('#figure-a', 'the drawing above')));
  expect(references('The figure below')).toBe(body(link('#figure-c', 'The figure below')));
  expect(references('<code>equation 9.9</code>')).toBe(body('<code>equation 9.9</code>'));
  expect(() => references('by equation 9.9')).toThrow('no notebook has an equation 9.9');
  expect(() => references('the drawing below')).toThrow("nothing for 'the drawing below' to lead to");
});

test('the head of a table is not broken at the hyphen of a name with a number', () => {
  const table = (hyphen: string) => `<table><th scope="col">BLEU${hyphen}4, pre-trained</th><td>BLEU-4</td></table>`;
  expect(python('unbroken(given)', table('-'))).toBe(table('\u2011'));
});

test('the first use of a word of the glossary leads to it, in prose only; letters also in shapes', () => {
  const text =
    '| letter | is |\n|---|---|\n| P | vectors of a prefix |\n| I, O | widths |\n\n| word | means |\n|---|---|\n| merge | add an update |\n';
  const meanings = python('entries(given)', text);
  expect(meanings).toEqual({ P: 'vectors of a prefix', I: 'widths', O: 'widths', merge: 'add an update' });
  expect(python('with_places(given)', text)).toContain('| <span id="symbol-I"></span><span id="symbol-O"></span>I, O | widths |');
  expect(python('with_places(given)', text)).toContain('| <span id="word-merge"></span>merge | add an update |');
  const link = (id: string, title: string, shown: string) => `<a class="glossary" href="00-start.html#${id}" title="${title}">${shown}</a>`;
  const body = (...[merged, P, I]: string[]) =>
    `<h2>Merge</h2><p>It is ${merged}, then merged, with P(yes). I have ${P} vectors.</p><span class="c1">// (${I}, 4), (I, 4)</span>`;
  expect(python("with_glossary(given['body'], given['meanings'])", { body: body('merged', 'P', 'I'), meanings })).toBe(
    body(
      link('word-merge', 'merge: add an update', 'merged'),
      link('symbol-P', 'P: vectors of a prefix', 'P'),
      link('symbol-I', 'I: widths', 'I'),
    ),
  );
});

test('a text becomes a notebook: its blocks of TypeScript are cells, and each section begins one', () => {
  const text = '# A\n\nwords\n\n## B\n\nmore\n\n```ts\nconst a = 1;\n\nconst b = 2;\n```\n\n```python\nc = 3\n```\n';
  const { cells } = python('notebook_of(given)', text) as { cells: { cell_type: string; source: string }[] };
  expect(cells.map(({ cell_type, source }) => [cell_type, source])).toEqual([
    ['markdown', '# A\n\nwords'],
    ['markdown', '## B\n\nmore'],
    ['code', 'const a = 1;\n\nconst b = 2;'],
    ['markdown', '```python\nc = 3\n```'],
  ]);
});

test('a page that runs its cells has their sources, what keeps one from running, and nothing that ends the script early', () => {
  const code = (source: string, tags: string[] = []) => ({ cell_type: 'code', metadata: { tags }, source, outputs: [] });
  const cells = [{ cell_type: 'markdown', metadata: {}, source: '# A' }, code("'</script>'"), code('// A comment\nmodel;', ['solution'])];
  const marks = [null, { isLive: true }, { isLive: false, needs: 'SmolLM2' }];
  const [title, intro, ...rest] = python("with_marks(given['cells'], given['marks'])", { cells, marks }) as typeof cells;
  expect(title?.source).toBe('# A');
  const [, listed = ''] = /<script type="application\/json" id="live-cells">(.*)<\/script>/.exec(intro?.source ?? '') ?? [];
  expect(listed).not.toContain('</');
  expect(listed).not.toContain('"//');
  expect(JSON.parse(listed)).toEqual([
    { code: 1, source: "'</script>'", isSolution: false },
    { code: 2, source: '// A comment\nmodel;', isSolution: true, needs: 'SmolLM2' },
  ]);
  expect(rest.map(({ metadata }) => metadata)).toEqual([{ tags: ['code-1'] }, { tags: ['solution', 'code-2'] }]);
});
