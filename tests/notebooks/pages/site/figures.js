// Draws each figure from its Vega-Lite specification, so that sliders move and marks tell their numbers. Without scripts its picture stays.
for (const script of document.querySelectorAll('script.figure')) {
  const picture = script.parentElement.querySelector('img');
  const place = document.createElement('div');
  place.setAttribute('role', 'figure');
  place.setAttribute('aria-label', picture.alt);
  const runtime = vega.parse(vegaLite.compile(JSON.parse(script.textContent)).spec);
  new vega.View(runtime, { renderer: 'svg', container: place, hover: true }).runAsync().then(() => picture.replaceWith(place));
}
