/** Derives merges from the token scores that SentencePiece stores instead. */

/**
 * All pairs of tokens that form another token, best score first, as transformers derives them (`generate_merges`).
 *
 * On equal scores, the shorter left part comes last, then the shorter right part, then vocabulary order.
 */
export function mergesFromScores(tokens: readonly string[], scores: readonly number[]): [left: string, right: string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: Merge[] = [];
  for (const [token, id] of ids) {
    const characters = Array.from(token);
    const ways: Merge[] = [];
    for (let cut = 1; cut < characters.length; cut++) {
      const left = characters.slice(0, cut).join('');
      const right = characters.slice(cut).join('');
      const [leftId, rightId] = [ids.get(left), ids.get(right)];
      if (leftId === undefined || rightId === undefined) continue;
      ways.push({ left, right, leftId, rightId, score: scores[id] ?? 0, leftLength: cut, rightLength: characters.length - cut });
    }
    merges.push(...ways.sort((a, b) => a.leftId - b.leftId || a.rightId - b.rightId));
  }
  merges.sort((a, b) => b.score - a.score || b.leftLength - a.leftLength || b.rightLength - a.rightLength);
  return merges.map(({ left, right }) => [left, right]);
}

interface Merge {
  readonly left: string;
  readonly right: string;
  readonly leftId: number;
  readonly rightId: number;
  readonly score: number;
  /** In characters. */
  readonly leftLength: number;
  readonly rightLength: number;
}
