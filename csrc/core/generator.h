// Random numbers: Philox 4x32-10 addressed by (key, offset), so a result depends on neither device nor threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "dovetail/abi.h"

// A generator holds the key and the next free block of the counter. Drawing reserves blocks and is atomic; what is
// drawn is then a pure function of (key, offset).
struct dt_generator {
  std::atomic<int64_t> refs{1};
  std::mutex mutex;
  uint64_t key = 0;
  uint64_t offset = 0;  // in blocks of four 32-bit words
};

namespace dovetail {

using Generator = dt_generator;

Generator* default_generator();
uint64_t reserve(Generator* generator, uint64_t blocks);  // returns the first of the reserved blocks
void manual_seed(Generator* generator, uint64_t seed);    // key = seed, offset = 0
uint64_t seed_from_system(Generator* generator);
void set_state(Generator* generator, uint64_t key, uint64_t offset);
void release(Generator* generator) noexcept;

}  // namespace dovetail
