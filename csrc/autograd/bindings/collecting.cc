// Cycles through a node that Python holds, too.
//
// What hangs on a node (hooks, notes, a Function's context) is reachable as long as anyone holds the node: the tensor
// that it made, or its Python object. To the collector, each reference on an object is some other object's. So a node
// with a Python object has a keeper, which alone refers to what hangs on the node; the node and its object hold one
// reference on it each. The object speaks for its own one; the tensor for the node's, if it and the object alone hold
// the node; and the object does so where it is the last to hold it. The keeper lives as long as the object.
#include "autograd/bindings/collecting.h"

namespace dovetail::autograd {

namespace {

struct Keeper {
  PyObject_HEAD Node* node;
};

int traverse_keeper(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Node* const node = reinterpret_cast<Keeper*>(self)->node;
  return node ? node->traverse(visit, arg) : 0;
}

int clear_keeper(PyObject* self) {
  if (Node* const node = reinterpret_cast<Keeper*>(self)->node) {
    const NodePtr alive(node);
    node->clear_python();
  }
  return 0;
}

void free_keeper(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyTypeObject* keeper_type() {
  static PyTypeObject* made = nullptr;
  if (made) return made;
  PyType_Slot slots[] = {{Py_tp_traverse, reinterpret_cast<void*>(traverse_keeper)},
                         {Py_tp_clear, reinterpret_cast<void*>(clear_keeper)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(free_keeper)},
                         {0, nullptr}};
  PyType_Spec spec = {"dovetail.autograd._engine.Keeper", sizeof(Keeper), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
                      slots};
  PyObject* const type = PyType_FromSpec(&spec);
  if (!type) throw py::error_already_set();
  return made = reinterpret_cast<PyTypeObject*>(type);
}

// Null while the object is being made.
Node* node_of(PyObject* object) {
  auto* const instance = reinterpret_cast<py::detail::instance*>(object);
  const py::detail::value_and_holder held = instance->get_value_and_holder();
  return held.holder_constructed() ? static_cast<Node*>(held.value_ptr<void>()) : nullptr;
}

PyObject* keeper_of(const Node& node) {
  const Extra* const extra = node.extra_if_any();
  return extra ? extra->keeper : nullptr;
}

// A leaf's node is part of its tensor; this one speaks for it where nobody else holds the tensor.
bool is_last(const Node& node) { return node.leaf() ? dt::api().use_count(node.leaf()) == 1 : node.sole_owner(); }

int traverse_object(PyObject* self, visitproc visit, void* arg) {
  if (int result = py::detail::pybind11_traverse(self, visit, arg)) return result;
  const Node* const node = node_of(self);
  if (!node) return 0;
  PyObject* const keeper = keeper_of(*node);
  if (!keeper) return is_last(*node) ? node->traverse(visit, arg) : 0;
  Py_VISIT(keeper);
  if (is_last(*node)) Py_VISIT(keeper);
  return 0;
}

int clear_object(PyObject* self) {
  py::detail::pybind11_clear(self);
  if (Node* const node = node_of(self); node && is_last(*node)) {
    const NodePtr alive(node);
    node->clear_python();
  }
  return 0;
}

void free_object(PyObject* self) {
  Node* const node = node_of(self);
  PyObject* const keeper = node ? keeper_of(*node) : nullptr;
  if (keeper) {
    node->extra().keeper = nullptr;
    reinterpret_cast<Keeper*>(keeper)->node = nullptr;
    Py_DECREF(keeper);
    Py_DECREF(keeper);
  }
  py::detail::pybind11_object_dealloc(self);
}

}  // namespace

py::custom_type_setup collected() {
  return py::custom_type_setup([](PyHeapTypeObject* heap_type) {
    PyTypeObject& type = heap_type->ht_type;
    type.tp_flags |= Py_TPFLAGS_HAVE_GC;
    type.tp_traverse = traverse_object;
    type.tp_clear = clear_object;
    type.tp_dealloc = free_object;
  });
}

void keep(Node& node, py::handle object) {
  // (A leaf's node counts no references of its own.)
  if (node.leaf() || keeper_of(node) || node_of(object.ptr()) != &node) return;
  auto* const keeper = PyObject_GC_New(Keeper, keeper_type());
  if (!keeper) throw py::error_already_set();
  keeper->node = &node;
  node.extra().keeper = reinterpret_cast<PyObject*>(keeper);
  Py_INCREF(keeper);
  PyObject_GC_Track(keeper);
}

}  // namespace dovetail::autograd
