/** TensorFlow's number of each type (`tensorflow/core/framework/types.proto`), and the bytes that one value takes. */
const TYPES = {
  float32: { number: 1, bytes: 4 },
  int32: { number: 3, bytes: 4 },
  uint8: { number: 4, bytes: 1 },
  int8: { number: 6, bytes: 1 },
  bool: { number: 10, bytes: 1 },
  bfloat16: { number: 14, bytes: 2 },
  float16: { number: 19, bytes: 2 },
} as const;

/** A type of TensorFlow's that this library uses; tfjs has a name for float32, int32 and bool alone. */
export type TypeName = keyof typeof TYPES;

export function typeNumber(type: TypeName): number {
  return TYPES[type].number;
}

/** The name of the type with this number; undefined for one that this library does not use, such as a resource. */
export function typeName(number: number): TypeName | undefined {
  return NAMES.get(number);
}

/** The bytes of a value of the type with this number; a type that is not listed counts as four. */
export function typeBytes(number: number): number {
  const name = typeName(number);
  return name ? TYPES[name].bytes : 4;
}

const NAMES: ReadonlyMap<number, TypeName> = new Map(Object.entries(TYPES).map(([name, { number }]) => [number, name as TypeName]));
