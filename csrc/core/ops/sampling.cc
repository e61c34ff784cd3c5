// What sampling images at points gives; the ops are written in Python.
#include <algorithm>
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

bool is_one_of(const char* text, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return std::strcmp(text, name) == 0; });
}

// (image sizes and points as given, mode and padding_mode from argument `first` on)
void check_points(Inference& call, const TensorImpl& grid, int dims, const int64_t* sizes, int first) {
  const char *mode = call.args[first].as.string, *padding = call.args[first + 1].as.string;
  if (!is_one_of(mode, {"bilinear", "nearest", "bicubic"}))
    value_error(call.name(), ": mode must be 'bilinear', 'nearest' or 'bicubic', got '", mode, "'");
  if (!is_one_of(padding, {"zeros", "border", "reflection"}))
    value_error(call.name(), ": padding_mode must be 'zeros', 'border' or 'reflection', got '", padding, "'");
  check_floating(call.name(), "grid", grid);
  for (int d = 0; d < dims; ++d)
    if (sizes[d] < 1) value_error(call.name(), ": expected an input with pixels, got sizes ", shape_text(dims, sizes));
  if (dims != 2 && std::strcmp(mode, "bicubic") == 0)
    value_error(call.name(), ": mode 'bicubic' is for images, got an input of ", dims, " spatial dims");
}

void check_image(Inference& call, const TensorImpl& input, const TensorImpl& grid, int first) {
  const int dims = input.ndim - 2;
  check_floating(call.name(), "input", input);
  if ((dims != 2 && dims != 3) || grid.ndim != input.ndim || grid.size(grid.ndim - 1) != dims ||
      grid.size(0) != input.size(0))
    value_error(call.name(),
                ": expected an input (N, C, H, W) and a grid (N, ..., 2), or (N, C, D, H, W) and (N, ..., 3), got ",
                shape_text(input), " and ", shape_text(grid));
  check_points(call, grid, dims, input.sizes() + 2, first);
}

void set_points(OutputSpec& out, const TensorImpl& grid, int64_t channels) {
  out.push(grid.size(0));
  out.push(channels);
  for (int d = 1; d < grid.ndim - 1; ++d) out.push(grid.size(d));
}

void check_grad(Inference& call, const TensorImpl& grad, const TensorImpl& grid) {
  check_floating(call.name(), "grad", grad);
  OutputSpec wanted;
  if (grad.ndim == grid.ndim && grad.ndim >= 4) set_points(wanted, grid, grad.size(1));
  if (wanted.ndim == 0 || !std::equal(grad.sizes(), grad.sizes() + grad.ndim, wanted.sizes))
    value_error(call.name(), ": grad must have the shape of the samples, got ", shape_text(grad),
                " for a grid of shape ", shape_text(grid));
}

void infer_sample(Inference& call) {  // (input, grid, mode, padding_mode, align_corners)
  const TensorImpl &input = call.tensor(0), &grid = call.tensor(1);
  check_image(call, input, grid, 2);
  set_points(call.outs[0], grid, input.size(1));
  call.outs[0].dtype = call.compute = promote(input.dtype, grid.dtype);
}

void infer_input_grad(Inference& call) {  // (grad, grid, input_size, mode, padding_mode, align_corners)
  const TensorImpl &grad = call.tensor(0), &grid = call.tensor(1);
  check_grad(call, grad, grid);
  const dt_value& size = call.args[2];
  if (size.count != grid.ndim - 2 || grid.size(grid.ndim - 1) != size.count)
    value_error(call.name(), ": input_size must be the image's spatial sizes, got ", ints_text(size),
                " for a grid of shape ", shape_text(grid));
  check_points(call, grid, size.count, size.as.ints, 3);
  call.outs[0].push(grad.size(0));
  call.outs[0].push(grad.size(1));
  for (int d = 0; d < size.count; ++d) call.outs[0].push(size.as.ints[d]);
  call.outs[0].dtype = call.compute = promote(grad.dtype, grid.dtype);
}

void infer_grid_grad(Inference& call) {  // (grad, input, grid, mode, padding_mode, align_corners)
  const TensorImpl &grad = call.tensor(0), &input = call.tensor(1), &grid = call.tensor(2);
  check_image(call, input, grid, 3);
  check_grad(call, grad, grid);
  if (grad.size(1) != input.size(1))
    value_error(call.name(), ": grad must have the input's channels, got ", shape_text(grad), " and ",
                shape_text(input));
  call.outs[0].like(grid);
  call.outs[0].dtype = call.compute = promote(promote(grad.dtype, input.dtype), grid.dtype);
}

}  // namespace

void declare_sampling() {
  infer_by("grid_sample", infer_sample);
  infer_by("grid_sample_input_grad", infer_input_grad);
  infer_by("grid_sample_grid_grad", infer_grid_grad);
}

}  // namespace dovetail
