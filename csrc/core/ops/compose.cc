#include "core/ops/compose.h"

namespace dovetail {

namespace {

bool is_sixteen(DType dtype) { return dtype == DT_FLOAT16 || dtype == DT_BFLOAT16; }

}  // namespace

void run_in_float(CompositeFn fn, const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  std::vector<dt_value> wide(args, args + n_args);
  std::vector<Tensor> kept;
  DType narrow = -1, asked = -1;
  for (dt_value& v : wide) {
    if (v.tag == DT_DTYPE) {
      asked = static_cast<DType>(v.as.i);
      if (is_sixteen(asked)) v = box_dtype(DT_FLOAT32);
    }
    if (v.tag != DT_TENSOR || !is_sixteen(v.as.tensor->dtype)) continue;
    narrow = v.as.tensor->dtype;
    kept.push_back(cast_to(tensor(v), DT_FLOAT32));
    v = box(kept.back());
  }
  fn(op, wide.data(), n_args, outs, n_outs);
  if (asked >= 0) narrow = is_sixteen(asked) ? asked : -1;
  if (narrow < 0) return;
  for (int k = 0; k < n_outs; ++k) {
    const Tensor result = Tensor::steal(outs[k].as.tensor);
    outs[k] = box_none();
    give(outs[k], cast_to(result, narrow));
  }
}

void write_into(const Tensor& dst, const Tensor& src) {
  static const Callee copy("copy");
  const dt_value args[] = {box(dst), box(src)};
  dt_value out = box(dst);
  call(copy.op(), args, 2, &out, 1);
  release_value(&out);
}

void give_list(dt_value& out, std::vector<Tensor> results) {
  out.tag = DT_TENSORS;
  out.count = static_cast<int32_t>(results.size());
  out.as.tensors = new TensorImpl*[results.size() + 1];  // release_value deletes it
  for (size_t i = 0; i < results.size(); ++i) out.as.tensors[i] = results[i].release();
}

Tensor cast_to(const Tensor& t, DType dtype) {
  static const Callee cast("cast");
  return t->dtype == dtype ? t : cast(t, box_dtype(dtype));
}

Tensor view_as(const Tensor& t, const std::vector<int64_t>& sizes) {
  static const Callee reshape("reshape");
  return reshape(t, sizes);
}

std::vector<int64_t> dims_of(const char* who, const dt_value& dim, int ndim) {
  std::vector<int64_t> dims;
  if (dim.tag == DT_INT) {
    dims.push_back(wrap_dim(who, dim.as.i, ndim));
  } else if (dim.tag == DT_INTS) {
    for (int i = 0; i < dim.count; ++i) dims.push_back(wrap_dim(who, dim.as.ints[i], ndim));
  }
  if (dims.empty())
    for (int i = 0; i < ndim; ++i) dims.push_back(i);
  return dims;
}

int64_t extent(const TensorImpl& t, const std::vector<int64_t>& dims) {
  int64_t count = 1;
  if (t.ndim == 0) return count;
  for (int64_t dim : dims) count *= t.size(static_cast<int>(dim));
  return count;
}

std::string ints_text(const dt_value& v) { return shape_text(v.count, v.as.ints); }

void check_ndim(const char* who, const char* arg, const TensorImpl& t, int ndim) {
  if (t.ndim != ndim)
    value_error(who, ": ", arg, " must have ", ndim, ndim == 1 ? " dim" : " dims", ", got shape ", shape_text(t));
}

void check_same_dtype(const char* who, const char* a_name, const TensorImpl& a, const char* b_name,
                      const TensorImpl& b) {
  if (a.dtype != b.dtype)
    type_error(who, ": ", a_name, " and ", b_name, " must have the same dtype, got ", dtype_name(a.dtype), " and ",
               dtype_name(b.dtype), "; convert one with .to(dtype)");
}

void check_floating(const char* who, const char* arg, const TensorImpl& t) {
  if (!is_floating(t.dtype))
    type_error(who, ": ", arg, " must have a floating-point dtype, got ", dtype_name(t.dtype),
               "; convert it with .to(dt.float32)");
}

void settle_number(Inference& call, int i, DType dtype) {
  if (call.args[i].tag == DT_COMPLEX && !is_complex(dtype))
    type_error(call.name(), ": ", call.op.schema.args[i].name, " must be real for tensors of dtype ", dtype_name(dtype),
               ", got a complex number");
  dt_value& v = call.args[i];
  check_fits(v, dtype);
  if (v.tag == DT_UINT && dtype != DT_UINT64) v = box_float(real_number(v));
}

void settle_element(Inference& call, int i, DType dtype) {
  settle_number(call, i, dtype);
  dt_value& v = call.args[i];
  if (v.tag != DT_INT || v.as.i >= 0) return;
  if (dtype == DT_UINT64) v.tag = DT_UINT;
  if (dtype == DT_UINT8 || dtype == DT_UINT16 || dtype == DT_UINT32) v.as.i += int64_t{1} << (8 * itemsize(dtype));
}

void normalise_index(Inference& call, int i) {
  call.as_is |= uint64_t{1} << i;
  const TensorImpl& index = call.tensor(i);
  if (index.dtype == DT_INT64) return;
  if (index.dtype != DT_INT32)
    type_error(call.name(), ": ", call.op.schema.args[i].name, " must have dtype int64 (or int32), got ",
               dtype_name(index.dtype), "; convert it with .to(dt.int64)");
  call.replace(i, cast_to(Tensor::borrow(call.args[i].as.tensor), DT_INT64));
}

const int64_t* normalise_list(Inference& call, int i, int count, int64_t least) {
  const dt_value& list = call.args[i];
  const std::string& name = call.op.schema.args[i].name;
  if (list.count != count && list.count != 1)
    value_error(call.name(), ": ", name, " must have ", count, count == 1 ? " entry" : " entries (or one for all)",
                ", got ", ints_text(list));
  for (int k = 0; k < list.count; ++k)
    if (list.as.ints[k] < least)
      value_error(call.name(), ": ", name, " must be at least ", least, " everywhere, got ", ints_text(list));
  if (list.count != count) {
    int64_t* repeated = call.new_ints(count);
    std::fill_n(repeated, count, list.as.ints[0]);
    call.args[i] = box_ints(repeated, count);
  }
  return call.args[i].as.ints;
}

}  // namespace dovetail
