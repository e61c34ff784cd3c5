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
// A block of up to so many bytes may stay with whoever would free it and soon ask again; the statistics are told.
#ifdef DOVETAIL_EXACT_MEMORY
constexpr size_t kKeptBytes = 0;
#else
constexpr size_t kKeptBytes = 64;
#endif
void cpu_note_reuse(size_t bytes) noexcept;
void cpu_note_keeping(size_t bytes) noexcept;
void cpu_memory_stats(dt_memory_stats* out, bool reset_peaks);
void cpu_empty_cache();

}  // namespace dovetail
