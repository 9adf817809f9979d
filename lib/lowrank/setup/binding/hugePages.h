#ifndef LOWRANK_HUGE_PAGES_H_
#define LOWRANK_HUGE_PAGES_H_

namespace tfnodejs {

// Asks the system to keep TensorFlow's memory in large pages: weights are read from end to end for every token, and the processor
// then looks up fewer addresses, on x86 a five-hundredth. TensorFlow tells of its memory only where an allocator of its own, for regions
// that it keeps, stands between it and malloc; on x86 it has one anyway. Before the first context is made; once in a process.
void UseHugePages();

}  // namespace tfnodejs

#endif  // LOWRANK_HUGE_PAGES_H_
