// What the linear algebra kernels share: the matrices of a batch, and running LAPACK or loops of our own on each of
// them.
//
// LAPACK wants column-major matrices and overwrites them: every matrix is copied into scratch memory, and its results
// are copied out. Threads share the matrices of a batch, and what our own loops cut a matrix into; LAPACK has one for a
// matrix. What is cut depends on shapes alone, so the number of threads changes no bit.
#pragma once

#include <climits>
#include <cmath>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/lapack.h"
#include "kernels/cpu/registry.h"

namespace dovetail::cpu {

// The parts of an array that are made of its last `inner` dims; those before them count the parts.
struct Parts {
  const dt_array& array;
  int outer;

  Parts(const dt_array& array, int inner) : array(array), outer(array.ndim - inner) {}
  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < outer; ++i) n *= array.sizes[i];
    return n;
  }
  int64_t offset(int64_t part) const {
    int64_t at = 0;
    for (int i = outer - 1; i >= 0; --i) {
      at += part % array.sizes[i] * array.strides[i];
      part /= array.sizes[i];
    }
    return at;
  }
  template <class T>
  T* data(int64_t part) const {
    return static_cast<T*>(array.data) + offset(part);
  }
  int size(int dim) const { return static_cast<int>(array.sizes[outer + dim]); }
  int64_t stride(int dim) const { return array.strides[outer + dim]; }
};

// ---- numbers ------------------------------------------------------------------------------------------------

inline float conjugate(float x) { return x; }
inline double conjugate(double x) { return x; }
template <class T>
Complex<T> conjugate(Complex<T> x) {
  return {x.re, -x.im};
}
inline float real_of(float x) { return x; }
inline double real_of(double x) { return x; }
template <class T>
T real_of(Complex<T> x) {
  return x.re;
}
inline bool is_finite(float x) { return std::isfinite(x); }
inline bool is_finite(double x) { return std::isfinite(x); }
template <class T>
bool is_finite(Complex<T> x) {
  return std::isfinite(x.re) && std::isfinite(x.im);
}

// ---- copies between strided and column-major matrices ---------------------------------------------------------

constexpr int kCopyTile = 32;  // both sides of a transposition stay in cache

template <class Visit>
void by_tiles(int rows, int cols, const Visit& visit) {
  for (int j0 = 0; j0 < cols; j0 += kCopyTile)
    for (int i0 = 0; i0 < rows; i0 += kCopyTile)
      for (int j = j0; j < std::min(cols, j0 + kCopyTile); ++j)
        for (int i = i0; i < std::min(rows, i0 + kCopyTile); ++i) visit(i, j);
}

// Part `part` of a batch of matrices into column-major memory.
template <class T>
void load(const Parts& from, int64_t part, T* to, int64_t lead) {
  const T* data = from.data<const T>(part);
  const int64_t row = from.stride(0), col = from.stride(1);
  by_tiles(from.size(0), from.size(1), [&](int i, int j) { to[i + j * lead] = data[i * row + j * col]; });
}
// And out of it; `value(i, j)` says what stands there.
template <class T, class Value>
void store_each(const Parts& to, int64_t part, const Value& value) {
  T* data = to.data<T>(part);
  const int64_t row = to.stride(0), col = to.stride(1);
  by_tiles(to.size(0), to.size(1), [&](int i, int j) { data[i * row + j * col] = value(i, j); });
}
template <class T>
void store(const Parts& to, int64_t part, const T* from, int64_t lead) {
  store_each<T>(to, part, [&](int i, int j) { return from[i + j * lead]; });
}
template <class T>
void load_vector(const Parts& from, int64_t part, T* to) {
  const T* data = from.data<const T>(part);
  for (int i = 0; i < from.size(0); ++i) to[i] = data[i * from.stride(0)];
}
template <class T>
void store_vector(const Parts& to, int64_t part, const T* from) {
  T* data = to.data<T>(part);
  for (int i = 0; i < to.size(0); ++i) data[i * to.stride(0)] = from[i];
}
template <class T>
bool all_finite(const T* x, int64_t n) {
  bool finite = true;
  for (int64_t i = 0; i < n; ++i) finite &= is_finite(x[i]);
  return finite;
}

// ---- running --------------------------------------------------------------------------------------------------

// Scratch memory, handed out piece by piece. Without memory it only counts.
class Arena {
 public:
  Arena() = default;
  explicit Arena(char* memory) : memory_(memory) {}
  template <class T>
  T* take(int64_t n) {
    const double bytes = static_cast<double>(std::max<int64_t>(n, 1)) * sizeof(T);
    too_large_ |= bytes + static_cast<double>(used_) > 1e15;
    if (too_large_) return nullptr;
    T* piece = memory_ ? reinterpret_cast<T*>(memory_ + used_) : nullptr;
    used_ += (static_cast<int64_t>(bytes) + 63) / 64 * 64;
    return piece;
  }
  int64_t used() const { return used_; }
  bool too_large() const { return too_large_; }

 private:
  char* memory_ = nullptr;
  int64_t used_ = 0;
  bool too_large_ = false;
};

// The answer of a LAPACK routine that was asked how much scratch it wants; rounded up, as floats count coarsely.
template <class T>
int scratch_size(T answer) {
  const double wanted = std::ceil(static_cast<double>(real_of(answer)) * (1 + 1e-6));
  return wanted < INT_MAX ? std::max(1, static_cast<int>(wanted)) : INT_MAX;
}

// LAPACK counts in 32 bits.
inline bool fits_lapack(const dt_array& a, int inner) {
  for (int i = a.ndim - inner; i < a.ndim; ++i)
    if (a.sizes[i] > INT_MAX / 2) return false;
  return true;
}

// `plan(arena)` takes a matrix's scratch memory and returns a struct of it; `body(part, scratch)` does one matrix.
// `work` is about how many multiplications one matrix takes.
template <class Plan, class Body>
dt_status each_part(dt_kernel_context* ctx, const char* op, int64_t count, double work, const Plan& plan,
                    const Body& body) {
  if (count == 0) return DT_OK;
  Arena measured;
  plan(measured);
  if (measured.too_large()) return out_of_memory(ctx, op);
  // Ranges of matrices, cut by shape; each has scratch memory of its own.
  constexpr int64_t kMostRanges = 64, kMostBytes = int64_t{1} << 28;
  const double worth = static_cast<double>(count) * work / kGrain;
  int64_t ranges = std::min<int64_t>(count, std::max<int64_t>(1, worth < kMostRanges ? int64_t(worth) : kMostRanges));
  ranges = std::max(std::min<int64_t>(ranges, 4), std::min(ranges, kMostBytes / std::max<int64_t>(1, measured.used())));
  char* memory = static_cast<char*>(ctx->workspace(ctx, static_cast<size_t>(ranges * measured.used())));
  if (!memory) return out_of_memory(ctx, op);
  parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      Arena arena(memory + r * measured.used());
      const auto scratch = plan(arena);
      for (int64_t part = count * r / ranges; part < count * (r + 1) / ranges; ++part) body(part, scratch);
    }
  });
  return DT_OK;
}

// A routine's verdict on one matrix: 0 is well, a positive one is the routine's own; kNotFinite was not even tried.
constexpr int kNotFinite = -1;

inline double cube(double a, double b, double c) { return a * b * c; }

template <class Add>
void for_lapack_types(const Add& add) {
  add(float{}, DT_FLOAT32);
  add(double{}, DT_FLOAT64);
  add(Complex<float>{}, DT_COMPLEX64);
  add(Complex<double>{}, DT_COMPLEX128);
}

inline dt_status too_large(dt_kernel_context* ctx, const char* op) {
  char text[128];
  std::snprintf(text, sizeof text, "%s: the matrices are larger than LAPACK can count (2^30 rows or columns)", op);
  return ctx->fail(ctx, DT_ERR_VALUE, text);
}

}  // namespace dovetail::cpu
