// Draws each figure from its Vega-Lite specification, so that sliders move and marks tell their numbers. Without scripts its picture stays.
// These pages have plain vega, no bundler and no menus; the site has docs/site/figures.mjs.
for (const script of document.querySelectorAll('script.figure')) {
  const picture = script.parentElement.querySelector('img');
  const place = document.createElement('div');
  place.setAttribute('role', 'figure');
  place.setAttribute('aria-label', picture.alt);
  const runtime = vega.parse(vegaLite.compile(JSON.parse(script.textContent)).spec);
  new vega.View(runtime, { renderer: 'svg', container: place, hover: true }).runAsync().then(() => picture.replaceWith(place));
}
