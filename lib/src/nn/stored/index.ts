export { Bfloat16Weight } from './bfloat16Weight';
export { castModel, isLinearLayer, type LinearLayer, quantizeModel } from './convertModel';
export { type GgufBlockType, GgufWeight, isGgufBlockType } from './ggufWeight';
export { Int8Weight } from './int8Weight';
export { type Nf4Parts, Nf4Weight } from './nf4Weight';
export { StoredEmbedding } from './storedEmbedding';
export { packWeight, type QuantizedFormat } from './storedFormats';
export { StoredLinear } from './storedLinear';
export { rowsOf, StoredRows, StoredWeight, type WeightRows } from './storedWeight';
