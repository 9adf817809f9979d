#ifndef LOWRANK_PROCESSOR_H_
#define LOWRANK_PROCESSOR_H_

namespace tfnodejs {

// Whether the processor has all instructions that the AVX2 kernels are compiled for.
inline bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return has;
}

// The same for the AVX-512 kernels.
inline bool HasAvx512() {
  static const bool has = HasAvx2() && __builtin_cpu_supports("avx512f");
  return has;
}

}  // namespace tfnodejs

#endif  // LOWRANK_PROCESSOR_H_
