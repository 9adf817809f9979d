#ifndef LOWRANK_KERNELS_H_
#define LOWRANK_KERNELS_H_

namespace tfnodejs {

// Each registers custom calls with XLA:CPU, once; returns false if XLA refuses.
bool RegisterRowProducts();
bool RegisterCrossEntropy();
bool RegisterSwiglu();
bool RegisterMaskedSoftmax();
bool RegisterRotary();

inline bool RegisterKernels() {
  return RegisterRowProducts() && RegisterCrossEntropy() && RegisterSwiglu() && RegisterMaskedSoftmax() && RegisterRotary();
}

}  // namespace tfnodejs

#endif  // LOWRANK_KERNELS_H_
