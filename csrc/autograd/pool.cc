#include "autograd/pool.h"

#include <new>

namespace dovetail::autograd {

namespace {

constexpr size_t kStep = 64;
constexpr int kMostKept = 4096;  // of one class, so that freeing a huge graph gives its memory back

struct Block {
  Block* next;
};

struct Lists {
  Block* heads[kLargestPooled / kStep];
  int counts[kLargestPooled / kStep];
  bool closed;  // the thread is ending: later blocks go straight to the heap
};
// Plain data, and in the thread's static block, so that reaching it costs nothing.
thread_local Lists lists __attribute__((tls_model("initial-exec"))) = {};

// Gives the lists back when the thread ends. Touched only where a block comes from the heap.
struct Cleaner {
  void touch() {}
  ~Cleaner() {
    lists.closed = true;
    for (Block*& head : lists.heads) {
      while (head) {
        Block* next = head->next;
        ::operator delete(head);
        head = next;
      }
    }
  }
};
thread_local Cleaner cleaner;

void* from_heap(size_t bytes) {
  cleaner.touch();
  return ::operator new(bytes);
}

constexpr size_t class_of(size_t bytes) { return (bytes - 1) / kStep; }

}  // namespace

void* pool_take(size_t bytes) {
  if (bytes > kLargestPooled) return ::operator new(bytes);
  Lists& mine = lists;
  const size_t k = class_of(bytes);
  Block* block = mine.heads[k];
  if (__builtin_expect(!block, 0)) return from_heap((k + 1) * kStep);
  mine.heads[k] = block->next;
  --mine.counts[k];
  return block;
}

void pool_give(void* memory, size_t bytes) noexcept {
  if (bytes > kLargestPooled) return ::operator delete(memory);
  Lists& mine = lists;
  const size_t k = class_of(bytes);
  if (mine.closed || mine.counts[k] >= kMostKept) return ::operator delete(memory);
  Block* block = static_cast<Block*>(memory);
  block->next = mine.heads[k];
  mine.heads[k] = block;
  ++mine.counts[k];
}

}  // namespace dovetail::autograd
