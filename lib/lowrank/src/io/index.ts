export { type StagedFile, stageFile, syncFolder, writeFileAtomic, writeTextAtomic } from './atomicFile';
export { BinaryFile, isLfsPointer, LFS_REMEDY } from './binaryFile';
export { type Dtype, toFloat32 } from './dtypes';
export { dequantize, type GgmlType } from './gguf/dequantize';
export { GgufError, type GgufValue } from './gguf/ggufHeader';
export { GgufFile, type GgufTensorInfo, readGguf } from './gguf/readGguf';
export { type GgufFieldToStore, type GgufTensorToStore, writeGguf } from './gguf/writeGguf';
export { isJsonObject, type JsonObject, readJsonFile } from './jsonFile';
export { fileFault, isCode, makeFolder, namesIn, pathKind } from './pathKind';
export {
  byteLength,
  type NamedTensorToStore,
  readSafetensors,
  SafetensorsFile,
  type SafetensorsOptions,
  type StoredTensor,
  stageSafetensors,
  type TensorToStore,
  writeSafetensors,
} from './safetensors/safetensors';
export { SafetensorsError, type SafetensorsInfo } from './safetensors/safetensorsHeader';
