#ifndef LOWRANK_HUGE_PAGES_H_
#define LOWRANK_HUGE_PAGES_H_

namespace tfnodejs {

// Asks the system to keep TensorFlow's memory in large pages: weights are read from end to end for every token, and the processor
// then looks up 512 times fewer addresses. Before the first context is made; does nothing the second time.
void UseHugePages();

}  // namespace tfnodejs

#endif  // LOWRANK_HUGE_PAGES_H_
