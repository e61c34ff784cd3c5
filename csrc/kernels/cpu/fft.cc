// fft_lines, fft_real_lines and fft_half_lines: Fourier transforms along one dim.
#include "kernels/cpu/fft.h"

#include <mutex>
#include <new>
#include <utility>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/loops.h"
#include "kernels/cpu/registry.h"

#define DOVETAIL_KERNELS_V4
#define DOVETAIL_KERNELS "kernels/cpu/fft.inc"
#include "kernels/cpu/foreach_isa.h"

namespace dovetail::cpu {

namespace {

// ---- lengths, which are kept ---------------------------------------------------------------------------------

template <class T>
std::shared_ptr<const FftLength<T>> length_of(int64_t n, bool real) {
  constexpr size_t kMost = 32;
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::pair<bool, std::shared_ptr<const FftLength<T>>>>;
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& [of_reals, length] : kept)
    if (length->n == n && of_reals == real) return length;
  if (kept.size() >= kMost) kept.clear();
  kept.emplace_back(real, std::make_shared<const FftLength<T>>(n, real, best_isa() == Isa::kBase));
  return kept.back().second;
}

// ---- one call ------------------------------------------------------------------------------------------------

template <class T>
struct Transform {
  dt_kernel_context* ctx;
  const FftLength<T>& length;
  const FftKernels<T>& kernels;
  FftLines in, out;                 // `line`: between neighbouring lines
  bool real, half, whole, forward;  // of reals, or of half their spectrum
  T scale;

  // The spectrum of 2n reals where the transform of the n complex numbers that they were taken for lies.
  void finish_real(T* to) const {
    parallel(ctx, length.n / 2 + 1, kGrain / 16, [&](int64_t begin, int64_t end) { finish_real(to, begin, end); });
  }
  void finish_real(T* to, int64_t begin, int64_t end) const {
    const int64_t n = length.n, point = out.point;
    for (int64_t k = begin; k < end; ++k) {
      T *a = to + k * point, *b = to + (n - k) * point;
      const T* other = k == 0 ? a : b;
      const T re = a[0], im = a[1], mirror_re = other[0], mirror_im = -other[1];
      const T even_re = (re + mirror_re) / 2, even_im = (im + mirror_im) / 2;
      const T odd_re = (im - mirror_im) / 2, odd_im = (mirror_re - re) / 2;
      double c, s;
      length.roots->at(k, c, s);
      const T wr = static_cast<T>(c), wi = static_cast<T>(s);
      const T turned_re = odd_re * wr - odd_im * wi, turned_im = odd_re * wi + odd_im * wr;
      a[0] = even_re + turned_re;
      a[1] = even_im + turned_im;
      b[0] = even_re - turned_re;
      b[1] = turned_im - even_im;
      if (!whole || k == 0) continue;
      T *a_mirror = to + (2 * n - k) * point, *b_mirror = to + (n + k) * point;
      a_mirror[0] = a[0], a_mirror[1] = -a[1];
      b_mirror[0] = b[0], b_mirror[1] = -b[1];
    }
  }

  // Numbers from one line of what a half spectrum's lines become to the next.
  int64_t folded() const { return 2 * length.n + 16; }
  // Half a spectrum becomes the line whose transform is reals; `to` has room for another one behind it.
  void fold(const T* from, T* to) const {
    if (in.point != 2) {
      T* const row = to + folded();
      for (int64_t k = 0; k <= length.n; ++k) row[2 * k] = from[k * in.point], row[2 * k + 1] = from[k * in.point + 1];
      from = row;
    }
    kernels.line_of_spectrum(length, from, from + in.line, to);
  }

  // One long line.
  bool run_long(const T* from, T* to) const {
    FftLines in = this->in;
    if (half) {
      T* const line = static_cast<T*>(ctx->workspace(ctx, 2 * folded() * sizeof(T)));
      if (!line) return false;
      fold(from, line);
      from = line;
      in = {2, 0, 1};
    }
    const int64_t wide = kernels.wide, across = ceil_div(length.columns, wide), down = ceil_div(length.rows, wide);
    const int64_t ranges = std::min<int64_t>(8, std::min(across, down)), middles = down * wide * length.columns;
    const int64_t each = 4 * wide * std::max(length.rows, length.columns);
    T* const space = static_cast<T*>(ctx->workspace(ctx, (2 * middles + ranges * each) * sizeof(T)));
    if (!space) return false;
    T* const middle[2] = {space, space + middles};
    T* const spaces = space + 2 * middles;
    parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        for (int64_t g = across * r / ranges; g < across * (r + 1) / ranges; ++g)
          kernels.columns_of(length, from, in.point, in.part, g * wide, forward, real || half, middle,
                             spaces + r * each);
    });
    parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r)
        for (int64_t g = down * r / ranges; g < down * (r + 1) / ranges; ++g)
          kernels.rows_of(length, middle, g * wide, to, out.point, out.part, forward, scale, spaces + r * each);
    });
    if (real) finish_real(to);
    return true;
  }

  // Lines of reals from half their spectra, `together` at a time, which `folds` has room for.
  void run_half(const T* from, T* to, int64_t count, int64_t together, T* space, T* folds) const {
    for (int64_t l = 0; l < count; ++l) {
      fold(from + l * in.line, folds + l % together * folded());
      if ((l + 1) % together == 0)
        kernels.whole_lines(length, folds, {2, folded(), 1}, to + (l + 1 - together) * out.line, out, together, false,
                            scale, space);
    }
  }

  bool run(const T* from, T* to, Walk<2> lines) const {
    int64_t step[2];
    const int64_t count = lines.pop(step), outer = lines.count();
    if (length.rows > 0) {
      lines.seek(0);
      for (int64_t r = 0; r < outer; ++r, lines.next())
        for (int64_t i = 0; i < count; ++i)
          if (!run_long(from + lines.offset[0] + i * step[0], to + lines.offset[1] + i * step[1])) return false;
      return true;
    }
    const int64_t wide = kernels.wide, groups = ceil_div(count, wide), units = outer * groups;
    const int64_t ranges = std::max<int64_t>(1, std::min<int64_t>({8, units, units * wide * length.n / kGrain}));
    const bool one = length.n >= 16 * wide && kernels.goes_across(length, half ? FftLines{2, 0, 1} : in, out, count);
    const int64_t own = (one ? 4 : (real ? 8 : 4) * wide) * (length.n + kFftApart);
    const int64_t each = own + (half ? (wide + 1) * folded() : 0);
    T* const spaces = static_cast<T*>(ctx->workspace(ctx, ranges * each * sizeof(T)));
    if (!spaces) return false;
    parallel(ctx, ranges, 1, [&](int64_t begin, int64_t end) {
      Walk<2> w = lines;
      for (int64_t r = begin; r < end; ++r)
        for (int64_t u = units * r / ranges; u < units * (r + 1) / ranges; ++u) {
          w.seek(u / groups);
          const int64_t first = u % groups * wide, some = std::min(wide, count - first);
          const T* a = from + w.offset[0] + first * step[0];
          T* b = to + w.offset[1] + first * step[1];
          T* const space = spaces + r * each;
          if (half)
            run_half(a, b, some, one ? 1 : some, space, space + own);
          else if (real)
            kernels.real_lines(length, a, in, b, out, some, whole, scale, space);
          else
            kernels.whole_lines(length, a, in, b, out, some, forward, scale, space);
        }
    });
    return true;
  }
};

// Of doubles none for v4, which would add a fifth to their size; and a few lines that don't go across lanes would leave
// most of its vectors empty.
template <class T>
const FftKernels<T>& best_kernels(int64_t n, int64_t lines) {
  if constexpr (sizeof(T) == 4)
    if (n % 16 == 0 || n > 4096 || lines > 8) return DOVETAIL_BEST_ISA_TO_V4(fft_kernels<T>)();
  return DOVETAIL_BEST_ISA(fft_kernels<T>)();
}

// Of a real tensor the flag among the attributes asks for the whole spectrum, of a complex one for the direction; half
// a spectrum has the result's size there.
template <class T>
dt_status fft_kernel(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                     const dt_value* args, int32_t) {
  const auto is_real = [](const dt_array& a) { return a.dtype == DT_FLOAT32 || a.dtype == DT_FLOAT64; };
  const dt_array &from = ins[0], &to = outs[0];
  const bool real = is_real(from), half = is_real(to);
  if (numel(to) == 0) return DT_OK;
  const int dim = static_cast<int>(args[1].as.i);
  const bool flag = args[2].as.i != 0;
  const int64_t item = real ? 1 : 2, to_item = half ? 1 : 2;  // of T in an element
  Walk<2> lines;
  for (int i = 0; i < from.ndim; ++i)
    if (i != dim) lines.add(from.sizes[i], {item * from.strides[i], to_item * to.strides[i]});
  const FftLines in{2 * from.strides[dim], lines.ndim ? lines.strides[0][lines.ndim - 1] : 0,
                    real ? from.strides[dim] : 1};
  const FftLines out{2 * to.strides[dim], lines.ndim ? lines.strides[1][lines.ndim - 1] : 0,
                     half ? to.strides[dim] : 1};
  const int64_t n = half ? to.sizes[dim] / 2 : from.sizes[dim] / (real ? 2 : 1);
  try {
    const auto length = length_of<T>(n, real || half);
    const FftKernels<T>& kernels = best_kernels<T>(n, numel(to) / to.sizes[dim]);
    const Transform<T> transform{ctx,
                                 *length,
                                 kernels,
                                 in,
                                 out,
                                 real,
                                 half,
                                 real && flag,
                                 real || (flag && !half),
                                 static_cast<T>(as_double(args[3]))};
    if (transform.run(static_cast<const T*>(from.data), static_cast<T*>(to.data), lines)) return DT_OK;
  } catch (const std::bad_alloc&) {
  }
  return out_of_memory(ctx, "fft");
}

}  // namespace

void register_fft(KernelTable& table) {
  table.add("fft_lines", DT_COMPLEX64, fft_kernel<float>);
  table.add("fft_lines", DT_COMPLEX128, fft_kernel<double>);
  table.add("fft_real_lines", DT_FLOAT32, fft_kernel<float>);
  table.add("fft_real_lines", DT_FLOAT64, fft_kernel<double>);
  table.add("fft_half_lines", DT_COMPLEX64, fft_kernel<float>);
  table.add("fft_half_lines", DT_COMPLEX128, fft_kernel<double>);
}

}  // namespace dovetail::cpu
