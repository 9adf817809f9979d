/** Repairs what the theme leaves out for readers with a screen reader or speech control. */

const sidebar = document.querySelector('#pst-primary-sidebar');
sidebar?.setAttribute('role', 'region');
sidebar?.setAttribute('aria-label', 'The course');

// A button is called as it is labelled.
for (const button of document.querySelectorAll('button[aria-label], a[aria-label], summary[aria-label]')) {
  const shown = button.textContent.trim().toLowerCase();
  if (shown !== '' && !button.getAttribute('aria-label').toLowerCase().includes(shown)) button.removeAttribute('aria-label');
}

// What opens a part of the sidebar has an arrow and no word.
for (const summary of document.querySelectorAll('summary:not([aria-label])')) {
  if (summary.textContent.trim() === '') summary.setAttribute('aria-label', 'Pages below');
}
