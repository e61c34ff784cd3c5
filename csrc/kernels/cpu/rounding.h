// Integers rounded up.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

inline int64_t ceil_div(int64_t n, int64_t by) { return (n + by - 1) / by; }
inline int64_t round_up(int64_t n, int64_t to) { return ceil_div(n, to) * to; }

// The largest part of n, none above `most`, when n is cut into equal parts.
inline int64_t equal_part(int64_t n, int64_t most) { return ceil_div(n, ceil_div(n, most)); }

}  // namespace dovetail::cpu
