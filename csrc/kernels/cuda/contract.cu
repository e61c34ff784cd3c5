// bmm and mm: cuBLAS for floats and complex numbers, one thread a result for integers.
#include <climits>

#include "kernels/cuda/blas.h"
#include "kernels/cuda/elementwise.h"

namespace dovetail::cuda {
namespace {

// A batch of matrices as bmm sees it.
struct Matrices {
  int64_t sizes[3], strides[3];
  dt_array array;
  explicit Matrices(const dt_array& a) : sizes{1, 1, 1}, strides{0, 0, 0}, array(a) {
    for (int d = 0; d < a.ndim; ++d) sizes[d + 3 - a.ndim] = a.sizes[d], strides[d + 3 - a.ndim] = a.strides[d];
    array.ndim = 3;
    array.sizes = sizes;
    array.strides = strides;
  }
  Matrices(const Matrices&) = delete;
};

// cuBLAS wants a unit stride and a leading dimension of at least a row.
bool usable(const Matrices& m, bool& transposed, int64_t& leading) {
  const int64_t rows = m.sizes[1], cols = m.sizes[2];
  const int64_t row = rows == 1 ? cols : m.strides[1], col = cols == 1 ? 1 : m.strides[2];
  if (col == 1 && row >= cols && row > 0) {
    transposed = false;
    leading = row;
    return leading <= INT_MAX;
  }
  if ((rows == 1 || row == 1) && col >= rows && col > 0) {
    transposed = true;
    leading = col;
    return leading <= INT_MAX;
  }
  return false;
}

// The operand as it is where cuBLAS can read it, else a dense copy.
dt_status operand(const Call& call, Matrices& m, Product::Operand& made) {
  if (!usable(m, made.transposed, made.leading)) {
    dt_array dense = m.array;
    dense.data = call.workspace<char>(numel(dense) * element_size(dense.dtype));
    if (!dense.data) return call.out_of_memory();
    const int64_t strides[3] = {m.sizes[1] * m.sizes[2], m.sizes[2], 1};
    dense.strides = strides;
    const dt_status status = copy_elements(call, dense, m.array);
    if (status != DT_OK) return status;
    std::copy_n(strides, 3, m.strides);
    m.array.data = dense.data;
    made.transposed = false;
    made.leading = m.sizes[2];
  }
  made.data = m.array.data;
  made.batch = m.sizes[0] == 1 ? 0 : m.strides[0];
  return DT_OK;
}

dt_status clear(const Call& call, const dt_array& out) {
  for_layouts(common_space<1>({&out}), [&](const Layout<1>& layout, const Offsets<1>& base) {
    const int64_t size = element_size(out.dtype);
    char* o = static_cast<char*>(out.data) + base.of[0] * size;
    call.for_each(layout.count, [=] DOVETAIL_DEVICE(int64_t i) {
      for (int64_t k = 0; k < size; ++k) o[layout.at(i).of[0] * size + k] = 0;
    });
  });
  return DT_OK;
}

dt_status blas_kernel(const Call& call) {
  Matrices a(call.ins[0]), b(call.ins[1]), c(call.outs[0]);
  Product product{};
  product.dtype = call.outs[0].dtype;
  product.count = c.sizes[0];
  product.m = c.sizes[1];
  product.n = c.sizes[2];
  product.k = a.sizes[2];
  if (product.count == 0 || product.m == 0 || product.n == 0) return DT_OK;
  if (product.k == 0) return clear(call, call.outs[0]);
  if (std::max({product.count, product.m, product.n, product.k}) > INT_MAX)
    return call.fail(DT_ERR_NOT_IMPLEMENTED, "dims of 2^31 and more have no product on CUDA; split the matrices");
  dt_status status = operand(call, a, product.a);
  if (status == DT_OK) status = operand(call, b, product.b);
  if (status != DT_OK) return status;
  bool transposed = false;
  const bool direct = usable(c, transposed, product.c_leading) && !transposed;
  dt_array dense = c.array;
  const int64_t strides[3] = {product.m * product.n, product.n, 1};
  if (!direct) {
    dense.strides = strides;
    dense.data = call.workspace<char>(numel(dense) * element_size(dense.dtype));
    if (!dense.data) return call.out_of_memory();
    product.c_leading = product.n;
  }
  product.c = dense.data;
  product.c_batch = dense.strides[0];
  status = multiply(call, product);
  return status == DT_OK && !direct ? copy_elements(call, c.array, dense) : status;
}

struct Steps {
  int64_t a[3], b[3], c[3];
};

template <class T>
dt_status integer_kernel(const Call& call) {
  Matrices a(call.ins[0]), b(call.ins[1]), c(call.outs[0]);
  const int64_t m = c.sizes[1], n = c.sizes[2], depth = a.sizes[2];
  Steps s;
  std::copy_n(a.strides, 3, s.a);
  std::copy_n(b.strides, 3, s.b);
  std::copy_n(c.strides, 3, s.c);
  const T *left = static_cast<const T*>(a.array.data), *right = static_cast<const T*>(b.array.data);
  T* out = static_cast<T*>(c.array.data);
  call.for_each(c.sizes[0] * m * n, [=] DOVETAIL_DEVICE(int64_t i) {
    const int64_t col = i % n, row = i / n % m, item = i / n / m;
    uint64_t sum = 0;
    for (int64_t k = 0; k < depth; ++k)
      sum += static_cast<uint64_t>(left[item * s.a[0] + row * s.a[1] + k * s.a[2]]) *
             static_cast<uint64_t>(right[item * s.b[0] + k * s.b[1] + col * s.b[2]]);
    out[item * s.c[0] + row * s.c[1] + col * s.c[2]] = static_cast<T>(sum);
  });
  return DT_OK;
}

#define DOVETAIL_ADD_INTEGER(T, dtype)        \
  table.add("bmm", dtype, integer_kernel<T>); \
  table.add("mm", dtype, integer_kernel<T>);

}  // namespace

void register_contract(KernelTable& table) {
  for (int32_t dtype : {DT_FLOAT32, DT_FLOAT64, DT_FLOAT16, DT_BFLOAT16, DT_COMPLEX64, DT_COMPLEX128}) {
    table.add("bmm", dtype, blas_kernel);
    table.add("mm", dtype, blas_kernel);
  }
  DOVETAIL_INTS(DOVETAIL_ADD_INTEGER)
}

}  // namespace dovetail::cuda
