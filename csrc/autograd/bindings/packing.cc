// saved_tensors_hooks: tensors that the graph keeps in a form of the user's.
#include "autograd/bindings/python.h"
#include "autograd/saved.h"

namespace dovetail::autograd {

namespace {

class PythonPacked final : public Packed {
 public:
  PythonPacked(py::object object, std::shared_ptr<Held> unpack)
      : object_(std::move(object)), unpack_(std::move(unpack)) {}
  Tensor unpack() override {
    const py::gil_scoped_acquire gil;
    const py::object returned = unpack_->get()(object_.get());
    dt_tensor* t = dt::api().tensor_from_py(returned.ptr());
    if (!t)
      throw py::type_error("saved_tensors_hooks: unpack_hook must return a Tensor, got " +
                           std::string(py::str(py::type::of(returned).attr("__name__"))));
    return Tensor::borrow(t);
  }

 private:
  Held object_;
  std::shared_ptr<Held> unpack_;
};

class PythonSaveHooks final : public SaveHooks {
 public:
  PythonSaveHooks(py::object pack, py::object unpack)
      : pack_(std::move(pack)), unpack_(std::make_shared<Held>(std::move(unpack))) {}
  // Called where an op is recorded: what Python raises crosses the library as one of its errors.
  std::unique_ptr<Packed> pack(const Tensor& t) override {
    py::gil_scoped_acquire gil;
    try {
      const int64_t version = dt::api().version(t.get());
      py::object kept = pack_.get()(t);
      if (dt::api().version(t.get()) != version)
        dt::runtime_error(
            "saved_tensors_hooks: pack_hook wrote into the tensor that it was given, which others use; it must work "
            "on a clone()");
      return std::make_unique<PythonPacked>(std::move(kept), unpack_);
    } catch (py::error_already_set& error) {
      error.restore();
      throw dt::Error::from_slot(dt::api().error_from_py());
    }
  }
  SaveHooks* outer = nullptr;

 private:
  Held pack_;
  std::shared_ptr<Held> unpack_;
};

void push(py::object pack, py::object unpack) {
  auto* hooks = new PythonSaveHooks(std::move(pack), std::move(unpack));
  hooks->outer = save_hooks();
  set_save_hooks(hooks);
}

void pop() {
  auto* hooks = static_cast<PythonSaveHooks*>(save_hooks());
  if (!hooks) return;
  set_save_hooks(hooks->outer);
  delete hooks;
}

}  // namespace

std::unique_ptr<SaveHooks> make_save_hooks(py::object pack, py::object unpack) {
  return std::make_unique<PythonSaveHooks>(std::move(pack), std::move(unpack));
}

void bind_packing(py::module_& m) {
  m.def("push_save_hooks", push, py::arg("pack"), py::arg("unpack"));
  m.def("pop_save_hooks", pop);
}

}  // namespace dovetail::autograd
