/** Brings the figures and the cells of a page to life: bundled into one classic script, since a page read from a disk may load no module. */
import './accessible.mjs';
import './meanings.mjs';
import './print.mjs';
import embed from 'vega-embed';
import { addButtons } from './live/buttons.ts';
import { narrowed, widestPlot } from './narrow.mjs';

const options = { mode: 'vega-lite', renderer: 'svg', ast: false, actions: { export: true, source: true, compiled: false, editor: false } };

/** Draws a figure in its place, with its sentence for those who do not see it; `box` is what the page has in this place now. */
async function draw(place, spec, sentence, box = place) {
  place.className = 'moving-figure';
  if (matchMedia('(max-width: 48rem)').matches) await drawNarrow(place, spec, roomOf(box));
  else await embed(place, spec, options);
  const drawn = place.querySelector('svg');
  drawn?.setAttribute('role', 'img');
  drawn?.setAttribute('aria-label', sentence);
  place.querySelector('summary')?.setAttribute('aria-label', 'Save the figure, or see its data');
}

/** The width of the box around a place that would scroll, in pixels. */
function roomOf(place) {
  if (!place.parentElement) return Infinity;
  return /auto|scroll/.test(getComputedStyle(place).overflowX) ? place.clientWidth : roomOf(place.parentElement);
}

/** Draws a figure as narrow as its room: what stands beside the plots is known only when it is drawn. */
async function drawNarrow(place, spec, room) {
  let most = Infinity;
  for (let tries = 1; ; tries++) {
    const shown = narrowed(spec, most);
    const { finalize } = await embed(place, shown, options);
    const excess = Math.ceil(Number(place.querySelector('svg').getAttribute('width')) - room);
    if (excess <= 0 || tries === 4) return;
    most = Math.min(most, widestPlot(shown)) - excess;
    finalize();
  }
}

/** Replaces the picture of a figure, once the figure is drawn; without it, or without scripts, the picture stays. */
async function bringToLife(figure) {
  const place = document.createElement('div');
  const picture = figure.querySelector('img');
  await draw(place, JSON.parse(figure.querySelector('script').textContent), picture.alt, figure);
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
