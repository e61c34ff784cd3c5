// Random numbers for kernels that need a few at a time and not a tensor of them.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

constexpr int64_t kUniformsBefore = 4;  // that `room` must hold beside the n

// Numbers [first, first + n) of those that philox_uniform gives for this key and offset; they are in `room`.
const float* philox_uniforms(uint64_t key, uint64_t offset, int64_t first, int64_t n, float* room);
const double* philox_uniforms(uint64_t key, uint64_t offset, int64_t first, int64_t n, double* room);

}  // namespace dovetail::cpu
