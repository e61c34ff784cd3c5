#include "bindings/op_type.h"

#include <structmember.h>

#include <vector>

#include "bindings/requires_grad.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

PyTypeObject *op_type = nullptr, *op_method_type = nullptr;

namespace {

// Below this many elements a call is over before another thread could use the GIL.
constexpr int64_t kLargeWork = 65536;

std::vector<PyObject*> objects;    // by op id
std::vector<const OpInfo*> infos;  // by op id

bool is_large(const dt_value* args, int n_args) {
  int64_t total = 0;
  for (int i = 0; i < n_args; ++i) {
    if (args[i].tag == DT_TENSOR) {
      total += args[i].as.tensor->numel;
    } else if (args[i].tag == DT_TENSORS) {
      for (int k = 0; k < args[i].count; ++k) total += args[i].as.tensors[k] ? args[i].as.tensors[k]->numel : 0;
    }
  }
  return total > kLargeWork;
}

// The size that a factory is to fill counts as work too.
bool fills_much(const Op& op, const dt_value* args) {
  if (op.schema.args.empty() || args[0].tag != DT_INTS) return false;
  double total = 1;
  for (int i = 0; i < args[0].count; ++i) total *= static_cast<double>(args[0].as.ints[i]);
  return total > kLargeWork;
}

PyObject* call_factory(OpObject* self, Parsed& parsed) {
  const auto make = [&] { return call_numbers(*self->op, parsed.values, self->info->count); };
  PyObject* result;
  if (__builtin_expect(fills_much(*self->op, parsed.values), 0)) {
    Tensor made;
    {
      WithoutGil released(true);
      made = make();
    }
    result = wrap(std::move(made));
  } else {
    result = wrap(make());
  }
  if (!parsed.requires_grad) return result;
  Ref kept = Ref::steal(result);
  set_requires_grad(result, parsed.requires_grad);
  return kept.release();
}

PyObject* call_parsed(OpObject* self, Parsed& parsed) {
  const Op& op = *self->op;
  if (op.form == DT_FORM_VIEW && self->variant != Variant::inplace && !parsed.out && !parsed.requires_grad)
    return wrap(call_view(op, parsed.values, self->info->count));
  if (op.device_of_numbers >= 0 && !parsed.out) return call_factory(self, parsed);
  const int n_outs = op.n_outputs();
  dt_value outs[kMaxOutputs];
  for (int k = 0; k < n_outs; ++k) put(outs[k], nullptr);
  if (self->variant == Variant::inplace) {
    outs[0] = parsed.values[0];
  } else if (parsed.out) {
    place_destinations(op, parsed.out, outs);
  }
  call_op(op, parsed.values, self->info->count, outs, n_outs);
  Ref result = results_to_python(op, outs, self->info->results);
  if (parsed.requires_grad) set_requires_grad(result.get(), parsed.requires_grad);
  return result.release();
}

// The call in a form that the schema does not have, but dovetail.other_forms knows: with other keywords, and
// view(dtype). Null where there is none.
PyObject* call_other_form(PyObject* callable, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (!kwnames && reinterpret_cast<OpObject*>(callable)->op->name() != "view") return nullptr;
  Ref module = checked(PyImport_ImportModule("dovetail.other_forms"));
  Ref names = kwnames ? Ref::borrow(kwnames) : checked(PyTuple_New(0));
  Ref form = checked(PyObject_CallMethod(module.get(), "find", "OO", callable, names.get()));
  if (form.get() == Py_None) return nullptr;
  return checked(PyObject_Vectorcall(form.get(), args, static_cast<size_t>(nargs), kwnames)).release();
}

PyObject* vectorcall(PyObject* callable, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  return entry([&] {
    auto* self = reinterpret_cast<OpObject*>(callable);
    const Py_ssize_t nargs = PyVectorcall_NARGS(nargsf);
    Parsed parsed;
    try {
      parse(*self->info, self->variant, args, nargs, kwnames, parsed);
    } catch (const Error&) {
      PyObject* result = call_other_form(callable, args, nargs, kwnames);
      if (!result) throw;
      return result;
    }
    return call_parsed(self, parsed);
  });
}

// A method binds to its tensor as a function does.
PyObject* descr_get(PyObject* self, PyObject* object, PyObject*) {
  if (!object || object == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, object);
}

PyObject* repr(PyObject* self) {
  const auto* object = reinterpret_cast<OpObject*>(self);
  const char* kind = object->variant == Variant::function ? "op" : "method";
  const char* suffix = object->variant == Variant::inplace ? "_" : "";
  return PyUnicode_FromFormat("<dovetail %s %s%s>", kind, object->op->name().c_str(), suffix);
}

// Ops live as long as the process; only their attributes take part in garbage collection.
int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(reinterpret_cast<OpObject*>(self)->dict);
  Py_VISIT(reinterpret_cast<OpObject*>(self)->module);
  return 0;
}
int clear(PyObject* self) {
  Py_CLEAR(reinterpret_cast<OpObject*>(self)->dict);
  return 0;
}
void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  Py_CLEAR(reinterpret_cast<OpObject*>(self)->module);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(OpObject, vectorcall), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(OpObject, dict), READONLY, nullptr},
    {"__module__", T_OBJECT, offsetof(OpObject, module), 0, nullptr},
    {},
};
PyType_Slot slots[] = {
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_members, members},
    {Py_tp_getset, nullptr},   // set in init_op
    {Py_tp_methods, nullptr},  // set in init_op
    {0, nullptr},
};
// The getset is repeated, because a heap type without a doc of its own has None for __doc__.
PyType_Slot method_slots[] = {
    {Py_tp_getset, nullptr},  // set in init_op
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_descr_get, reinterpret_cast<void*>(descr_get)},
    {0, nullptr},
};
// Immutable: the interpreter remembers where it found a method only if the method's type can't change.
constexpr unsigned long kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                                 Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE;
PyType_Spec spec = {"dovetail.Op", sizeof(OpObject), 0, kFlags | Py_TPFLAGS_BASETYPE, slots};
PyType_Spec method_spec = {"dovetail.OpMethod", sizeof(OpObject), 0, kFlags | Py_TPFLAGS_METHOD_DESCRIPTOR,
                           method_slots};

PyObject* make_object(PyTypeObject* type, const Op& op, Variant variant) {
  auto* self = reinterpret_cast<OpObject*>(type->tp_alloc(type, 0));
  if (!self) throw PythonError{};
  self->vectorcall = vectorcall;
  self->op = &op;
  self->info = &op_info(op);
  self->variant = variant;
  self->module = PyUnicode_InternFromString("dovetail");
  return reinterpret_cast<PyObject*>(self);
}

void install(const std::string& name, const Op& op, Variant variant) {
  Ref key = checked(PyUnicode_InternFromString(name.c_str()));
  PyObject* present = PyDict_GetItemWithError(tensor_type->tp_dict, key.get());
  if (!present && PyErr_Occurred()) throw PythonError{};
  if (present && Py_TYPE(present) != op_method_type) return;  // written by hand
  Ref method = Ref::steal(make_object(op_method_type, op, variant));
  check(PyObject_SetAttr(reinterpret_cast<PyObject*>(tensor_type), key.get(), method.get()));
}

}  // namespace

void place_destinations(const Op& op, PyObject* out, dt_value* outs) {
  const int count = op.n_outputs();
  if (count == 1 && is_tensor(out)) {
    put(outs[0], impl_of(out));
    return;
  }
  const bool sequence = PyTuple_Check(out) || PyList_Check(out);
  if (!sequence || PySequence_Fast_GET_SIZE(out) != count) {
    type_error(op.name(), ": out must be ", count == 1 ? "a Tensor" : "a tuple of Tensors, one for each result",
               ", got ", given_text(out));
  }
  for (int i = 0; i < count; ++i) {
    PyObject* entry = PySequence_Fast_GET_ITEM(out, i);
    if (!is_tensor(entry))
      type_error(op.name(), ": out must hold Tensors, got ", given_text(entry), " at position ", i);
    outs[i] = box(impl_of(entry));
  }
}

void call_op(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  WithoutGil released(is_large(args, n_args) || fills_much(op, args));
  call(op, args, n_args, outs, n_outs);
}

const OpInfo& op_info(const Op& op) {
  if (op.id >= static_cast<int32_t>(infos.size())) infos.resize(op.id + 64);
  if (!infos[op.id]) infos[op.id] = new OpInfo(op);
  return *infos[op.id];
}

PyObject* op_object(const Op& op) {
  if (op.id >= static_cast<int32_t>(objects.size())) objects.resize(op.id + 64);
  if (!objects[op.id]) objects[op.id] = make_object(op_type, op, Variant::function);
  return objects[op.id];
}

bool is_op(PyObject* object) { return Py_TYPE(object) == op_type || Py_TYPE(object) == op_method_type; }

void install_methods(const Op& op) {
  if (op.is_method) {
    install(op.name(), op, Variant::method);
    for (const std::string& alias : op.aliases) install(alias, op, Variant::method);
  }
  if (op.is_inplace) {
    install(op.name() + "_", op, Variant::inplace);
    for (const std::string& alias : op.aliases) install(alias + "_", op, Variant::inplace);
  }
}

void init_op(PyObject* module) {
  for (PyType_Slot& slot : slots) {
    if (slot.slot == Py_tp_getset) slot.pfunc = op_getset();
    if (slot.slot == Py_tp_methods) slot.pfunc = op_methods();
  }
  method_slots[0].pfunc = op_getset();
  Ref type = checked(PyType_FromSpec(&spec));
  op_type = reinterpret_cast<PyTypeObject*>(type.release());
  Ref method = checked(PyType_FromSpecWithBases(&method_spec, reinterpret_cast<PyObject*>(op_type)));
  op_method_type = reinterpret_cast<PyTypeObject*>(method.release());
  check(PyModule_AddObjectRef(module, "Op", reinterpret_cast<PyObject*>(op_type)));
  check(PyModule_AddObjectRef(module, "OpMethod", reinterpret_cast<PyObject*>(op_method_type)));
}

}  // namespace dovetail::py
