/**
 * The layers of a model: formulas, one layer per file.
 *
 * Shapes use one set of letters in the whole library and its docs:
 *
 * - B: batch, the number of rows. T: tokens of a row. N = B·T. S: positions that keys cover, T plus the cached or prefixed ones.
 * - C: model width. D: width of a head. F: width of the MLP. V: vocabulary size.
 * - H: query heads. K: key and value heads. P: prefix length.
 * - I: input features and O: output features of a linear layer. r: rank.
 *
 * Kernels are (I, O).
 */
export * from './addResidual';
export * from './attention/attention';
export * from './attention/mask';
export * from './attention/rotary';
export * from './attention/scaledDotProduct';
export * from './customGradient';
export * from './embedding';
export * from './linear';
export { crossEntropy, IGNORE_INDEX } from './loss/crossEntropy';
export { lmHeadLoss } from './loss/lmHeadLoss';
export * from './mlp';
export * from './module';
export type { ModuleKind } from './moduleKind';
export type { PackedWeight } from './packedWeight';
export * from './quantized';
export * from './rmsNorm';
export * from './swiglu';
export * from './tiedHead';
