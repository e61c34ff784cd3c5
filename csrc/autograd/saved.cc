#include "autograd/saved.h"

#include "autograd/meta.h"

namespace dovetail::autograd {

namespace {

const char* dtype_name(int32_t dtype) {
  static constexpr const char* kNames[] = {"float32", "float64", "float16", "bfloat16",  "int8",
                                           "int16",   "int32",   "int64",   "uint8",     "uint16",
                                           "uint32",  "uint64",  "bool",    "complex64", "complex128"};
  return dtype >= 0 && dtype < static_cast<int32_t>(std::size(kNames)) ? kNames[dtype] : "unknown";
}

void check_not_inference(dt_tensor* t) {
  if (__builtin_expect(dt::api().bits(t) & DT_BIT_INFERENCE, 0))
    dt::runtime_error("autograd: Inference tensors cannot be saved for backward. To work around you can make a clone to "
                      "get a normal tensor and use it in autograd.");
}

}  // namespace

SavedTensor save_input(dt_tensor* t, int32_t which) {
  check_not_inference(t);
  return {Tensor::borrow(t), dt::api().version(t), which, -1};
}

SavedTensor save_output(dt_tensor* t, int32_t output_nr, int32_t which) {
  check_not_inference(t);
  dt_tensor* detached = nullptr;
  dt::check(dt::api().detach(t, &detached));
  return {Tensor::steal(detached), dt::api().version(detached), which, output_nr};
}

void already_freed(const std::string& who) {
  dt::runtime_error(who,
                    ": Trying to backward through the graph a second time (or directly access saved tensors after they "
                    "have already been freed). Saved intermediate values of the graph are freed when you call "
                    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph "
                    "a second time or if you need to access saved tensors after calling backward.");
}

std::string describe(const Shape& shape) {
  return std::string(dtype_name(shape.dtype)) + " tensor of shape " + dt::text(shape.ints());
}

namespace detail {

void written_since(const SavedTensor& saved, const std::string& owner, const std::string& what) {
  dt::runtime_error(owner,
                    ": one of the variables needed for gradient computation has been modified by an inplace operation: "
                    "the ",
                    describe(shape_of(saved.tensor.info())), ", which is ", what, ", is at version ",
                    dt::api().version(saved.tensor.get()), "; expected version ", saved.version,
                    " instead. Hint: clone() it before it is written, or use the operation that is not in place.");
}

Tensor with_own_history(const SavedTensor& saved, Node& owner) {
  return with_history(saved.tensor, &owner, saved.output_nr);
}

}  // namespace detail

}  // namespace dovetail::autograd
