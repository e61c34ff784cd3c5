// Memory: the caching CPU allocator, and the table of backends by which every device's memory is reached.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dovetail/abi.h"

namespace dovetail {

// The CPU's caching allocator. Small blocks come from thread-local lists of size classes, large ones from a
// shared cache in which a block is reused for any request that fills most of it; blocks of 2 MB and more are
// mapped on huge pages. All blocks are 64-byte aligned. Throws std::bad_alloc.
void* cpu_alloc(size_t bytes);
void cpu_free(void* data, size_t bytes) noexcept;
void cpu_memory_stats(dt_memory_stats* out, bool reset_peaks);
void cpu_empty_cache();

}  // namespace dovetail
