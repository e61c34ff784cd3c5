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
    dt::runtime_error(
        "autograd: Inference tensors cannot be saved for backward. To work around you can make a clone to "
        "get a normal tensor and use it in autograd.");
}

// The version for which a tensor is saved. If it is written, an error will want to know where.
int64_t watched_version(dt_tensor* t) {
  dt::api().set_bits(t, dt::kWatched, 0);
  return dt::api().version(t);
}

thread_local SaveHooks* innermost_hooks __attribute__((tls_model("initial-exec"))) = nullptr;

std::unique_ptr<Packed> packed_by(SaveHooks& hooks, const Tensor& t) {
  SaveHooks* outer = innermost_hooks;
  innermost_hooks = nullptr;  // what the hooks themselves do is not packed
  std::unique_ptr<Packed> packed;
  try {
    packed = hooks.pack(t);
  } catch (...) {
    innermost_hooks = outer;
    throw;
  }
  innermost_hooks = outer;
  packed->sizes = t.sizes().vector();
  packed->shape = shape_of(t.info());
  packed->shape.sizes = packed->sizes.data();
  return packed;
}

SavedTensor packed(const Tensor& t, int32_t which, int32_t output_nr) {
  return {Tensor(), packed_by(*innermost_hooks, t), 0, which, output_nr};
}

}  // namespace

SaveHooks* save_hooks() { return innermost_hooks; }
void set_save_hooks(SaveHooks* hooks) { innermost_hooks = hooks; }

SavedTensor save_input(dt_tensor* t, int32_t which) {
  check_not_inference(t);
  if (__builtin_expect(innermost_hooks != nullptr, 0)) {
    SavedTensor saved = packed(Tensor::borrow(t), which, -1);
    saved.packed->edge = gradient_edge(t);
    return saved;
  }
  return {Tensor::borrow(t), nullptr, watched_version(t), which, -1};
}

SavedTensor save_output(dt_tensor* t, int32_t output_nr, int32_t which) {
  check_not_inference(t);
  dt_tensor* detached = nullptr;
  dt::check(dt::api().detach(t, &detached));
  Tensor kept = Tensor::steal(detached);
  if (__builtin_expect(innermost_hooks != nullptr, 0)) return packed(kept, which, output_nr);
  return {std::move(kept), nullptr, watched_version(detached), which, output_nr};
}

void pack_saved(SavedTensor& saved, SaveHooks& hooks) {
  saved.packed = packed_by(hooks, saved.tensor);
  if (saved.output_nr < 0) saved.packed->edge = gradient_edge(saved.tensor.get());
  saved.tensor = nullptr;
}

SavedTensor save_at_level(const Tensor& t, int32_t which) {
  check_not_inference(t.get());
  return {t, nullptr, watched_version(t.get()), which, -1};
}

void already_freed(const std::string& who) {
  dt::runtime_error(
      who,
      ": Trying to backward through the graph a second time (or directly access saved tensors after they "
      "have already been freed). Saved intermediate values of the graph are freed when you call "
      ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph "
      "a second time or if you need to access saved tensors after calling backward.");
}

std::string describe(const Shape& shape) {
  return std::string(dtype_name(shape.dtype)) + " tensor of shape " + dt::text(shape.ints());
}

namespace detail {

void written_since(const SavedTensor& saved, Node& owner, const std::string& what) {
  const std::string written = interpreter.where_written ? interpreter.where_written(saved.tensor, saved.version) : "";
  const std::string saved_at = interpreter.where_saved ? interpreter.where_saved(owner.place()) : "";
  dt::runtime_error(owner.name(),
                    ": one of the variables needed for gradient computation has been modified by an inplace operation: "
                    "the ",
                    describe(shape_of(saved.tensor.info())), ", which is ", what, ", is at version ",
                    dt::api().version(saved.tensor.get()), "; expected version ", saved.version, " instead.", saved_at,
                    written, " Hint: clone() it before it is written, or use the operation that is not in place.");
}

Tensor with_own_history(const SavedTensor& saved, Node& owner) {
  return with_history(saved.tensor, &owner, saved.output_nr);
}

Tensor from_packed(const SavedTensor& saved, Node& owner) {
  const Packed& packed = *saved.packed;
  Tensor t = saved.packed->unpack();
  const dt_tensor_info info = t.info();
  if (Ints(info.sizes, info.ndim) != packed.shape.ints() || info.dtype != packed.shape.dtype)
    dt::runtime_error(owner.name(), ": the unpack hook of a saved ", describe(packed.shape), " returned a ",
                      describe(shape_of(info)));
  if (!dt::api().grad_mode()) return t;
  if (saved.output_nr >= 0) return with_history(t, &owner, saved.output_nr);
  return packed.edge ? with_history(t, packed.edge.node.get(), packed.edge.nr) : t;
}

}  // namespace detail

}  // namespace dovetail::autograd
