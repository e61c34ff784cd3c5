// Random numbers for kernels that need a few at a time and not a tensor of them.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

constexpr int64_t kUniformsBefore = 4;  // that `room` must hold beside the n

// Numbers [first, first + n) of those that philox_uniform gives for this key and offset; they are in `room`.
const float* philox_uniforms(uint64_t key, uint64_t offset, int64_t first, int64_t n, float* room);
const double* philox_uniforms(uint64_t key, uint64_t offset, int64_t first, int64_t n, double* room);

// Blocks `counter`, `counter` + 1, ... of a key, side by side: words[j][b] is word j of block b.
constexpr int64_t kPhiloxBlocks = 32;
void philox_blocks(uint64_t key, uint64_t counter, uint32_t (&words)[4][kPhiloxBlocks]);

}  // namespace dovetail::cpu
