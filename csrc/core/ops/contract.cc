// Matrix products. bmm is what a backend must bring; the others are it with other shapes, or kernels of their own.
#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("contract", schema); }

const Callee bmm("bmm"), mm("mm"), mv("mv"), dot("dot"), addmm("addmm"), add("add"), mul("mul"), matmul("matmul"),
    unsqueeze("unsqueeze"), squeeze("squeeze"), transpose("transpose"), expand("expand");

// ---- inference ------------------------------------------------------------------------------------------

void check_inner(const char* who, const char* a_name, const TensorImpl& a, const char* b_name, const TensorImpl& b,
                 int64_t a_inner, int64_t b_inner) {
  if (a_inner != b_inner)
    value_error(who, ": the last dim of ", a_name, " must match the rows of ", b_name, ", got shapes ", shape_text(a),
                " and ", shape_text(b), " (", a_inner, " against ", b_inner, ")");
}

// Two tensors of given ndims and one dtype, whose inner dims agree.
void check_pair(Inference& call, int i, int a_ndim, int j, int b_ndim) {
  const char* who = call.name();
  const char *a_name = call.op.schema.args[i].name.c_str(), *b_name = call.op.schema.args[j].name.c_str();
  const TensorImpl &a = call.tensor(i), &b = call.tensor(j);
  check_ndim(who, a_name, a, a_ndim);
  check_ndim(who, b_name, b, b_ndim);
  check_same_dtype(who, a_name, a, b_name, b);
  if (a.dtype == DT_BOOL) type_error(who, ": not defined for dtype bool; convert with .to(dt.int64)");
  check_inner(who, a_name, a, b_name, b, a.size(a_ndim - 1), b.size(b_ndim == 1 ? 0 : b_ndim - 2));
}

void infer_bmm(Inference& call) {
  const TensorImpl &a = call.tensor(0), &b = call.tensor(1);
  check_pair(call, 0, 3, 1, 3);
  if (a.size(0) != b.size(0))
    value_error(call.name(), ": self and mat2 must hold as many matrices, got shapes ", shape_text(a), " and ",
                shape_text(b));
  OutputSpec& out = call.outs[0];
  out.like(a);
  out.sizes[2] = b.size(2);
}

void infer_mm(Inference& call) {
  check_pair(call, 0, 2, 1, 2);
  call.outs[0].like(call.tensor(0));
  call.outs[0].sizes[1] = call.tensor(1).size(1);
}

void infer_mv(Inference& call) {
  check_pair(call, 0, 2, 1, 1);
  call.outs[0].push(call.tensor(0).size(0));
  call.outs[0].dtype = call.tensor(0).dtype;
}

void infer_dot(Inference& call) {
  check_pair(call, 0, 1, 1, 1);
  call.outs[0].dtype = call.tensor(0).dtype;
}

void check_scale(Inference& call, int i, DType dtype) {
  if (call.args[i].tag == DT_FLOAT && is_exact(dtype))
    type_error(call.name(), ": ", call.op.schema.args[i].name, " must be an integer for integer tensors, got ",
               call.number(i));
  settle_number(call, i, dtype);
}

void infer_addmm(Inference& call) {  // (self, mat1, mat2, *, beta, alpha)
  const TensorImpl &self = call.tensor(0), &a = call.tensor(1), &b = call.tensor(2);
  check_pair(call, 1, 2, 2, 2);
  check_same_dtype(call.name(), "self", self, "mat1", a);
  check_scale(call, 3, a.dtype);
  check_scale(call, 4, a.dtype);
  OutputSpec& out = call.outs[0];
  out.like(a);
  out.sizes[1] = b.size(1);
  bool fits = self.ndim <= 2;
  for (int i = 0; fits && i < self.ndim; ++i) {
    const int64_t wanted = out.sizes[2 - self.ndim + i];
    fits = self.size(i) == wanted || self.size(i) == 1;
  }
  if (!fits)
    value_error(call.name(), ": self of shape ", shape_text(self), " doesn't broadcast to ", shape_text(2, out.sizes),
                ", the shape of the product of ", shape_text(a), " and ", shape_text(b));
}

void infer_linear(Inference& call) {  // (input (*, in), weight (out, in) or (in,), bias (out,))
  const TensorImpl &input = call.tensor(0), &weight = call.tensor(1);
  if (input.ndim < 1) value_error(call.name(), ": input must have at least one dim, got shape ()");
  if (weight.ndim < 1 || weight.ndim > 2)
    value_error(call.name(), ": weight must have shape (out, in) or (in,), got ", shape_text(weight));
  check_same_dtype(call.name(), "input", input, "weight", weight);
  if (input.dtype == DT_BOOL) type_error(call.name(), ": not defined for dtype bool");
  const int64_t in = weight.size(weight.ndim - 1);
  if (input.size(input.ndim - 1) != in)
    value_error(call.name(), ": the last dim of input must match weight's ", in, " inputs, got input ",
                shape_text(input), " and weight ", shape_text(weight));
  OutputSpec& out = call.outs[0];
  out.like(input);
  if (weight.ndim == 2)
    out.sizes[out.ndim - 1] = weight.size(0);
  else
    --out.ndim;
  if (!call.given(2)) return;
  const TensorImpl& bias = call.tensor(2);
  check_same_dtype(call.name(), "input", input, "bias", bias);
  const bool scalar = bias.ndim == 0 && weight.ndim == 1;
  if (!scalar && (weight.ndim == 1 || bias.ndim != 1 || bias.size(0) != weight.size(0)))
    value_error(call.name(), ": bias must have one element for each of weight's outputs, got bias ", shape_text(bias),
                " and weight ", shape_text(weight));
}

// ---- decompositions -------------------------------------------------------------------------------------

void mm_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor a = tensor(args[0]), b = tensor(args[1]);
  check_ndim(op.name().c_str(), "self", *a, 2);
  check_ndim(op.name().c_str(), "mat2", *b, 2);
  const int64_t first[] = {0};
  give(outs[0], squeeze(bmm(unsqueeze(a, 0), unsqueeze(b, 0)), box_ints(first, 1)));
}

void mv_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const int64_t last[] = {1};
  give(outs[0], squeeze(mm(tensor(args[0]), unsqueeze(tensor(args[1]), 1)), box_ints(last, 1)));
}

void dot_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor a = tensor(args[0]), b = tensor(args[1]);
  check_ndim(op.name().c_str(), "self", *a, 1);
  check_ndim(op.name().c_str(), "tensor", *b, 1);
  give(outs[0], view_as(mm(unsqueeze(a, 0), unsqueeze(b, 1)), {}));
}

bool is_number(const dt_value& v, double n) {
  return v.tag == DT_FLOAT ? v.as.f == n : v.tag != DT_COMPLEX && v.as.i == n;
}

void addmm_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  Tensor product = mm(tensor(args[1]), tensor(args[2]));
  if (!is_number(args[4], 1)) product = mul(product, wrap_number(args[4]));
  if (is_number(args[3], 0)) return give(outs[0], product);  // self counts for nothing, even where it is NaN
  Tensor self = tensor(args[0]);
  if (!is_number(args[3], 1)) self = mul(self, wrap_number(args[3]));
  give(outs[0], add(self, product));
}

void linear_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  const Tensor input = tensor(args[0]), weight = tensor(args[1]), bias = tensor(args[2]);
  const Tensor turned = weight->ndim == 2 ? transpose(weight, 0, 1) : weight;
  if (bias && input->ndim == 2 && weight->ndim == 2) return give(outs[0], addmm(bias, input, turned));
  const Tensor product = matmul(input, turned);
  give(outs[0], bias ? add(product, bias) : product);
}

// ---- matmul ---------------------------------------------------------------------------------------------

std::vector<int64_t> broadcast_batches(const char* who, const TensorImpl& a, const TensorImpl& b) {
  const int n = std::max(a.ndim, b.ndim) - 2;
  std::vector<int64_t> sizes(n);
  for (int i = 0; i < n; ++i) {
    const int from_a = i - (n - (a.ndim - 2)), from_b = i - (n - (b.ndim - 2));
    const int64_t x = from_a < 0 ? 1 : a.size(from_a), y = from_b < 0 ? 1 : b.size(from_b);
    if (x != y && x != 1 && y != 1)
      value_error(who, ": the leading dims of self and other don't broadcast, got shapes ", shape_text(a), " and ",
                  shape_text(b));
    sizes[i] = x == 1 ? y : x;
  }
  return sizes;
}

// As one batch of matrices: (product of the batch sizes, rows, columns).
Tensor as_batch(const Tensor& t, std::vector<int64_t> batches) {
  const int64_t rows = t->size(t->ndim - 2), columns = t->size(t->ndim - 1);
  int64_t count = 1;
  for (int64_t size : batches) count *= size;
  batches.push_back(rows);
  batches.push_back(columns);
  return view_as(expand(t, batches), {count, rows, columns});
}

// (..., n, k) with (k, m): the leading dims are rows of one product.
Tensor fold_rows(const Tensor& a, const Tensor& b) {
  std::vector<int64_t> sizes = sizes_of(*a);
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < sizes.size(); ++i) rows *= sizes[i];
  const Tensor folded = view_as(a, {rows, sizes.back()});
  sizes.pop_back();
  if (b->ndim == 1) return view_as(mv(folded, b), sizes);
  sizes.push_back(b->size(1));
  return view_as(mm(folded, b), sizes);
}

void matmul_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const char* who = op.name().c_str();
  const Tensor a = tensor(args[0]), b = tensor(args[1]);
  if (a->ndim == 0 || b->ndim == 0)
    value_error(who, ": self and other must have at least one dim, got shapes ", shape_text(*a), " and ",
                shape_text(*b), "; use mul() with a number");
  check_same_dtype(who, "self", *a, "other", *b);
  check_inner(who, "self", *a, "other", *b, a->size(a->ndim - 1), b->size(std::max(b->ndim - 2, 0)));
  if (a->ndim == 1 && b->ndim == 1) return give(outs[0], dot(a, b));
  if (b->ndim <= 2 && a->ndim > 1) {
    if (a->ndim > 2) return give(outs[0], fold_rows(a, b));
    return give(outs[0], b->ndim == 2 ? mm(a, b) : mv(a, b));
  }
  if (a->ndim == 1) {  // a row in front of every matrix
    if (b->ndim == 2) return give(outs[0], mv(transpose(b, 0, 1), a));
    const int64_t row[] = {-2};
    return give(outs[0], squeeze(matmul(unsqueeze(a, 0), b), box_ints(row, 1)));
  }
  std::vector<int64_t> sizes = broadcast_batches(who, *a, *b);
  const Tensor product = bmm(as_batch(a, sizes), as_batch(b, sizes));
  sizes.push_back(a->size(a->ndim - 2));
  sizes.push_back(b->size(b->ndim - 1));
  give(outs[0], view_as(product, sizes));
}

// ---- declarations ---------------------------------------------------------------------------------------

void declare_products() {
  op("bmm(Tensor self, Tensor mat2) -> Tensor")
      .plain(infer_bmm)
      .required()
      .method()
      .out()
      .doc(R"(The matrix products of two batches of matrices.

    out_b = self_b @ mat2_b

Args:
    self: of shape (B, M, K).
    mat2: of shape (B, K, N) and the same dtype; the result has shape (B, M, N).

Example:
    >>> dt.bmm(dt.ones(2, 1, 3), dt.ones(2, 3, 1)).tolist()
    [[[3.0]], [[3.0]]]
)");
  op("mm(Tensor self, Tensor mat2) -> Tensor")
      .plain(infer_mm)
      .composite(mm_op)
      .method()
      .out()
      .doc(R"(The matrix product of two matrices.

    out_ij = sum_k self_ik * mat2_kj

Args:
    self: of shape (M, K).
    mat2: of shape (K, N) and the same dtype; the result has shape (M, N).

Example:
    >>> dt.mm(dt.tensor([[1.0, 2.0]]), dt.tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
)");
  op("addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor")
      .plain(infer_addmm)
      .composite(in_float<addmm_op>)
      .method()
      .inplace()
      .out()
      .doc(R"(A matrix product added to a tensor.

    out = beta * self + alpha * (mat1 @ mat2)

Args:
    self: broadcasts to (M, N); where beta is 0 its elements don't matter, even NaN.
    mat1: of shape (M, K).
    mat2: of shape (K, N).
    beta, alpha: numbers.

Example:
    >>> dt.addmm(dt.ones(1), dt.tensor([[1.0, 2.0]]), dt.tensor([[3.0], [4.0]])).tolist()
    [[12.0]]
)");
}

void declare_vectors() {
  op("mv(Tensor self, Tensor vec) -> Tensor")
      .plain(infer_mv)
      .composite(mv_op)
      .method()
      .out()
      .doc(R"(The product of a matrix and a vector.

    out_i = sum_k self_ik * vec_k

Args:
    self: of shape (M, K).
    vec: of shape (K,) and the same dtype; the result has shape (M,).

Example:
    >>> dt.mv(dt.tensor([[1.0, 2.0]]), dt.tensor([3.0, 4.0])).tolist()
    [11.0]
)");
  op("dot(Tensor self, Tensor tensor) -> Tensor")
      .plain(infer_dot)
      .composite(dot_op)
      .method()
      .out()
      .doc(R"(The inner product of two vectors.

    out = sum_k self_k * tensor_k

Args:
    self, tensor: of shape (K,) and one dtype; the result is zero-dim.

Example:
    >>> dt.dot(dt.tensor([1.0, 2.0]), dt.tensor([3.0, 4.0])).item()
    11.0
)");
}

void declare_general() {
  op("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor")
      .plain(infer_linear)
      .composite(in_float<linear_op>)
      .internal()
      .doc(R"(A linear map of the last dim, and what to add.

    out = input @ weight.T + bias

Args:
    input: of shape (*, in).
    weight: of shape (out, in), and the result has shape (*, out); or (in,), and it has shape (*).
    bias: of shape (out,).

Example:
    >>> dt._core.get_op("linear")(dt.ones(1, 2), dt.ones(3, 2), dt.zeros(3)).tolist()
    [[2.0, 2.0, 2.0]]
)");
  op("matmul(Tensor self, Tensor other) -> Tensor")
      .composite(matmul_op)
      .method()
      .out()
      .doc(R"(The matrix product, as `self @ other`, of vectors, matrices and batches of matrices.

    out_...ij = sum_k self_...ik * other_...kj

Args:
    self: of shape (*, M, K), or (K,), which counts as a row that falls away from the result.
    other: of shape (*, K, N), or (K,), which counts as a column that falls away. Leading dims broadcast.

Example:
    >>> dt.matmul(dt.tensor([[1.0, 2.0], [3.0, 4.0]]), dt.tensor([1.0, 1.0])).tolist()
    [3.0, 7.0]
)");
}

}  // namespace

void declare_contract() {
  declare_products();
  declare_vectors();
  declare_general();
}

}  // namespace dovetail
