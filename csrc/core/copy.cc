#include "core/copy.h"

#include <algorithm>
#include <cmath>

#include "core/capture.h"
#include "core/execute.h"
#include "core/layout.h"

namespace dovetail {

namespace {

void give(dt_value& out, Tensor t) { put(out, t.release()); }

// Memory order is kept (a transposed matrix is cloned transposed), as elementwise ops do.
Tensor copy_as(TensorImpl* t, DType dtype) {
  Tensor out = empty_in_order_of(&t, 1, t->ndim, t->sizes(), dtype, t->device);
  copy_into(out.get(), t);
  return out;
}

Tensor make_contiguous(TensorImpl* t) { return t->contiguous ? Tensor::borrow(t) : cast_copy(t, t->dtype); }

// A copy that is captured would read or write the host's memory when the graph is launched, if that is still there.
void check_capture(const char* who, int direction, bool is_number) {
  if (direction == DT_COPY_DEVICE_TO_HOST) refuse_capture(who, "the host would wait for a value of the device");
  if (direction == DT_COPY_HOST_TO_DEVICE && !is_number)
    refuse_capture(who, "a tensor on the CPU would be read once, and not by each replay");
}

void copy_bytes(const char* who, TensorImpl* dst, TensorImpl* src, bool is_number) {
  const size_t bytes = static_cast<size_t>(src->numel * itemsize(src->dtype));
  if (bytes == 0) return;
  const bool from_host = src->device.kind == 0;
  const Device device = from_host ? dst->device : src->device;
  const dt_backend& table = backend(device.kind);
  void* stream = table.current_stream ? table.current_stream(table.self, device.index) : nullptr;
  const int direction = from_host               ? DT_COPY_HOST_TO_DEVICE
                        : dst->device.kind == 0 ? DT_COPY_DEVICE_TO_HOST
                                                : DT_COPY_DEVICE_TO_DEVICE;
  if (is_capturing(device, stream)) check_capture(who, direction, is_number);
  check_status(table.copy(table.self, device.index, dst->data, src->data, bytes, direction, stream));
}

// Between two backends, or two devices of one, the way is by the host unless one of them is the host.
Tensor move(const char* who, TensorImpl* t, Device device, bool is_number = false) {
  if (t->device == device) return copy_as(t, t->dtype);
  Tensor source = make_contiguous(t);
  const bool through_host = t->device.kind != 0 && device.kind != 0;
  if (through_host) source = move(who, source.get(), kCpu);
  Tensor out = empty(t->ndim, t->sizes(), t->dtype, device);
  copy_bytes(who, out.get(), source.get(), is_number);
  return out;
}

}  // namespace

Tensor on_device(const char* who, TensorImpl* t, Device device, bool is_number) {
  return t->device == device ? Tensor::borrow(t) : move(who, t, device, is_number || t->bits & DT_BIT_WRAPPED);
}

void clone_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  TensorImpl* self = args[0].as.tensor;
  give(outs[0], copy_as(self, self->dtype));
}

void cast_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], copy_as(args[0].as.tensor, static_cast<DType>(args[1].as.i)));
}

void to_device_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Device device = resolve_device(args[1].as.device);
  check_device(op.name().c_str(), device);
  give(outs[0], move(op.name().c_str(), args[0].as.tensor, device));
}

void contiguous_op(const Op&, const dt_value* args, int, dt_value* outs, int) {
  give(outs[0], make_contiguous(args[0].as.tensor));
}

void empty_op(const Op&, const dt_value* args, int, dt_value* outs, int) {  // (size, *, dtype, device)
  const Device* chosen = args[2].tag == DT_DEVICE ? &args[2].as.device : default_device();
  const DType dtype = args[1].tag == DT_DTYPE ? static_cast<DType>(args[1].as.i) : default_dtype();
  give(outs[0], empty(args[0].count, args[0].as.ints, dtype, chosen ? *chosen : kCpu));
}

// ---- numbers --------------------------------------------------------------------------------------------

void check_fits(const dt_value& number, DType dtype) {
  if (category(dtype) != Category::integral || dtype == DT_BOOL) return;
  const bool is_unsigned = dtype == DT_UINT8 || dtype == DT_UINT16 || dtype == DT_UINT32 || dtype == DT_UINT64;
  const int bits = 8 * static_cast<int>(itemsize(dtype)) - !is_unsigned;
  const double bound = std::ldexp(1.0, bits);  // the first that is too large
  if (number.tag == DT_FLOAT) {
    const double whole = std::trunc(number.as.f);
    if (!(whole < bound && (is_unsigned ? whole > -bound : whole >= -bound)))
      value_error(number.as.f, " does not fit in ", dtype_name(dtype));
  } else if (number.tag == DT_UINT) {
    if (bits < 64) value_error(static_cast<uint64_t>(number.as.i), " does not fit in ", dtype_name(dtype));
  } else if (number.tag == DT_INT && bits < 63) {
    const int64_t first = int64_t{1} << bits, n = number.as.i;
    if (n >= first || n < -first || (is_unsigned && n == -first))
      value_error(n, " does not fit in ", dtype_name(dtype));
  }
}

namespace {

template <class T>
Tensor fresh_number(DType dtype, T value) {
  Tensor out = empty(0, nullptr, dtype, kCpu);
  *reinterpret_cast<T*>(out->data) = value;
  out->bits = out->bits | DT_BIT_WRAPPED;
  return out;
}

// Whether a tensor is still what fresh_number made: nobody has written it, and neither Python nor a layer knows it.
bool is_as_made(const TensorImpl& t, DType dtype, int64_t word) {
  return *reinterpret_cast<const int64_t*>(t.data) == word && t.dtype == dtype && t.bits == DT_BIT_WRAPPED &&
         t.storage->version.load(std::memory_order_relaxed) == 0 &&
         t.storage->exports.load(std::memory_order_relaxed) == 0 && !t.pyobj && !t.grad &&
         !t.slot.load(std::memory_order_relaxed);
}

// A number of eight bytes. A program has few, which come again and again: the nodes of a graph share one tensor for
// those that are the same.
Tensor number_of(DType dtype, int64_t word) {
  constexpr int kLogRecent = 4;
  static thread_local Tensor recent[1 << kLogRecent];
  if (thread_state().inference_mode) return fresh_number(dtype, word);
  Tensor& last = recent[static_cast<uint64_t>(word) * 0x9E3779B97F4A7C15u >> (64 - kLogRecent)];
  if (!last || !is_as_made(*last, dtype, word)) last = fresh_number(dtype, word);
  return last;
}

}  // namespace

Tensor wrap_number(const dt_value& number) {
  switch (number.tag) {
    case DT_BOOLEAN:
      return fresh_number(DT_BOOL, number.as.i != 0);
    case DT_INT:
      return number_of(DT_INT64, number.as.i);
    case DT_UINT:
      return number_of(DT_UINT64, number.as.i);
    case DT_FLOAT:
      return number_of(DT_FLOAT64, number.as.i);  // its bits
    case DT_COMPLEX:
      return fresh_number(DT_COMPLEX128, number.as.complex);
    default:
      type_error("wrap_number: expected a number, got a boxed value of tag ", number.tag);
  }
}

namespace {

template <class T>
dt_value integer_item(const char* data) {
  T value;
  std::memcpy(&value, data, sizeof value);
  return box_int(static_cast<int64_t>(value));
}

}  // namespace

dt_value item(const TensorImpl& t) {
  check_value("item", t);
  if (t.numel != 1)
    value_error("item: a tensor of shape ", shape_text(t), " has ", t.numel,
                " elements; only one element converts to a number");
  if (t.device.kind != 0) {
    Tensor host = on_device("item", const_cast<TensorImpl*>(&t), kCpu);
    return item(*host);
  }
  const char* data = t.data;
  switch (t.dtype) {
    case DT_FLOAT32:
      return box_float(*reinterpret_cast<const float*>(data));
    case DT_FLOAT64:
      return box_float(*reinterpret_cast<const double*>(data));
    case DT_BOOL:
      return box_bool(*data != 0);
    case DT_INT8:
      return integer_item<int8_t>(data);
    case DT_INT16:
      return integer_item<int16_t>(data);
    case DT_INT32:
      return integer_item<int32_t>(data);
    case DT_INT64:
      return integer_item<int64_t>(data);
    case DT_UINT8:
      return integer_item<uint8_t>(data);
    case DT_UINT16:
      return integer_item<uint16_t>(data);
    case DT_UINT32:
      return integer_item<uint32_t>(data);
    case DT_UINT64:
      return box_uint(*reinterpret_cast<const uint64_t*>(data));
    default:
      break;
  }
  // The rest goes through a dtype that is easy to read.
  Tensor wide = cast_copy(const_cast<TensorImpl*>(&t), is_complex(t.dtype) ? DT_COMPLEX128 : DT_FLOAT32);
  if (!is_complex(t.dtype)) return box_float(*reinterpret_cast<const float*>(wide->data));
  dt_value v{};
  v.tag = DT_COMPLEX;
  v.as.complex = *reinterpret_cast<const dt_complex*>(wide->data);
  return v;
}

}  // namespace dovetail
