#ifndef LOWRANK_HUGE_PAGES_H_
#define LOWRANK_HUGE_PAGES_H_

namespace tfnodejs {

// Asks the system to keep TensorFlow's memory in large pages. Every token reads all weights, and the processor then looks up fewer
// addresses: on x86, one in five hundred. TensorFlow reports its memory only if it has an allocator of its own in front of malloc, as on
// x86. Call it once per process, before the first context is created.
void UseHugePages();

}  // namespace tfnodejs

#endif  // LOWRANK_HUGE_PAGES_H_
