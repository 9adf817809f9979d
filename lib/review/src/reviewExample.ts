/** One piece of code and what a reviewer said of it: the record that every data set here comes down to. */
export interface ReviewExample {
  /** Unique within its data set, and the same each time the data set is read. */
  readonly id: string;
  /** `diff` is code to be reviewed now. */
  readonly source: 'lint' | 'codereviewer' | 'tufano' | 'diff';
  /** Programming language in lower case, for example `javascript`; empty where the data set does not say. */
  readonly language: string;
  /** The change under review: one hunk of a unified diff, from its `@@` line on. */
  readonly patch?: string;
  /** Whether a reviewer had something to say, where the data set labels it. */
  readonly needsReview?: boolean;
  /** What the reviewer said. */
  readonly comment?: string;
  /** The code under review, without diff signs. */
  readonly code?: string;
  /** `code` with the part that the comment is about between `<START>` and `<END>` (Tufano). */
  readonly markedCode?: string;
  /** The code after the comment was followed. */
  readonly refinedCode?: string;
  /** Where the code of a lint review comes from. */
  readonly origin?: ReviewOrigin;
}

/** A line of an installed package. */
export interface ReviewOrigin {
  readonly package: string;
  readonly version: string;
  /** Path within the package, with `/`. */
  readonly file: string;
  /** First added line of the hunk, counted from 1. */
  readonly line: number;
  /** ESLint's name of the rule that was broken; absent for code without a finding. */
  readonly rule?: string;
}

/** A data set in its three parts; no package, file or hunk is in two of them. */
export interface ReviewSplits {
  readonly train: readonly ReviewExample[];
  readonly validation: readonly ReviewExample[];
  readonly test: readonly ReviewExample[];
}
