/** Brings the figures of a page to life: bundled into one classic script, since a page read from a disk may load no module. */
import './accessible.mjs';
import embed from 'vega-embed';

const options = { mode: 'vega-lite', renderer: 'svg', ast: false, actions: { export: true, source: true, compiled: false, editor: false } };

/** Replaces the picture of a figure, once the figure is drawn; without it, or without scripts, the picture stays. */
async function draw(figure) {
  const place = document.createElement('div');
  place.className = 'moving-figure';
  const picture = figure.querySelector('img');
  await embed(place, JSON.parse(figure.querySelector('script').textContent), options);
  picture.replaceWith(place);
  const drawn = place.querySelector('svg');
  drawn?.setAttribute('role', 'img');
  drawn?.setAttribute('aria-label', picture.alt);
  place.querySelector('summary')?.setAttribute('aria-label', 'Save the figure, or see its data');
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    draw(target);
  }
}, { rootMargin: '400px' });

for (const figure of document.querySelectorAll('figure.vega')) seen.observe(figure);
