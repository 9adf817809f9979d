/** What is wrong with an open page of the site. */

/** How many pixels a page scrolls sideways on a phone. */
export async function phoneFaults(page) {
  await page.setViewportSize({ width: 390, height: 844 });
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return overflow > 0 ? [`scrolls ${overflow} px sideways at 390 px`] : [];
}

/** Looks at each figure, since figures are drawn where they are seen, and waits for the formulas: what does not come to life then. */
export async function drawingFaults(page) {
  const figures = page.locator('figure.vega');
  for (let index = 0; index < (await figures.count()); index++) {
    const figure = figures.nth(index);
    await figure.scrollIntoViewIfNeeded();
    await figure
      .locator('.moving-figure svg')
      .first()
      .waitFor({ timeout: 30_000 })
      .catch(() => {});
  }
  const isTypeset = () => document.querySelectorAll('.math:not(:has(mjx-container))').length === 0;
  await page.waitForFunction(isTypeset, undefined, { timeout: 30_000 }).catch(() => {});
  return page.evaluate(() => [
    ...[...document.querySelectorAll('figure.vega > img')].map(() => 'a figure does not move'),
    ...[...document.querySelectorAll('figure.vega')]
      .filter((figure) => (figure.querySelector('figcaption')?.textContent ?? '').length < 20)
      .map(() => 'a figure has no sentence'),
    ...[...document.querySelectorAll('.math:not(:has(mjx-container)), mjx-merror, [data-mml-node="merror"]')].map(
      ({ textContent }) => `not typeset: ${textContent.slice(0, 60)}`,
    ),
  ]);
}

/** Sliders and lists that change nothing in their figure. */
export async function controlFaults(page) {
  const noted = [];
  for (const control of await page.locator('.vega-bind :is(input[type=range], select)').all()) {
    const drawing = () => control.evaluate((own) => own.closest('.moving-figure').querySelector('svg').innerHTML);
    const before = await drawing();
    await control.evaluate((own) => {
      const all = own.matches('select') ? Array.from(own.options, ({ value }) => value) : [own.min, own.max];
      own.value = all.find((value) => value !== own.value) ?? own.value;
      for (const kind of ['input', 'change']) own.dispatchEvent(new Event(kind, { bubbles: true }));
    });
    await page.waitForTimeout(200);
    if ((await drawing()) === before)
      noted.push(`a control moves nothing: ${await control.evaluate((own) => own.closest('.vega-bind').textContent)}`);
  }
  return noted;
}

/** What axe, given as its source, finds in one of the two themes. */
export async function accessFaults(page, axe, theme) {
  await page.evaluate((own) => Object.assign(document.documentElement.dataset, { theme: own, mode: own }), theme);
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const rules = theme === 'dark' ? { runOnly: ['color-contrast'] } : {}; // nothing else differs
  // What is one picture to a reader is one to the check: the insides of figures and formulas have thousands of nodes.
  const found = await page.evaluate(
    (own) => window.axe.run({ exclude: ['.moving-figure svg', 'mjx-container'] }, { resultTypes: ['violations'], preload: false, ...own }),
    rules,
  );
  return found.violations.map(({ id, help, nodes }) => {
    return `axe, ${theme}: ${id} (${help}), ${nodes.length} times, first ${nodes[0].html.replace(/\s+/g, ' ').slice(0, 120)}`;
  });
}

/** Outputs that stay bright in the dark theme, which is on. */
export async function brightFaults(page) {
  const bright = await page.locator('div.cell_output .text_html').evaluateAll((all) => {
    return all.filter((each) => getComputedStyle(each).backgroundColor !== 'rgba(0, 0, 0, 0)').length;
  });
  return bright > 0 ? [`${bright} outputs have a background of their own in the dark`] : [];
}
