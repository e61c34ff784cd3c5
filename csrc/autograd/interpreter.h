// Python's lock. The engine runs under it, and lets go of it where a kernel works long enough for another thread to use
// the time; what tensors share without it has locks of its own.
//
// Who waits for one of these locks does not hold Python's, or knows that their owner will not wait for Python's.
#pragma once

#include <mutex>
#include <string>

#include "dovetail/abi.hpp"

namespace dovetail::autograd {

// What the engine asks of Python. The bindings fill it; without them there is no lock to let go, and no lines are
// known.
struct Interpreter {
  void* (*let_go)() = nullptr;  // null if this thread does not hold the lock
  void (*take)(void* state) = nullptr;
  // A number for the line of the user's program that this thread is at. It takes some nanoseconds.
  uint64_t (*place)() = nullptr;
  // Sentences for an error, or nothing: where a tensor was written when its version was this, where one was saved.
  std::string (*where_written)(const dt::Tensor& t, int64_t version) = nullptr;
  std::string (*where_saved)(uint64_t place) = nullptr;
};
extern Interpreter interpreter;

// Below this many elements a kernel is over before another thread could use Python's lock.
constexpr int64_t kLargeWork = 65536;

// Without Python's lock for a scope, where that is worth it.
class Unlocked {
 public:
  explicit Unlocked(bool worth) : state_(worth && interpreter.let_go ? interpreter.let_go() : nullptr) {}
  ~Unlocked() {
    if (state_) interpreter.take(state_);
  }
  Unlocked(const Unlocked&) = delete;

 private:
  void* state_;
};

// For what a thread without Python's lock changes of a tensor that others may see: its slot is made, its node as a
// leaf, or its history is another. Nothing that can wait for Python's lock happens in its scope.
std::recursive_mutex& shared_history();
using HistoryLock = std::lock_guard<std::recursive_mutex>;

// For adding to a leaf's .grad, which reads, computes and writes: one thread at a time. Large gradients are added
// without Python's lock, so these need one of their own; the others have Python's.
class LeafLock {
 public:
  LeafLock(const void* leaf, bool large);
  ~LeafLock() {
    if (mutex_) mutex_->unlock();
  }
  LeafLock(const LeafLock&) = delete;

 private:
  std::recursive_mutex* mutex_ = nullptr;
};

}  // namespace dovetail::autograd
