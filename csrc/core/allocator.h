// Memory: the caching CPU allocator, and the table of backends by which every device's memory is reached.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dovetail/abi.h"

namespace dovetail {

// The CPU's caching allocator. Small blocks come from thread-local lists of size classes, large ones from shared runs
// of pages; blocks of 3 MB and more are on huge pages as a rule. All blocks are 64-byte aligned. Throws
// std::bad_alloc.
void* cpu_alloc(size_t bytes);
void cpu_free(void* data, size_t bytes) noexcept;
void cpu_memory_stats(dt_memory_stats* out, bool reset_peaks);
void cpu_empty_cache();

}  // namespace dovetail
