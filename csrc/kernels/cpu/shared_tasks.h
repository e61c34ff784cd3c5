// Tasks that threads take as they come to them, each thread with scratch memory of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "kernels/cpu/gemm.h"

namespace dovetail::cpu {

// Hands out the numbers below `count` in runs of neighbours, which get shorter as less is left: however fast the takers
// are, they end together.
class TaskQueue {
 public:
  TaskQueue(int64_t count, int64_t takers) : count_(count), takers_(takers) {}
  bool take(int64_t& begin, int64_t& end) {
    begin = next_.load(std::memory_order_relaxed);
    do {
      if (begin >= count_) return false;
      end = begin + std::max<int64_t>(1, (count_ - begin) / (2 * takers_));
    } while (!next_.compare_exchange_weak(begin, end, std::memory_order_relaxed));
    return true;
  }

 private:
  std::atomic<int64_t> next_{0};
  const int64_t count_, takers_;
};

// Runs tasks [0, tasks) on the context's threads, at most `slots` of them. worker(slot) makes what a thread calls with
// the number of a task; no two threads have the same slot. A task's results must not depend on the slot. `grain`: slots
// that are worth a thread.
template <typename F>
void parallel_tasks(dt_kernel_context* ctx, int64_t tasks, int64_t slots, int64_t grain, const F& worker) {
  TaskQueue queue(tasks, slots);
  parallel(ctx, slots, grain, [&](int64_t slot, int64_t slots_end) {
    // The first of several ends after one run: by how long that took, the pool wakes threads that sleep.
    const bool first = slot == 0 && slots_end < slots;
    int64_t begin, end;
    if (!queue.take(begin, end)) return;
    auto run = worker(slot);
    do {
      for (; begin < end; ++begin) run(begin);
    } while (!first && queue.take(begin, end));
  });
}

}  // namespace dovetail::cpu
