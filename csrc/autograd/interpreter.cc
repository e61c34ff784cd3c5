#include "autograd/interpreter.h"

#include <pthread.h>

#include <new>

namespace dovetail::autograd {

Interpreter interpreter;

namespace {

// Never destroyed, as threads may outlive the library's end. A forked child, in which no thread is left that could
// unlock them, gets new ones.
struct Locks {
  static constexpr int kLeaves = 64;
  std::recursive_mutex histories;
  std::recursive_mutex leaves[kLeaves];
};

Locks& locks() {
  alignas(Locks) static char memory[sizeof(Locks)];
  static Locks* const made = [] {
    Locks* fresh = new (memory) Locks();
    pthread_atfork(nullptr, nullptr, [] { new (memory) Locks(); });
    return fresh;
  }();
  return *made;
}

}  // namespace

std::recursive_mutex& shared_history() { return locks().histories; }

LeafLock::LeafLock(const void* leaf, bool large) {
  if (!large) return;
  std::recursive_mutex& mutex = locks().leaves[reinterpret_cast<uintptr_t>(leaf) / 64 % Locks::kLeaves];
  if (!mutex.try_lock()) {
    const Unlocked unlocked(true);  // its owner may need Python's lock to go on
    mutex.lock();
  }
  mutex_ = &mutex;
}

}  // namespace dovetail::autograd
