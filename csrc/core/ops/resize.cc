// What resizing a dim gives; the ops are written in Python.
#include <cmath>
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

// (x, dim, size, ..., scale_factor at `factor`)
void infer_sizes(Inference& call, int factor) {
  const TensorImpl& x = call.tensor(0);
  if (x.ndim == 0) index_error(call.name(), ": dim ", call.integer(1), " is out of range for an input of shape ()");
  const int dim = call.dim(1, x.ndim);
  const int64_t own = x.size(dim), size = call.integer(2);
  if (own < 1 || size < 1)
    value_error(call.name(), ": sizes must be positive, got ", own, " (dim ", dim, " of ", shape_text(x), ") and ",
                size);
  if (call.given(factor) && !(std::isfinite(call.number(factor)) && call.number(factor) > 0))
    value_error(call.name(), ": scale_factor must be positive, got ", call.number(factor));
  call.outs[0].like(x);
  call.outs[0].sizes[dim] = size;
}

void infer_resize_nearest(Inference& call) { infer_sizes(call, 3); }

void infer_resize(Inference& call) {
  check_floating(call.name(), "input", call.tensor(0));
  infer_sizes(call, 3);
}

void infer_resize_grad(Inference& call) {  // (grad, dim, size, mode, scale_factor, option)
  check_floating(call.name(), "grad", call.tensor(0));
  const char* mode = call.args[3].as.string;
  if (std::strcmp(mode, "nearest") != 0 && std::strcmp(mode, "linear") != 0 && std::strcmp(mode, "cubic") != 0)
    value_error(call.name(), ": mode must be 'nearest', 'linear' or 'cubic', got '", mode, "'");
  infer_sizes(call, 4);
}

}  // namespace

void declare_resize() {
  infer_by("resize_nearest", infer_resize_nearest);
  infer_by("resize_linear", infer_resize);
  infer_by("resize_cubic", infer_resize);
  infer_by("resize_grad", infer_resize_grad);
}

}  // namespace dovetail
