/** The three code review tasks of LLaMA-Reviewer: data, prompts, scores and the reviewer. */

export { type DataCard, type DataCardOptions, dataCard, type TableRow } from './dataCard';
export type { DiffHunk } from './diff/diffHunk';
export { type DiffOptions, diffHunks, hunkExample } from './diff/diffHunks';
export { diffTextLines } from './diff/diffText';
export { type HunkReview, type ReviewDiffOptions, reviewDiff, type TaskModels } from './diff/reviewDiff';
export { drawExamples } from './drawExamples';
export type { BasePlan, CellPlan, RunPlan, TrialPlan } from './experiment/cellPlan';
export { type ExampleCounts, type ExperimentConfig, type ExperimentMethod, readExperimentConfig } from './experiment/experimentConfig';
export type {
  ExperimentDifference,
  ExperimentEnvironment,
  ExperimentMetric,
  ExperimentResults,
  ExperimentRow,
  ExperimentRun,
  ExperimentSweep,
  NotRun,
} from './experiment/experimentResults';
export type { PlainTexts } from './experiment/plainTexts';
export type { ExperimentOutcome, ExperimentWork } from './experiment/plannedExperiment';
export { runExperiment } from './experiment/runExperiment';
export { type FineTuneData, type FineTuneOptions, type FineTuneResult, fineTune } from './fineTune';
export { type LintProgress, type LintReviewOptions, lintReviews } from './lintReviews/lintReviews';
export { type Prediction, type PredictOptions, predictReviews } from './predictReviews';
export { isExampleOf, type PromptOptions, type ReviewPrompt, type ReviewTask, reviewPrompt } from './prompts';
export { type LoadReviewDataOptions, loadReviewData } from './readers/loadReviewData';
export type { ProblemOptions, ReadProblem } from './readers/malformedRecords';
export { type ReadReviewsOptions, readReviews } from './readers/readReviews';
export type { ReviewExample, ReviewOrigin, ReviewSplits } from './reviewExample';
export type { ReviewerModel, ReviewerTokenizer } from './reviewerModel';
export { type BinaryScores, binaryScores, type ThresholdScores, thresholdCurve } from './scores/binaryScores';
export { type BleuOptions, bleu4 } from './scores/bleu4';
export { type BootstrapOptions, bootstrapInterval, type ConfidenceInterval } from './scores/bootstrapInterval';
export { exactMatch } from './scores/exactMatch';
export { perplexity } from './scores/perplexity';
export {
  bestThreshold,
  type LanguageScore,
  type ReviewMetric,
  type ReviewScore,
  scoreReviews,
  scoreReviewsByLanguage,
} from './scores/scoreReviews';
export { type YesProbabilityOptions, yesProbability } from './yesProbability';
