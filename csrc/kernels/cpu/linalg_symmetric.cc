// Eigenvalues and eigenvectors of real symmetric matrices: to tridiagonal form, its eigenvectors, and back.
//
// OpenBLAS's syevd runs on one thread at 256 x 256 and takes twice as long there: a third of it goes to the secular
// equation, one term at a time. Complex matrices and small ones still go there.
#include "kernels/cpu/linalg_symmetric.h"

#include <cstring>
#include <limits>

#include "kernels/cpu/matrix.h"
#include "kernels/cpu/tridiagonal.h"

namespace dovetail::cpu {
namespace {

template <class T>
struct Pieces {
  Reduction<T> reduction;
  Divided<T> divided;
  T* values;
  T* scratch;
};

template <class T>
auto plan_for(int n, bool vectors) {
  return [=](Arena& arena) {
    Pieces<T> s{};
    s.reduction.n = n, s.reduction.keep = vectors;
    s.reduction.take(arena);
    s.values = arena.take<T>(n), s.scratch = arena.take<T>(n);
    if (vectors) {
      s.divided.n = n, s.divided.lead = (int64_t{n} + 15) / 16 * 16 + 16;
      s.divided.diagonal = s.reduction.diagonal, s.divided.beside = s.reduction.beside;
      s.divided.fresh = s.reduction.panels;
      s.divided.take(arena);
    }
    return s;
  };
}

// Both triangles from one, times `by`, in tiles of a panel's width.
template <class T>
void load_panels(dt_kernel_context* ctx, const Parts& from, int64_t part, bool upper, double by,
                 const Reduction<T>& to) {
  constexpr int64_t kLine = kPanel<T>;
  const int64_t n = to.n, row = from.stride(upper ? 1 : 0), col = from.stride(upper ? 0 : 1);
  const T* const data = from.data<const T>(part);
  parallel(ctx, to.panel_count(), std::max<int64_t>(1, kGrain / (n * kLine)), [&](int64_t begin, int64_t end) {
    for (int64_t q = begin; q < end; ++q) {
      const int64_t rows_end = std::min(n, (q + 1) * kLine);
      for (int64_t p = 0; p <= q; ++p) {
        for (int64_t i = q * kLine; i < rows_end; ++i) {
          const T* const line = data + i * row + p * kLine * col;
          T* const mirror = to.at(q, p * kLine) + i % kLine;
          T* const here = to.at(p, i);
          const int64_t most = std::min(kLine, i + 1 - p * kLine);
          for (int64_t j = 0; j < most; ++j)
            mirror[j * kLine] = here[j] = static_cast<T>(static_cast<double>(line[j * col]) * by);
        }
      }
      for (int64_t i = 0; i < n && rows_end == n; ++i)
        std::fill(to.at(q, i) + (n - q * kLine), to.at(q, i) + kLine, T(0));
    }
  });
}

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

// The largest magnitude of a triangle, as bits, whose order is that of the magnitudes; NaN's are the largest.
template <class T>
DOVETAIL_CLONES BitsOf<T> largest_in(const T* data, int64_t n, int64_t row, int64_t col) {
  BitsOf<T> largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T* const line = data + i * row;
    for (int64_t j = 0; j <= i; ++j) {
      BitsOf<T> bits;
      std::memcpy(&bits, line + (col == 1 ? j : j * col), sizeof bits);
      largest = std::max<BitsOf<T>>(largest, bits << 1 >> 1);
    }
  }
  return largest;
}

// Vectors as columns of the result, through panels of them.
template <class T>
void store_columns(const Parts& to, int64_t part, const T* vectors, int64_t lead, int64_t first, int64_t count,
                   T* panel) {
  constexpr int64_t kLine = kPanel<T>;
  const int64_t n = to.size(0), row = to.stride(0), col = to.stride(1);
  for (int64_t j = first; j < first + count; j += kLine) {
    const int64_t width = std::min(kLine, first + count - j);
    fill_panel(Matrix<const T>{vectors + j * lead, n, width, 1, lead}, 0, panel);
    T* const target = to.data<T>(part) + j * col;
    for (int64_t i = 0; i < n; ++i) {
      if (col == 1)
        std::memcpy(target + i * row, panel + i * kLine, sizeof(T) * width);
      else
        for (int64_t k = 0; k < width; ++k) target[i * row + k * col] = panel[i * kLine + k];
    }
  }
}

}  // namespace

template <class T>
dt_status symmetric_eigen(dt_kernel_context* ctx, const dt_array* outs, const dt_array& in, bool upper, bool vectors) {
  const Parts from(in, 2), values(outs[0], 1), to(outs[1], 2), infos(outs[2], 0);
  const int n = from.size(0);
  constexpr int64_t kChunk = Reduction<T>::kChunk;
  const auto body = [&](int64_t part, const Pieces<T>& s) {
    int32_t& info = *infos.data<int32_t>(part);
    info = 0;
    const BitsOf<T> bits =
        largest_in(from.data<const T>(part), n, from.stride(upper ? 1 : 0), from.stride(upper ? 0 : 1));
    T largest;
    std::memcpy(&largest, &bits, sizeof bits);
    if (!is_finite(largest)) {
      constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();
      info = kNotFinite;
      std::fill_n(s.values, n, kNaN);
      store_vector(values, part, s.values);
      if (vectors) store_each<T>(to, part, [&](int, int) { return kNaN; });
      return;
    }
    // To about 1, exactly: squares then neither overflow nor vanish.
    const int exponent = largest > 0 ? std::max(std::ilogb(largest), -1000) : 0;
    load_panels(ctx, from, part, upper, std::ldexp(1.0, -exponent), s.reduction);
    s.reduction.reduce(ctx);
    if (vectors) {
      s.reduction.collect(ctx);
      if (!s.divided.solve(ctx)) info = n;
      parallel(ctx, ceil_div(n, kChunk), std::max<int64_t>(1, kGrain / (int64_t{n} * n * kChunk / 8)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t row = begin * kChunk; row < std::min<int64_t>(end * kChunk, n); row += kChunk) {
                   const int64_t rows = std::min<int64_t>(kChunk, n - row), lead = s.divided.lead;
                   s.reduction.turn_back(s.divided.vectors + row * lead, lead, rows);
                   store_columns(to, part, s.divided.vectors, lead, row, rows, s.divided.panels + row * n);
                 }
               });
    } else {
      std::copy_n(s.reduction.diagonal, n, s.values);
      std::copy_n(s.reduction.beside, n - 1, s.scratch);
      info = sterf(n, s.values, s.scratch);
      std::copy_n(s.values, n, s.reduction.diagonal);
    }
    for (int i = 0; i < n; ++i) s.values[i] = static_cast<T>(std::ldexp(s.reduction.diagonal[i], exponent));
    store_vector(values, part, s.values);
  };
  return each_part(ctx, "linalg_heevd", from.count(), 4 * cube(n, n, n), plan_for<T>(n, vectors), body);
}

template dt_status symmetric_eigen<float>(dt_kernel_context*, const dt_array*, const dt_array&, bool, bool);
template dt_status symmetric_eigen<double>(dt_kernel_context*, const dt_array*, const dt_array&, bool, bool);

}  // namespace dovetail::cpu
