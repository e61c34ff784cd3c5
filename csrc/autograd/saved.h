// Tensors that a node keeps for its backward, guarded against writes.
#pragma once

#include "autograd/node.h"

namespace dovetail::autograd {

// Users may have tensors kept in another form: packed when they are saved, unpacked when they are needed.
class Packed {
 public:
  virtual ~Packed() = default;
  virtual Tensor unpack() = 0;

  Edge edge;                   // where the tensor's gradient goes
  std::vector<int64_t> sizes;  // of the tensor
  Shape shape;
};
class SaveHooks {
 public:
  virtual ~SaveHooks() = default;
  virtual std::unique_ptr<Packed> pack(const Tensor& t) = 0;
};
// The innermost ones of this thread. Null: tensors are kept as they are.
SaveHooks* save_hooks();
void set_save_hooks(SaveHooks* hooks);

struct SavedTensor {
  Tensor tensor;  // or:
  std::unique_ptr<Packed> packed;
  int64_t version = 0;
  int32_t which = 0;       // the owner's name for it
  int32_t output_nr = -1;  // >= 0: this output of the owner itself, kept without its history, which would be a cycle

  explicit operator bool() const { return tensor || packed; }
  Shape shape() const { return packed ? packed->shape : shape_of(tensor.info()); }
  void release() {
    tensor = nullptr;
    packed.reset();
  }
};

SavedTensor save_input(dt_tensor* t, int32_t which);
SavedTensor save_output(dt_tensor* t, int32_t output_nr, int32_t which);
// Keep a tensor that is kept as it is in packed form from now on.
void pack_saved(SavedTensor& saved, SaveHooks& hooks);
// For a node of a level above autograd, which runs when the level is over: the tensor as the levels below know it.
SavedTensor save_at_level(const Tensor& t, int32_t which);

// The tensor to compute with, its history included where grad mode is on. Throws if it was written since; `what` then
// says which it is ("argument other of mul").
template <class What>
Tensor unpack(const SavedTensor& saved, Node& owner, What&& what);

// Throws the error of a second backward through a graph that was freed.
[[noreturn]] void already_freed(const std::string& who);

std::string describe(const Shape& shape);  // "float32 tensor of shape (2, 3)"

namespace detail {
[[noreturn]] void written_since(const SavedTensor& saved, Node& owner, const std::string& what);
Tensor with_own_history(const SavedTensor& saved, Node& owner);
Tensor from_packed(const SavedTensor& saved, Node& owner);
}  // namespace detail

template <class What>
Tensor unpack(const SavedTensor& saved, Node& owner, What&& what) {
  if (__builtin_expect(saved.packed != nullptr, 0)) return detail::from_packed(saved, owner);
  if (__builtin_expect(dt::api().version(saved.tensor.get()) != saved.version, 0))
    detail::written_since(saved, owner, what());
  if (saved.output_nr >= 0 && dt::api().grad_mode()) return detail::with_own_history(saved, owner);
  return saved.tensor;
}

}  // namespace dovetail::autograd
