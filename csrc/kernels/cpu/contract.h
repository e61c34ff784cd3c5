// Products of matrices as the kernels of ops are given them: what contract.cc and contract_bfloat16.cc share.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "dovetail/abi.h"
#include "kernels/cpu/element.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/matrix.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/rounding.h"

namespace dovetail::cpu {

// What c starts from: scale * data, broadcast through zero strides. data == NULL: zero.
template <typename T, typename Sum = T>
struct Start {
  const T* data = nullptr;
  int64_t batch = 0, row = 0, col = 0;
  Sum scale = 1;
};

// Products of `count` pairs of matrices. Sum: what they are summed as.
template <typename T, typename Sum = T>
struct Batch {
  int64_t count = 1;
  Matrix<const T> a, b;
  Matrix<T> c;
  int64_t a_step = 0, b_step = 0, c_step = 0;
  Sum alpha = 1;
  Start<T, Sum> start = {};

  // The same products with rows for columns.
  Batch transposed() const {
    return {count,          b.transposed(), a.transposed(),
            c.transposed(), b_step,         a_step,
            c_step,         alpha,          {start.data, start.batch, start.col, start.row, start.scale}};
  }
};

// The last two dims of an array as a matrix.
template <typename T>
Matrix<T> matrix(const dt_array& x) {
  const int d = x.ndim - 2;
  return {static_cast<T*>(x.data), x.sizes[d], x.sizes[d + 1], x.strides[d], x.strides[d + 1]};
}
template <typename T>
Matrix<T> column(const dt_array& x) {
  return {static_cast<T*>(x.data), x.sizes[0], 1, x.strides[0], 1};
}

// Where the products start from: `x` broadcast to c's shape (dims align at the last).
template <typename T, typename Sum = T>
Start<T, Sum> broadcast_start(const dt_array& x, Sum scale) {
  const auto stride = [&](int from_last) {
    const int d = x.ndim - 1 - from_last;
    return d < 0 || x.sizes[d] == 1 ? 0 : x.strides[d];
  };
  return {static_cast<const T*>(x.data), stride(2), stride(1), stride(0), scale};
}

// The batches of the ops, from their arrays and attributes.
template <typename T, typename Sum = T>
Batch<T, Sum> mm_batch(const dt_array& out, const dt_array& left, const dt_array& right) {
  return {1, matrix<const T>(left), matrix<const T>(right), matrix<T>(out)};
}
template <typename T, typename Sum = T>
Batch<T, Sum> bmm_batch(const dt_array& out, const dt_array& left, const dt_array& right) {
  Batch<T, Sum> p = mm_batch<T, Sum>(out, left, right);
  p.count = out.sizes[0], p.a_step = left.strides[0], p.b_step = right.strides[0], p.c_step = out.strides[0];
  return p;
}
template <typename T, typename Sum = T>
Batch<T, Sum> addmm_batch(const dt_array& out, const dt_array* ins, const dt_value* args) {
  Batch<T, Sum> p = mm_batch<T, Sum>(out, ins[1], ins[2]);
  const Sum beta = as_element<Sum>(args[3]);
  p.alpha = as_element<Sum>(args[4]);
  if (beta != Sum(0)) p.start = broadcast_start<T, Sum>(ins[0], beta);  // with 0, NaN in self does not count
  return p;
}

// The dims before the last as one, if a single stride steps through them. Returns false if not.
inline bool flatten_rows(const dt_array& x, int64_t& rows, int64_t& stride) {
  rows = 1, stride = 0;
  for (int d = x.ndim - 2; d >= 0; --d) {
    if (x.sizes[d] == 1) continue;
    if (rows == 1) {
      stride = x.strides[d];
    } else if (x.strides[d] != stride * rows) {
      return false;
    }
    rows *= x.sizes[d];
  }
  return true;
}

// The batch of an op's call, for kernels that make some of the calls and leave the others to another kernel.
template <typename T, typename Sum>
using Arrange = Batch<T, Sum> (*)(const dt_array& out, const dt_array* ins, int32_t n_ins, const dt_value* args);

template <typename T, typename Sum>
Batch<T, Sum> arrange_mm(const dt_array& out, const dt_array* ins, int32_t, const dt_value*) {
  return mm_batch<T, Sum>(out, ins[0], ins[1]);
}
template <typename T, typename Sum>
Batch<T, Sum> arrange_bmm(const dt_array& out, const dt_array* ins, int32_t, const dt_value*) {
  return bmm_batch<T, Sum>(out, ins[0], ins[1]);
}
template <typename T, typename Sum>
Batch<T, Sum> arrange_mv(const dt_array& out, const dt_array* ins, int32_t, const dt_value*) {
  return {1, matrix<const T>(ins[0]), column<const T>(ins[1]), column<T>(out)};
}
template <typename T, typename Sum>
Batch<T, Sum> arrange_addmm(const dt_array& out, const dt_array* ins, int32_t, const dt_value* args) {
  return addmm_batch<T, Sum>(out, ins, args);
}
// Of no product where the input's rows are no single matrix.
template <typename T, typename Sum>
Batch<T, Sum> arrange_linear(const dt_array& out, const dt_array* ins, int32_t n_ins, const dt_value*) {
  const dt_array &x = ins[0], &weight = ins[1];
  Batch<T, Sum> p;
  p.count = 0;
  int64_t rows, x_row, out_row;
  if (weight.ndim != 2 || !flatten_rows(x, rows, x_row) || !flatten_rows(out, rows, out_row)) return p;
  p.count = 1;
  p.a = {static_cast<const T*>(x.data), rows, weight.sizes[1], x_row, x.strides[x.ndim - 1]};
  p.b = matrix<const T>(weight).transposed();
  p.c = {static_cast<T*>(out.data), rows, weight.sizes[0], out_row, out.strides[out.ndim - 1]};
  if (n_ins > 2 && ins[2].data) p.start = broadcast_start<T, Sum>(ins[2], Sum(1));
  p.start.row = 0;
  return p;
}

// Whether a product that starts from `start` may be made by halves: a matrix times its own transpose, from what equals
// its transpose to the bit. (Looking takes a thousandth of the product's time.)
template <typename T, typename Sum>
bool starts_symmetric(dt_kernel_context* ctx, const Batch<T, Sum>& p, const T* start) {
  if (!is_gram(p.a, p.b)) return false;
  constexpr int64_t kSide = 32;
  const int64_t n = p.c.rows, row = p.start.row, col = p.start.col;
  std::atomic<bool> symmetric{true};
  parallel(ctx, ceil_div(n, kSide), std::max<int64_t>(1, 32768 / (kSide * n)), [&](int64_t begin, int64_t end) {
    bool same = true;
    for (int64_t low = begin * kSide; low < std::min(end * kSide, n) && same; low += kSide) {
      for (int64_t left = 0; left <= low; left += kSide) {
        for (int64_t i = low; i < std::min(low + kSide, n); ++i) {
          for (int64_t j = left; j < std::min(left + kSide, i); ++j) {
            same &= std::memcmp(start + i * row + j * col, start + j * row + i * col, sizeof(T)) == 0;
          }
        }
      }
    }
    if (!same) symmetric.store(false, std::memory_order_relaxed);
  });
  return symmetric;
}

// Where the machine multiplies bfloat16 numbers itself: kernels of large products of them, which leave the others to
// what the table holds for them.
void add_bfloat16_products(KernelTable& table);

// Products of few rows of 16-bit floats, likewise.
void add_few_rows_sixteen(KernelTable& table);

}  // namespace dovetail::cpu
