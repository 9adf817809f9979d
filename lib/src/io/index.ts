export { writeFileAtomic, writeTextAtomic } from './atomicFile';
export { FileFormatError } from './binaryFile';
export { DTYPE_BYTES, type Dtype } from './dtypes';
export { readSafetensors, SafetensorsFile, type StoredTensor, type TensorToStore, writeSafetensors } from './safetensors';
export { SafetensorsError, type SafetensorsInfo } from './safetensorsHeader';
