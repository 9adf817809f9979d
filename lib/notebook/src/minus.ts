/** A number's text with a true minus sign in place of the hyphen before it. */
export function withMinus(number: string): string {
  return number.replace(/^-/, '−');
}
