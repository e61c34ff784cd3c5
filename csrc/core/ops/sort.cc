// Sorting along a dim, whole or in part.
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

const Callee narrow("narrow"), clone_("clone"), isnan_("isnan"), logical_not("logical_not"), sum("sum"), sub("sub"),
    eq("eq"), floor_divide("floor_divide"), clamp_min("clamp_min"), where_("where"), gather("gather");

void infer_sort(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  call.dim(1, self.ndim);
  if (is_complex(self.dtype)) type_error(call.name(), ": not defined for dtype ", dtype_name(self.dtype));
  call.outs[0].like(self);
  call.outs[1].like(self);
  call.outs[1].dtype = DT_INT64;
}

// The size along a dim; a zero-dim tensor counts as one of shape (1,).
int64_t size_along(const TensorImpl& self, int dim) { return self.ndim ? self.size(dim) : 1; }

void infer_part(Inference& call, int64_t size) {
  const TensorImpl& self = call.tensor(0);
  if (is_complex(self.dtype)) type_error(call.name(), ": not defined for dtype ", dtype_name(self.dtype));
  const int dim = call.dim(1, self.ndim);
  for (int i = 0; i < 2; ++i) {
    call.outs[i].like(self);
    if (self.ndim) call.outs[i].sizes[dim] = size;
  }
  call.outs[1].dtype = DT_INT64;
}

void infer_sort_first(Inference& call) {  // (self, dim, k, descending)
  const TensorImpl& self = call.tensor(0);
  const int64_t k = call.args[2].as.i, size = size_along(self, call.dim(1, self.ndim));
  if (k < (self.ndim ? 0 : 1) || k > size)
    value_error(call.name(), ": k = ", k, " is out of range for a dim of size ", size);
  infer_part(call, k);
}

void infer_select_rank(Inference& call) {  // (self, dim, of, k)
  const TensorImpl& self = call.tensor(0);
  const char* of = call.args[2].as.string;
  const int64_t k = call.args[3].as.i, size = size_along(self, call.dim(1, self.ndim));
  if (std::strcmp(of, "rank") != 0 && std::strcmp(of, "median") != 0 && std::strcmp(of, "nanmedian") != 0)
    value_error(call.name(), ": of must be 'rank', 'median' or 'nanmedian', got '", of, "'");
  if (size == 0) value_error(call.name(), ": a dim of size 0 has no elements to choose from");
  if (std::strcmp(of, "rank") == 0 && (k < 0 || k >= size))
    value_error(call.name(), ": k = ", k, " is out of range for a dim of size ", size);
  infer_part(call, 1);
}

// ---- decompositions: the whole sort, and what is wanted of it ----------------------------------------------------

struct Sorted {
  Tensor values, indices;

  Sorted(const Tensor& self, int dim, bool descending) {
    const dt_value args[] = {box(self), box_int(dim), box_bool(descending), box_bool(true)};
    dt_value outs[2] = {box_none(), box_none()};
    call(get_op("sort"), args, 4, outs, 2);
    values = Tensor::steal(outs[0].as.tensor);
    indices = Tensor::steal(outs[1].as.tensor);
  }
  // Copies, so that the whole sorted rows need not be kept.
  void give_part(int dim, int64_t from, int64_t size, dt_value* outs) const {
    if (values->ndim == 0) {
      give(outs[0], values);
      give(outs[1], indices);
      return;
    }
    give(outs[0], clone_(narrow(values, dim, from, size)));
    give(outs[1], clone_(narrow(indices, dim, from, size)));
  }
};

void sort_first_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const int dim = wrap_dim(op.name().c_str(), args[1].as.i, self->ndim);
  Sorted(self, dim, args[3].as.i != 0).give_part(dim, 0, args[2].as.i, outs);
}

void select_rank_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor self = tensor(args[0]);
  const int dim = wrap_dim(op.name().c_str(), args[1].as.i, self->ndim);
  const int64_t size = size_along(*self, dim);
  const bool ranked = args[2].as.string[0] == 'r';
  const Sorted sorted(self, dim, false);
  if (ranked || self->ndim == 0 || !is_floating(self->dtype))
    return sorted.give_part(dim, ranked ? args[3].as.i : (size - 1) / 2, 1, outs);
  // NaN sorts last: where there is one, the first of them is the median.
  const Tensor numbers = sum(logical_not(isnan_(sorted.values)), std::vector<int64_t>{dim}, true);
  const Tensor rank = args[2].as.string[0] == 'm' ? where_(eq(numbers, wrap_number(box_int(size))),
                                                           wrap_number(box_int((size - 1) / 2)), numbers)
                                                  : clamp_min(floor_divide(sub(numbers, number(1)), number(2)), 0);
  give(outs[0], gather(sorted.values, dim, rank));
  give(outs[1], gather(sorted.indices, dim, rank));
}

}  // namespace

void declare_sort() {
  Declare("sort",
          "sort(Tensor self, int dim=-1, bool descending=False, bool stable=False) -> (Tensor values, Tensor indices)")
      .plain(infer_sort)
      .required()
      .method()
      .out()
      .doc(R"(The elements along a dim in order, and where each of them was. NaN counts as the largest.

    values[i] = self[indices[i]],  values[0] <= values[1] <= ...

Args:
    self: a tensor of any shape.
    dim: the dim to sort along.
    descending: whether the largest come first.
    stable: whether equal elements keep their order.

Example:
    >>> values, indices = dt.sort(dt.tensor([3.0, 1.0, 2.0]))
    >>> values.tolist(), indices.tolist()
    ([1.0, 2.0, 3.0], [1, 2, 0])
)");
  Declare("sort", "sort_first(Tensor self, int dim, int k, bool descending=False) -> (Tensor values, Tensor indices)")
      .plain(infer_sort_first)
      .composite(sort_first_op)
      .internal()
      .doc(R"(The first k of the elements along a dim in order, and where they were: what a stable sort begins with.

Args:
    self: a tensor of any shape.
    dim: the dim to sort along.
    k: how many, from 0 to the dim's size.
    descending: whether the largest come first.

Example:
    >>> values, indices = dt._core.get_op("sort_first")(dt.tensor([3.0, 1.0, 2.0]), 0, 2)
    >>> values.tolist(), indices.tolist()
    ([1.0, 2.0], [1, 2])
)");
  Declare("sort", "select_rank(Tensor self, int dim, str of, int k=0) -> (Tensor values, Tensor indices)")
      .plain(infer_select_rank)
      .composite(select_rank_op)
      .internal()
      .doc(R"(The element of a rank along a dim, and where it is: what a stable sort has there. The dim keeps size 1.

Args:
    self: a tensor of any shape; the dim's size is not 0.
    dim: the dim along which elements are ranked.
    of: "rank": the rank is k. "median": the lower middle; the first NaN where there is one. "nanmedian": the lower
        middle of what is not NaN.
    k: the rank, from 0.

Example:
    >>> values, indices = dt._core.get_op("select_rank")(dt.tensor([3.0, 1.0, 2.0]), 0, "median")
    >>> values.tolist(), indices.tolist()
    ([2.0], [2])
)");
}

}  // namespace dovetail
