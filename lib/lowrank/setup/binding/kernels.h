#ifndef LOWRANK_KERNELS_H_
#define LOWRANK_KERNELS_H_

namespace tfnodejs {

// Each tells XLA's programs for the CPU of kernels by their names, once; gives whether they know them.
bool RegisterRowProducts();
bool RegisterCrossEntropy();
bool RegisterSwiglu();
bool RegisterRmsNorm();
bool RegisterMaskedSoftmax();
bool RegisterRotary();
bool RegisterSum();

inline bool RegisterKernels() {
  return RegisterRowProducts() && RegisterCrossEntropy() && RegisterSwiglu() && RegisterRmsNorm() && RegisterMaskedSoftmax() &&
         RegisterRotary() && RegisterSum();
}

}  // namespace tfnodejs

#endif  // LOWRANK_KERNELS_H_
