/** Brings the figures and the cells of a page to life: bundled into one classic script, since a page read from a disk may load no module. */
import './accessible.mjs';
import './meanings.mjs';
import './print.mjs';
import embed from 'vega-embed';
import { addButtons } from './live/buttons.ts';
import { narrowed } from './narrow.mjs';

const options = { mode: 'vega-lite', renderer: 'svg', ast: false, actions: { export: true, source: true, compiled: false, editor: false } };

/** Draws a figure in its place, with its sentence for those who do not see it. */
async function draw(place, spec, sentence) {
  place.className = 'moving-figure';
  await embed(place, matchMedia('(max-width: 48rem)').matches ? narrowed(spec) : spec, options);
  const drawn = place.querySelector('svg');
  drawn?.setAttribute('role', 'img');
  drawn?.setAttribute('aria-label', sentence);
  place.querySelector('summary')?.setAttribute('aria-label', 'Save the figure, or see its data');
}

/** Replaces the picture of a figure, once the figure is drawn; without it, or without scripts, the picture stays. */
async function bringToLife(figure) {
  const place = document.createElement('div');
  const picture = figure.querySelector('img');
  await draw(place, JSON.parse(figure.querySelector('script').textContent), picture.alt);
  picture.replaceWith(place);
}

let read; // the mark whose numbers a tap has shown

/** A finger cannot point: a tap shows the numbers of a mark, and a tap elsewhere hides them. */
document.addEventListener('click', ({ target, clientX, clientY }) => {
  if (!matchMedia('(hover: none)').matches) return;
  const at = { bubbles: true, clientX, clientY };
  read?.dispatchEvent(new PointerEvent('pointerout', at));
  read = target.closest?.('.moving-figure svg') ? target : undefined;
  read?.dispatchEvent(new PointerEvent('pointermove', at));
});

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    bringToLife(target);
  }
}, { rootMargin: '400px' });

for (const figure of document.querySelectorAll('figure.vega')) seen.observe(figure);
addButtons(draw);
