// cumsum, cumprod and logcumsumexp. Running totals of float32 and complex64 are kept in double.
#include <cmath>
#include <limits>

#include "kernels/cpu/index_common.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/sixteen.h"

namespace dovetail::cpu {

void register_scan_extreme(KernelTable& table);  // scan_extreme.cc

namespace {

// Integers wrap around, which only unsigned arithmetic may do.
template <class T>
using Running = std::conditional_t<std::is_same_v<T, float>, double,
                                   std::conditional_t<std::is_same_v<T, Complex<float>>, Complex<double>,
                                                      std::conditional_t<std::is_integral_v<T>, uint64_t, T>>>;

struct Add {
  template <class T>
  using State = Running<T>;
  template <class A>
  static A identity() {
    return 0;
  }
  template <class A>
  static A apply(A a, A b) {
    return a + b;
  }
};

struct Multiply {
  template <class T>
  using State = Running<T>;
  template <class A>
  static A identity() {
    return 1;
  }
  template <class A>
  static A apply(A a, A b) {
    return a * b;
  }
};

// The sum of exponentials as that of the largest exponent times the rest, which is at least 1.
struct LogSum {
  double largest, rest;
  LogSum() = default;
  LogSum(double largest, double rest = 1) : largest(largest), rest(rest) {}
  template <class T>
  explicit operator T() const {
    return static_cast<T>(largest + std::log(rest));
  }
};

struct AddExponentials {
  template <class T>
  using State = LogSum;
  template <class A>
  static A identity() {
    return {-std::numeric_limits<double>::infinity(), 0};
  }
  static LogSum apply(LogSum a, LogSum b) {
    if (a.largest == b.largest) return {a.largest, a.rest + b.rest};  // infinities would differ by NaN
    if (b.largest > a.largest) return {b.largest, a.rest * std::exp(a.largest - b.largest) + b.rest};
    return {a.largest, a.rest + b.rest * std::exp(b.largest - a.largest)};  // or one is NaN
  }
};

template <class T, class Op>
using Total = typename Op::template State<T>;

constexpr int64_t kPiece = 16384;  // a long line is cut into pieces of this many elements
constexpr int kWays = 4;           // lines that run at once, to hide the latency of the additions (see run_ways)

template <class T, class Op>
DOVETAIL_INLINE Total<T, Op> widen(T x) {
  return static_cast<Total<T, Op>>(x);
}

template <class T, class Op>
void run_line(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t n, Total<T, Op> total) {
  for (int64_t i = 0; i < n; ++i) {
    total = Op::apply(total, widen<T, Op>(in[i * in_stride]));
    out[i * out_stride] = static_cast<T>(total);
  }
}

// The total of a piece: in 8 lanes, always.
template <class T, class Op>
DOVETAIL_CLONES Total<T, Op> piece_total(const T* in, int64_t stride, int64_t n) {
  Total<T, Op> lane[8];
  for (int l = 0; l < 8; ++l) lane[l] = Op::template identity<Total<T, Op>>();
  int64_t i = 0;
  if (stride == 1) {
    for (; i + 8 <= n; i += 8)
      for (int l = 0; l < 8; ++l) lane[l] = Op::apply(lane[l], widen<T, Op>(in[i + l]));
  } else {
    for (; i + 8 <= n; i += 8)
      for (int l = 0; l < 8; ++l) lane[l] = Op::apply(lane[l], widen<T, Op>(in[(i + l) * stride]));
  }
  for (; i < n; ++i) lane[0] = Op::apply(lane[0], widen<T, Op>(in[i * stride]));
  for (int width = 4; width >= 1; width /= 2)
    for (int l = 0; l < width; ++l) lane[l] = Op::apply(lane[l], lane[l + width]);
  return lane[0];
}

// kWays lines (or pieces of one) of equal length at once, each from its own starting total.
template <class T, class Op>
void run_ways(const T* const* in, int64_t in_stride, T* const* out, int64_t out_stride, int64_t n,
              const Total<T, Op>* starts) {
  const T *in0 = in[0], *in1 = in[1], *in2 = in[2], *in3 = in[3];
  T *out0 = out[0], *out1 = out[1], *out2 = out[2], *out3 = out[3];
  Total<T, Op> a = starts[0], b = starts[1], c = starts[2], d = starts[3];
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = i * in_stride, to = i * out_stride;
    out0[to] = static_cast<T>(a = Op::apply(a, widen<T, Op>(in0[from])));
    out1[to] = static_cast<T>(b = Op::apply(b, widen<T, Op>(in1[from])));
    out2[to] = static_cast<T>(c = Op::apply(c, widen<T, Op>(in2[from])));
    out3[to] = static_cast<T>(d = Op::apply(d, widen<T, Op>(in3[from])));
  }
}

// A long line: totals of the pieces first, then every piece from where the ones before it end.
template <class T, class Op>
void long_line(dt_kernel_context* ctx, const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t n,
               Total<T, Op>* starts) {
  const int64_t pieces = ceil_div(n, kPiece);
  parallel(ctx, pieces, 2, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      starts[p] = piece_total<T, Op>(in + p * kPiece * in_stride, in_stride, std::min(kPiece, n - p * kPiece));
  });
  Total<T, Op> total = Op::template identity<Total<T, Op>>();
  for (int64_t p = 0; p < pieces; ++p) {
    const Total<T, Op> next = Op::apply(total, starts[p]);
    starts[p] = total;
    total = next;
  }
  parallel(ctx, ceil_div(pieces, kWays), 1, [&](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const int64_t first = g * kWays * kPiece;
      if (first + kWays * kPiece <= n) {
        const T* from[kWays];
        T* to[kWays];
        for (int w = 0; w < kWays; ++w) {
          from[w] = in + (first + w * kPiece) * in_stride;
          to[w] = out + (first + w * kPiece) * out_stride;
        }
        run_ways<T, Op>(from, in_stride, to, out_stride, kPiece, starts + g * kWays);
        continue;
      }
      for (int64_t p = g * kWays; p < pieces; ++p)
        run_line<T, Op>(in + p * kPiece * in_stride, in_stride, out + p * kPiece * out_stride, out_stride,
                        std::min(kPiece, n - p * kPiece), starts[p]);
    }
  });
}

// Neighbouring columns run side by side.
template <class T, class Op>
DOVETAIL_CLONES void run_columns(const T* in, int64_t in_stride, T* out, int64_t out_stride, int64_t rows,
                                 int64_t columns) {
  constexpr int kLanes = 32;
  for (int64_t c = 0; c < columns; c += kLanes) {
    Total<T, Op> total[kLanes];
    for (int l = 0; l < kLanes; ++l) total[l] = Op::template identity<Total<T, Op>>();
    const int width = static_cast<int>(std::min<int64_t>(kLanes, columns - c));
    for (int64_t r = 0; r < rows; ++r) {
      const T* from = in + r * in_stride + c;
      T* to = out + r * out_stride + c;
      if (width == kLanes) {
        for (int l = 0; l < kLanes; ++l) {
          total[l] = Op::apply(total[l], widen<T, Op>(from[l]));
          to[l] = static_cast<T>(total[l]);
        }
      } else {
        for (int l = 0; l < width; ++l) {
          total[l] = Op::apply(total[l], widen<T, Op>(from[l]));
          to[l] = static_cast<T>(total[l]);
        }
      }
    }
  }
}

template <class T, class Op>
dt_status scan(dt_kernel_context* ctx, const char* op, const dt_array& to, const dt_array& from, int dim) {
  const T* in = static_cast<const T*>(from.data);
  T* out = static_cast<T*>(to.data);
  if (from.ndim == 0) {
    *out = *in;
    return DT_OK;
  }
  if (numel(from) == 0) return DT_OK;
  Walk<2> lines;
  for (int i = 0; i < from.ndim; ++i)
    if (i != dim) lines.add(from.sizes[i], {from.strides[i], to.strides[i]});
  const int64_t n = from.sizes[dim], in_stride = from.strides[dim], out_stride = to.strides[dim];
  const int64_t count = lines.count();
  if (n > 2 * kPiece && count < 8) {
    Scratch<Total<T, Op>> starts(ctx, ceil_div(n, kPiece));
    if (!starts) return out_of_memory(ctx, op);
    lines.seek(0);
    for (int64_t k = 0; k < count; ++k, lines.next())
      long_line<T, Op>(ctx, in + lines.offset[0], in_stride, out + lines.offset[1], out_stride, n, starts.get());
    return DT_OK;
  }
  const int last = lines.ndim - 1;
  if (last >= 0 && lines.sizes[last] >= 4 && lines.strides[0][last] == 1 && lines.strides[1][last] == 1) {
    int64_t step[2];
    const int64_t width = lines.pop(step), strips = ceil_div(width, 256);
    parallel(ctx, lines.count() * strips, grain_for(n * std::min<int64_t>(width, 256)),
             [&](int64_t begin, int64_t end) {
               Walk<2> w = lines;
               for (int64_t u = begin; u < end; ++u) {
                 const int64_t column = u % strips * 256;
                 w.seek(u / strips);
                 run_columns<T, Op>(in + w.offset[0] + column, in_stride, out + w.offset[1] + column, out_stride, n,
                                    std::min<int64_t>(256, width - column));
               }
             });
    return DT_OK;
  }
  parallel(ctx, count, grain_for(n), [&](int64_t begin, int64_t end) {
    Walk<2> w = lines;
    w.seek(begin);
    Total<T, Op> starts[kWays];
    std::fill_n(starts, kWays, Op::template identity<Total<T, Op>>());
    int64_t k = begin;
    for (; k + kWays <= end; k += kWays) {
      const T* lines_in[kWays];
      T* lines_out[kWays];
      for (int i = 0; i < kWays; ++i, w.next()) {
        lines_in[i] = in + w.offset[0];
        lines_out[i] = out + w.offset[1];
      }
      run_ways<T, Op>(lines_in, in_stride, lines_out, out_stride, n, starts);
    }
    for (; k < end; ++k, w.next())
      run_line<T, Op>(in + w.offset[0], in_stride, out + w.offset[1], out_stride, n, starts[0]);
  });
  return DT_OK;
}

// `self` is the op's name.
template <class T, class Op>
dt_status scan_kernel(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins,
                      int32_t, const dt_value* args, int32_t) {
  return scan<T, Op>(ctx, static_cast<const char*>(self), outs[0], ins[0], static_cast<int>(args[1].as.i));
}

// A running sum of bools in bool is "or", a running product "and".
struct BoolSum {
  template <class T>
  using State = Running<T>;
  template <class A>
  static A identity() {
    return 0;
  }
  template <class A>
  static A apply(A a, A b) {
    return static_cast<A>((a | b) != 0);
  }
};

}  // namespace

void register_scan(KernelTable& table) {
  KernelTable own;
  auto add = [&](auto zero, int32_t dtype) {
    using T = decltype(zero);
    own.add("cumsum", dtype, scan_kernel<T, Add>, "cumsum");
    own.add("cumprod", dtype, scan_kernel<T, Multiply>, "cumprod");
  };
  visit_modular(add);
  add(Complex<float>{}, DT_COMPLEX64);
  add(Complex<double>{}, DT_COMPLEX128);
  own.add("logcumsumexp", DT_FLOAT32, scan_kernel<float, AddExponentials>, "logcumsumexp");
  own.add("logcumsumexp", DT_FLOAT64, scan_kernel<double, AddExponentials>, "logcumsumexp");
  own.add("cumsum", DT_BOOL, scan_kernel<uint8_t, BoolSum>, "cumsum");
  own.add("cumprod", DT_BOOL, scan_kernel<uint8_t, Multiply>, "cumprod");
  add_sixteen_whole(own);
  table.add_all(own);
  register_scan_extreme(table);
}

}  // namespace dovetail::cpu
