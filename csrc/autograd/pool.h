// Memory for the small objects that every recorded op makes (a node, a tensor's slot): free lists by size, per thread.
#pragma once

#include <cstddef>

namespace dovetail::autograd {

// Sizes up to kLargestPooled come from lists of 64-byte classes, others from the heap. A block may be given back on
// another thread than it was taken on.
constexpr size_t kLargestPooled = 1024;
void* pool_take(size_t bytes);  // throws std::bad_alloc
void pool_give(void* block, size_t bytes) noexcept;

}  // namespace dovetail::autograd
