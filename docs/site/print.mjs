/** Paper is light: a page that is read in the dark is printed with dark letters. */

const { dataset } = document.documentElement;
let theme;

window.addEventListener('beforeprint', () => {
  theme = dataset.theme;
  dataset.theme = 'light';
});
window.addEventListener('afterprint', () => {
  if (theme !== undefined) dataset.theme = theme;
});
