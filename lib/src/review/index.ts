export { type BinaryScores, binaryScores, type ThresholdScores, thresholdCurve } from './binaryScores';
export { type BleuOptions, bleu4, sentenceBleu4 } from './bleu4';
export { type BootstrapOptions, bootstrapInterval, type Interval } from './bootstrapInterval';
export { type EncodedExample, type EncodeOptions, encodeExample, encodePrompt, type PromptTokenizer } from './encodeExample';
export { exactMatch } from './exactMatch';
export { type LintProgress, type LintReviewOptions, lintReviews } from './lint/lintReviews';
export { perplexity } from './perplexity';
export { type Prompt, type PromptOptions, type ReviewTask, reviewPrompt } from './prompts';
export type { ReviewExample, ReviewOrigin, ReviewSplits } from './reviewExample';
