/** What a word of the glossary means, beside its first use: under the pointer, at the focus, and on a touch screen at the first tap. */

const hasPointer = window.matchMedia('(hover: hover)').matches;

function showMeaning(word) {
  const tooltip = new window.bootstrap.Tooltip(word, { trigger: hasPointer ? 'hover focus' : 'manual', delay: { show: 150, hide: 0 } });
  word.addEventListener('keydown', ({ key }) => key === 'Escape' && tooltip.hide());
  if (hasPointer) return;
  let isShown = false;
  document.addEventListener('click', (event) => {
    const isHere = word.contains(event.target);
    if (isHere && isShown) return; // the second tap follows the link
    if (isHere) event.preventDefault();
    isHere ? tooltip.show() : tooltip.hide();
    isShown = isHere;
  });
}

// The theme's scripts come last; without them, the title of the link says it to a pointer.
window.addEventListener('load', () => {
  if (window.bootstrap) for (const word of document.querySelectorAll('a.glossary[title]')) showMeaning(word);
});
