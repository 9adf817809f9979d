/** Detects text in which a model repeats itself. */

const copies = 3;
const shortestUnit = 8; // characters; shorter passages repeat in any code
const longestText = 6000;

/** Whether one passage, at least three times in a row, fills at least half of a text. Quadratic; reads at most 6,000 characters. */
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
