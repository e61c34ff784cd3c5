#include "bindings/requires_grad.h"

#include "bindings/wrapper.h"
#include "core/dispatch.h"

namespace dovetail::py {

namespace {

bool is_leaf(PyObject* tensor) {
  Ref leaf = checked(PyObject_GetAttrString(tensor, "is_leaf"));
  const int truth = PyObject_IsTrue(leaf.get());
  check(truth);
  return truth != 0;
}

}  // namespace

void load_autograd() {
  static bool loaded = false;
  if (loaded) return;
  Ref module = Ref::steal(PyImport_ImportModule("dovetail.autograd"));
  if (!module) {
    if (!PyErr_ExceptionMatches(PyExc_ModuleNotFoundError)) throw PythonError{};
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    Ref name = Ref::steal(PyObject_GetAttrString(value, "name"));
    const bool ours =
        name && PyUnicode_Check(name.get()) && PyUnicode_CompareWithASCIIString(name.get(), "dovetail.autograd") == 0;
    PyErr_Restore(type, value, traceback);  // a missing import of its own is not ours to explain
    if (!ours) throw PythonError{};
    PyErr_Clear();
    raise(PyExc_ImportError, "requires_grad needs the distribution dovetail-autograd: pip install dovetail-autograd");
  }
  loaded = true;
}

void set_requires_grad(PyObject* tensor, PyObject* value) {
  const int wanted = PyObject_IsTrue(value);
  check(wanted);
  TensorImpl* impl = impl_of(tensor);
  const bool has = (impl->bits & DT_BIT_GRAD) != 0;
  if (has == (wanted != 0)) return;
  if (!wanted) {
    if (!is_leaf(tensor)) {
      runtime_error(
          "requires_grad: it can only be turned off on a leaf; use detach() to cut a tensor out of the graph");
    }
    impl->bits.change(0, DT_BIT_GRAD);
    return;
  }
  if (is_exact(impl->dtype)) {
    runtime_error("requires_grad: only tensors of floating or complex dtype can require gradients, this one is ",
                  describe(*impl));
  }
  if (impl->bits & DT_BIT_INFERENCE && !thread_state().inference_mode) {
    runtime_error(
        "requires_grad: a tensor that was made in inference mode can't require gradients outside of it; "
        "clone() it first");
  }
  load_autograd();
  impl->bits.change(DT_BIT_GRAD, 0);
}

}  // namespace dovetail::py
