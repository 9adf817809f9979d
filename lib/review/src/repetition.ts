/** Text in which a model that has lost its thread says the same again and again. */

const copies = 3;
const shortestUnit = 8; // characters; less repeats in any code
const longestText = 6000;

/** Whether one passage, three times or more in a row, makes up at least half of a text. Quadratic in its length, of which 6,000 count. */
export function isRepetitive(text: string): boolean {
  const words = text.trim().replace(/\s+/g, ' ').slice(0, longestText);
  for (let unit = shortestUnit; unit * copies <= words.length; unit++) {
    let run = 0;
    for (let i = unit; i < words.length; i++) {
      run = words[i] === words[i - unit] ? run + 1 : 0;
      if (run >= (copies - 1) * unit && 2 * (run + unit) >= words.length) return true;
    }
  }
  return false;
}
