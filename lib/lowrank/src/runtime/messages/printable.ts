/** Makes text from files, models and other people safe for a terminal. */

/** The longest message that is shown: more of a hostile file's text helps nobody. */
const MOST_CHARACTERS = 2000;

/** Control and format characters, which could move a terminal's cursor, colour it or hide text; line ends stay. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text with tabs as blanks, and U+FFFD in place of characters that must not be printed. */
export function printable(text: string): string {
  return text.replaceAll('\t', '    ').replace(UNPRINTABLE, (character) => (character === '\n' ? '\n' : '\uFFFD'));
}

/** A message for a terminal: {@link printable}, cut after 2,000 characters. */
export function printableMessage(message: string): string {
  const text = printable(message.slice(0, MOST_CHARACTERS));
  return message.length > MOST_CHARACTERS || text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}

/** A value as JSON for a terminal: the same value, with escapes for characters that must not be printed. */
export function printableJson(value: unknown): string {
  const escaped = (character: string) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
  return JSON.stringify(value, null, 2).replace(UNPRINTABLE, (character) => (character === '\n' ? '\n' : escaped(character)));
}
