/** Where a text lies in DejaVu Sans, the widest of the usual sans-serif fonts: what fits there fits in any other. */
import type { Text } from './shapes';

/** Advance widths of DejaVu Sans by thousandths of an em, and of its bold. */
const REGULAR: Readonly<Record<number, string>> = {
  227: '′',
  278: 'ijl',
  295: 'IJ',
  318: ' ,.·',
  337: '/:;|',
  352: 'f',
  361: '-',
  390: '()[]',
  392: 't',
  401: '!₀₁₂',
  411: 'r',
  417: 'ᵥ',
  428: 'ₚ',
  460: '"\'',
  500: '*_–',
  521: 's',
  525: 'z',
  531: '?',
  550: 'c',
  557: 'L',
  575: 'F',
  579: 'k',
  592: 'vxy',
  603: 'P',
  615: 'TYoae',
  634: 'EΣhnuσ',
  635: 'Sbdgpq',
  638: '$0123456789√β',
  656: 'K',
  659: 'α',
  685: 'AVΔXZ',
  686: 'B',
  697: 'RC',
  732: 'U',
  748: 'N',
  752: 'H',
  770: 'D',
  775: 'G',
  787: 'OQ',
  818: 'w',
  838: '+<=>×→←↓↑−≤≥≈',
  863: 'M',
  950: '%',
  974: 'm',
  989: 'W',
};
const BOLD: Readonly<Record<number, string>> = {
  264: '′',
  343: 'ijl',
  348: ' ',
  365: '/|',
  372: 'IJ',
  380: ',.·',
  400: ':;',
  415: '-',
  435: 'f',
  438: '₀₁₂',
  457: '()[]!',
  478: 'tₚ',
  493: 'r',
  501: '–ᵥ',
  521: '"\'',
  580: '?',
  582: 'z',
  595: 'cs',
  637: 'L',
  645: 'x',
  652: 'vy',
  665: 'k',
  678: 'ae',
  683: 'TEFΣ',
  687: 'oα',
  696: '$0123456789',
  712: 'hnu',
  716: 'bdgpqβ',
  720: 'S',
  725: 'YZ',
  734: 'PC',
  762: 'B',
  771: 'RX',
  774: 'AVΔK',
  779: 'σ',
  812: 'U',
  821: 'G',
  830: 'D',
  838: 'HN+<=>×→−≤≥≈',
  850: 'OQ',
  924: 'w',
  995: 'M',
  1002: '%',
  1042: 'm',
  1103: 'W',
};
/** A character that is in no list is taken to be as wide as the widest. */
const UNKNOWN = 1.1;
const MONO = 0.602;

function byCharacter(widths: Readonly<Record<number, string>>): ReadonlyMap<string, number> {
  return new Map(Object.entries(widths).flatMap(([em, all]) => Array.from(all, (character) => [character, Number(em) / 1000] as const)));
}
const REGULAR_WIDTHS = byCharacter(REGULAR);
const BOLD_WIDTHS = byCharacter(BOLD);

/** The width of one line of text in pixels. */
export function textWidth({ content, size, isBold, isMono }: Pick<Text, 'content' | 'size' | 'isBold' | 'isMono'>): number {
  const widths = isBold ? BOLD_WIDTHS : REGULAR_WIDTHS;
  const ems = Array.from(content, (character) => (isMono ? MONO : (widths.get(character) ?? UNKNOWN)));
  return size * ems.reduce((sum, em) => sum + em, 0);
}

/** What a drawing's text fills, from the top of its capitals to its tails. */
export interface Extent {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The rectangle that a text fills. */
export function textExtent(text: Text): Extent {
  const width = textWidth(text);
  const left = text.x - { start: 0, middle: width / 2, end: width }[text.anchor];
  return { left, right: left + width, top: text.y - 0.76 * text.size, bottom: text.y + 0.24 * text.size };
}
