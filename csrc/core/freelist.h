// Per-thread free lists for the small objects that every op makes: a tensor and its storage.
#pragma once

#include <new>

namespace dovetail {

// Holds raw blocks; objects are constructed when taken and destroyed when given back. Not for sharing between threads,
// but a block may be given to another thread's list than it came from.
template <class T>
class FreeList {
 public:
  ~FreeList() {
    closed_ = true;
    while (head_) {
      Block* next = head_->next;
      ::operator delete(head_);
      head_ = next;
    }
  }

  T* take() {
    if (__builtin_expect(head_ == nullptr, 0)) return new (::operator new(size())) T;
    Block* block = head_;
    head_ = block->next;
    --count_;
    return new (block) T;  // not T(), which would clear what T leaves unset first
  }

  void give(T* object) noexcept {
    object->~T();
    if (__builtin_expect(closed_ || count_ >= kMost, 0)) {
      ::operator delete(static_cast<void*>(object));
      return;
    }
    Block* block = reinterpret_cast<Block*>(object);
    block->next = head_;
    head_ = block;
    ++count_;
  }

 private:
  struct Block {
    Block* next;
  };
  static constexpr size_t size() { return sizeof(T) > sizeof(Block) ? sizeof(T) : sizeof(Block); }
#ifdef DOVETAIL_EXACT_MEMORY
  static constexpr int kMost = 0;  // all go back to the heap, where a use after the end is seen
#else
  static constexpr int kMost = 4096;
#endif
  Block* head_ = nullptr;
  int count_ = 0;
  bool closed_ = false;  // the thread is ending: later objects go straight to the heap
};

template <class T>
FreeList<T>& thread_free_list() {
  __attribute__((tls_model("initial-exec"))) static thread_local FreeList<T> list;  // spares a call at each use
  return list;
}

}  // namespace dovetail
