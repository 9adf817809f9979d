export { type StagedFile, stageFile, syncFolder, writeFileAtomic, writeTextAtomic } from './atomicFile';
export { BinaryFile, FileFormatError, isLfsPointer, LFS_REMEDY } from './binaryFile';
export { dequantize, type GgmlType } from './dequantize';
export { DTYPE_BYTES, type Dtype, toFloat32 } from './dtypes';
export { GgufFile, type GgufTensorInfo, readGguf } from './gguf';
export { GgufError, type GgufValue } from './ggufHeader';
export { isJsonObject, type JsonObject, readJsonFile } from './jsonFile';
export { fileFault, isFileFault, namesIn, pathKind } from './pathKind';
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
} from './safetensors';
export { SafetensorsError, type SafetensorsInfo } from './safetensorsHeader';
export { type GgufFieldToStore, type GgufTensorToStore, writeGguf } from './writeGguf';
