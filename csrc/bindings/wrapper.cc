#include "bindings/wrapper.h"

#include <structmember.h>

namespace dovetail::py {

PyTypeObject* tensor_type = nullptr;

namespace {

#ifdef DOVETAIL_EXACT_MEMORY
constexpr int kFreeListSize = 1;
#else
constexpr int kFreeListSize = 128;
#endif
TensorObject* free_list[kFreeListSize];  // wrappers of exact type Tensor; each keeps its reference on the type
int free_count = 0;

PyObject* as_object(TensorObject* self) { return reinterpret_cast<PyObject*>(self); }

TensorObject* new_base_wrapper() {
  if (free_count > 0) {
    TensorObject* self = free_list[--free_count];
    _Py_NewReference(as_object(self));
    return self;
  }
  TensorObject* self = PyObject_GC_New(TensorObject, tensor_type);
  if (!self) throw PythonError{};
  return self;
}

TensorObject* new_subclass_wrapper(PyTypeObject* type) {
  // A class statement installs a tp_dealloc that drops __dict__ and weak references before ours could flip ownership.
  if (type->tp_dealloc != tensor_dealloc) type->tp_dealloc = tensor_dealloc;
  auto* self = reinterpret_cast<TensorObject*>(type->tp_alloc(type, 0));  // zeroes what __slots__ added
  if (!self) throw PythonError{};
  PyObject_GC_UnTrack(as_object(self));
  return self;
}

// The two are each other's from now on. (The reference on the impl becomes the wrapper's.)
inline PyObject* bind(TensorObject* self, TensorImpl* impl) {
  self->dict = self->weakrefs = nullptr;
  self->impl = impl;
  impl->pyobj = as_object(self);
  PyObject_GC_Track(self);
  return as_object(self);
}

// Python let go of the wrapper while C++ holds the impl: the impl keeps it. False if nobody else holds the impl.
bool flip_to_impl(TensorObject* self) {
  TensorImpl* impl = self->impl;
  if (!impl || impl->refs.load(std::memory_order_acquire) <= 1) return false;
  _Py_NewReference(as_object(self));
  impl->owns_pyobj = true;
  release(impl);  // the wrapper's own reference; if it is the last after all, the impl drops the wrapper
  return true;
}

// The impl is being destroyed and owns its wrapper.
void drop_wrapper(TensorImpl* impl) {
  Gil gil;
  PyObject* object = impl->pyobj;
  if (!gil.held()) {  // the interpreter is ending: nobody frees the wrapper, but its collector may still look at it
    reinterpret_cast<TensorObject*>(object)->impl = nullptr;
    impl->pyobj = nullptr;
    return;
  }
  impl->owns_pyobj = false;
  impl->refs.store(1, std::memory_order_release);  // the wrapper owns the impl again, while __del__ may look at it
  if (Py_REFCNT(object) == 1 && Py_TYPE(object)->tp_finalize) PyObject_CallFinalizer(object);
  // Taken up again through a weak reference or by __del__: then the impl lives on.
  if (Py_REFCNT(object) == 1 && impl->refs.load(std::memory_order_acquire) == 1) {
    impl->refs.store(0, std::memory_order_release);
    reinterpret_cast<TensorObject*>(object)->impl = nullptr;
    impl->pyobj = nullptr;
  }
  Py_DECREF(object);
}

// The members that __slots__ added below Tensor.
void clear_members(PyObject* self) {
  for (PyTypeObject* type = Py_TYPE(self); type && type != tensor_type; type = type->tp_base) {
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) continue;
    auto* members = reinterpret_cast<PyMemberDef*>(reinterpret_cast<char*>(type) + Py_TYPE(type)->tp_basicsize);
    for (Py_ssize_t i = 0; i < Py_SIZE(type); ++i) {
      if (members[i].type != T_OBJECT_EX || (members[i].flags & READONLY)) continue;
      auto** slot = reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) + members[i].offset);
      Py_CLEAR(*slot);
    }
  }
}

int visit_members(PyObject* self, visitproc visit, void* arg) {
  for (PyTypeObject* type = Py_TYPE(self); type && type != tensor_type; type = type->tp_base) {
    if (!(type->tp_flags & Py_TPFLAGS_HEAPTYPE)) continue;
    auto* members = reinterpret_cast<PyMemberDef*>(reinterpret_cast<char*>(type) + Py_TYPE(type)->tp_basicsize);
    for (Py_ssize_t i = 0; i < Py_SIZE(type); ++i) {
      if (members[i].type != T_OBJECT_EX) continue;
      Py_VISIT(*reinterpret_cast<PyObject**>(reinterpret_cast<char*>(self) + members[i].offset));
    }
  }
  return 0;
}

// All that subtype_dealloc does for a class made in Python, which our tp_dealloc replaces.
void dealloc_subclass(PyObject* object) {
  auto* self = reinterpret_cast<TensorObject*>(object);
  PyTypeObject* type = Py_TYPE(object);
  if (type->tp_finalize && PyObject_CallFinalizerFromDealloc(object) < 0) return;
  if (flip_to_impl(self)) return;  // __del__ may have handed the tensor to C++
  PyObject_GC_UnTrack(object);
  Py_TRASHCAN_BEGIN(object, tensor_dealloc);
  if (self->weakrefs) PyObject_ClearWeakRefs(object);
  clear_members(object);
  Py_CLEAR(self->dict);
  if (TensorImpl* impl = std::exchange(self->impl, nullptr)) {
    impl->pyobj = nullptr;
    release(impl);
  }
  type->tp_free(object);
  Py_DECREF(type);
  Py_TRASHCAN_END;
}

}  // namespace

void tensor_dealloc(PyObject* object) {
  auto* self = reinterpret_cast<TensorObject*>(object);
  if (flip_to_impl(self)) return;
  if (Py_TYPE(object) != tensor_type) return dealloc_subclass(object);
  PyObject_GC_UnTrack(object);
  if (self->weakrefs) PyObject_ClearWeakRefs(object);
  Py_CLEAR(self->dict);
  if (TensorImpl* impl = std::exchange(self->impl, nullptr)) {
    impl->pyobj = nullptr;
    release(impl);
  }
  if (free_count < kFreeListSize) {
    free_list[free_count++] = self;
    return;
  }
  PyTypeObject* type = Py_TYPE(object);
  PyObject_GC_Del(object);
  Py_DECREF(type);
}

int tensor_traverse(PyObject* object, visitproc visit, void* arg) {
  auto* self = reinterpret_cast<TensorObject*>(object);
  TensorImpl* impl = self->impl;
  // While C++ holds the impl, the wrapper lives on and is a root: what it refers to is reachable.
  const bool owned_by_python = impl && !impl->owns_pyobj;
  if (owned_by_python && impl->refs.load(std::memory_order_relaxed) > 1) return 0;
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self->dict);
  if (Py_TYPE(object) != tensor_type) {
    if (int result = visit_members(object, visit, arg)) return result;
  }
  if (!owned_by_python) return 0;
  if (impl->grad && impl->grad->owns_pyobj && impl->grad->refs.load(std::memory_order_relaxed) == 1) {
    Py_VISIT(impl->grad->pyobj);
  }
  dt_slot* slot = impl->slot.load(std::memory_order_acquire);
  return slot && slot->traverse ? slot->traverse(slot, visit, arg) : 0;
}

int tensor_clear(PyObject* object) {
  auto* self = reinterpret_cast<TensorObject*>(object);
  Py_CLEAR(self->dict);
  if (Py_TYPE(object) != tensor_type) clear_members(object);
  TensorImpl* impl = self->impl;
  if (impl && !impl->owns_pyobj && impl->refs.load(std::memory_order_relaxed) == 1) {
    dt_slot* slot = impl->slot.load(std::memory_order_acquire);
    if (slot && slot->clear) slot->clear(slot);
    set_grad(impl, nullptr);
  }
  return 0;
}

PyObject* wrap(Tensor tensor) {
  TensorImpl* impl = tensor.get();
  if (__builtin_expect(impl && !impl->pyobj, 1)) {
    TensorObject* self = new_base_wrapper();
    tensor.release();
    return bind(self, impl);
  }
  if (!impl) Py_RETURN_NONE;
  if (impl->owns_pyobj) {  // flip back: our reference on the impl becomes the wrapper's, its reference ours
    impl->owns_pyobj = false;
    return tensor.release()->pyobj;
  }
  return Py_NewRef(impl->pyobj);
}

PyObject* wrap_as(PyTypeObject* type, Tensor tensor) {
  if (!tensor->pyobj) {
    TensorObject* self = type == tensor_type ? new_base_wrapper() : new_subclass_wrapper(type);
    return bind(self, tensor.release());
  }
  raise(PyExc_RuntimeError, "%s: the tensor already has a Python object", type->tp_name);
}

void init_wrapper() { release_pyobj = drop_wrapper; }

}  // namespace dovetail::py
