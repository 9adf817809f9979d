/** A piece of code and its review. Every data set here is read into this record. */
export interface ReviewExample {
  /** Unique within its data set, and stable across readings. */
  readonly id: string;
  /** `diff` marks code to be reviewed now. */
  readonly source: 'lint' | 'codereviewer' | 'tufano' | 'instructions' | 'diff';
  /** Programming language in lower case, for example `javascript`; empty where the data set does not say. */
  readonly language: string;
  /** The change under review: one hunk of a unified diff, starting at its `@@` line. */
  readonly patch?: string;
  /** Whether a reviewer commented on it, if the data set labels this. */
  readonly needsReview?: boolean;
  /** The reviewer's comment. */
  readonly comment?: string;
  /** The code under review, without diff signs. */
  readonly code?: string;
  /** `code` with the commented part between `<START>` and `<END>` (Tufano). */
  readonly markedCode?: string;
  /** The code after the author followed the comment. */
  readonly refinedCode?: string;
  /** The source of the code in a lint review. */
  readonly origin?: ReviewOrigin;
}

/** A line in an installed package. */
export interface ReviewOrigin {
  readonly package: string;
  readonly version: string;
  /** Path within the package, with `/`. */
  readonly file: string;
  /** First added line of the hunk, counted from 1. */
  readonly line: number;
  /** ESLint's name of the broken rule; absent for code without a finding. */
  readonly rule?: string;
}

/** A data set in three parts. No package, file or hunk is in two of them. */
export interface ReviewSplits {
  readonly train: readonly ReviewExample[];
  readonly validation: readonly ReviewExample[];
  readonly test: readonly ReviewExample[];
}
