// What an Op object says of itself, and its boxed calls.
#include <string>

#include "bindings/op_type.h"
#include "bindings/python_ops.h"
#include "bindings/types.h"

namespace dovetail::py {

namespace {

const Op& op_of(PyObject* self) { return *reinterpret_cast<OpObject*>(self)->op; }
Variant variant_of(PyObject* self) { return reinterpret_cast<OpObject*>(self)->variant; }

PyObject* text_object(const std::string& text) { return PyUnicode_FromStringAndSize(text.data(), text.size()); }

const char* form_name(int32_t form) {
  static const char* const names[] = {"view", "elementwise", "reduction", "plain", "dynamic", "composite"};
  return names[form];
}

Ref simple_namespace(Ref attributes) {
  Ref types = checked(PyImport_ImportModule("types"));
  Ref make = checked(PyObject_GetAttrString(types.get(), "SimpleNamespace"));
  Ref none = checked(PyTuple_New(0));
  return checked(PyObject_Call(make.get(), none.get(), attributes.get()));
}

Ref argument_object(const Arg& arg) {
  Ref fields = checked(PyDict_New());
  Ref default_value = arg.has_default ? value_to_python(arg.default_value) : Ref::borrow(Py_Ellipsis);
  const auto set = [&](const char* name, Ref value) { check(PyDict_SetItemString(fields.get(), name, value.get())); };
  set("name", checked(text_object(arg.name)));
  set("type", checked(text_object(arg.type)));
  set("default", default_value);
  set("has_default", Ref::borrow(arg.has_default ? Py_True : Py_False));
  set("keyword_only", Ref::borrow(arg.keyword_only ? Py_True : Py_False));
  set("optional", Ref::borrow(arg.optional ? Py_True : Py_False));
  set("written", Ref::borrow(arg.written ? Py_True : Py_False));
  return simple_namespace(std::move(fields));
}

template <class Items, class MakeItem>
PyObject* tuple_of(const Items& items, MakeItem make_item) {
  Ref tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(items.size())));
  Py_ssize_t i = 0;
  for (const auto& item : items) PyTuple_SET_ITEM(tuple.get(), i++, checked(make_item(item)).release());
  return tuple.release();
}

// ---- attributes -----------------------------------------------------------------------------------------

PyObject* get_name(PyObject* self, void*) { return text_object(op_of(self).name()); }
PyObject* get_dunder_name(PyObject* self, void*) {
  return text_object(op_of(self).name() + (variant_of(self) == Variant::inplace ? "_" : ""));
}
PyObject* get_qualname(PyObject* self, void*) {
  const std::string owner = variant_of(self) == Variant::function ? "" : "Tensor.";
  return text_object(owner + op_of(self).name() + (variant_of(self) == Variant::inplace ? "_" : ""));
}
PyObject* get_schema(PyObject* self, void*) { return text_object(op_of(self).schema.text); }
PyObject* get_args(PyObject* self, void*) {
  return entry(
      [&] { return tuple_of(op_of(self).schema.args, [](const Arg& a) { return argument_object(a).release(); }); });
}
PyObject* get_returns(PyObject* self, void*) {
  return entry([&]() -> PyObject* {
    if (op_of(self).returns_list()) return Py_NewRef(Py_None);
    return tuple_of(op_of(self).schema.returns, text_object);
  });
}
PyObject* get_form(PyObject* self, void*) { return PyUnicode_FromString(form_name(op_of(self).form)); }
PyObject* get_family(PyObject* self, void*) { return text_object(op_of(self).family); }
PyObject* get_aliases(PyObject* self, void*) {
  return entry([&] { return tuple_of(op_of(self).aliases, text_object); });
}
PyObject* get_doc(PyObject* self, void*) {
  const Op& op = op_of(self);
  if (op.doc.empty() && !entry([&] { return load_function(op), Py_None; })) return nullptr;
  if (variant_of(self) == Variant::inplace) return text_object("In-place form of " + op.name() + "().\n\n" + op.doc);
  return text_object(op.doc);
}
PyObject* get_text_signature(PyObject* self, void*) {
  const std::string text = signature_text(op_of(self));
  return text_object(text.substr(text.find('(')));
}
PyObject* get_id(PyObject* self, void*) { return PyLong_FromLong(op_of(self).id); }
PyObject* get_decomposes(PyObject* self, void*) { return PyBool_FromLong(op_of(self).decomposes()); }
PyObject* get_returns_list(PyObject* self, void*) { return PyBool_FromLong(op_of(self).returns_list()); }
PyObject* get_returns_view(PyObject* self, void*) { return PyBool_FromLong(op_of(self).schema.returns_view); }
PyObject* get_writes(PyObject* self, void*) { return PyBool_FromLong(op_of(self).schema.writes); }

// The flags of dt_op, each by a pointer to its member.
template <bool Op::* flag>
PyObject* get_flag(PyObject* self, void*) {
  return PyBool_FromLong(op_of(self).*flag);
}

Ref parameter(const Ref& type, const char* name, const char* kind, Ref default_value) {
  Ref kind_object = checked(PyObject_GetAttrString(type.get(), kind));
  Ref args = checked(Py_BuildValue("(sO)", name, kind_object.get()));
  Ref kwargs = checked(PyDict_New());
  if (default_value) check(PyDict_SetItemString(kwargs.get(), "default", default_value.get()));
  return checked(PyObject_Call(type.get(), args.get(), kwargs.get()));
}

PyObject* get_signature(PyObject* self, void*) {
  return entry([&] {
    const Op& op = op_of(self);
    Ref inspect = checked(PyImport_ImportModule("inspect"));
    Ref type = checked(PyObject_GetAttrString(inspect.get(), "Parameter"));
    Ref parameters = checked(PyList_New(0));
    const auto add = [&](const char* name, bool keyword_only, Ref value) {
      const char* kind = keyword_only ? "KEYWORD_ONLY" : "POSITIONAL_OR_KEYWORD";
      check(PyList_Append(parameters.get(), parameter(type, name, kind, std::move(value)).get()));
    };
    for (const Arg& arg : op.schema.args) {
      add(arg.name.c_str(), arg.keyword_only, arg.has_default ? value_to_python(arg.default_value) : Ref());
    }
    if (op.has_out && variant_of(self) != Variant::inplace) add("out", true, Ref::borrow(Py_None));
    if (op.factory) add("requires_grad", true, Ref::borrow(Py_False));
    Ref make = checked(PyObject_GetAttrString(inspect.get(), "Signature"));
    return checked(PyObject_CallOneArg(make.get(), parameters.get())).release();
  });
}

// ---- boxed calls ----------------------------------------------------------------------------------------

// op.call(args, out=None): all arguments by position, as layers pass them on.
PyObject* call_method(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  return entry([&] {
    const Op& op = op_of(self);
    PyObject* out = nargs > 1 ? args[1] : nullptr;
    if (kwnames && PyTuple_GET_SIZE(kwnames) == 1 && nargs == 1 &&
        PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "out") == 0) {
      out = args[1];
    } else if ((kwnames && PyTuple_GET_SIZE(kwnames) > 0) || nargs < 1 || nargs > 2) {
      type_error(op.name(), ".call: expected (args, out=None)");
    }
    if (!PyTuple_Check(args[0]) && !PyList_Check(args[0])) {
      type_error(op.name(), ".call: args must be a tuple of all arguments, got ", given_text(args[0]));
    }
    Ref tuple = checked(PySequence_Tuple(args[0]));
    Parsed parsed;
    parse_boxed(op_info(op), &PyTuple_GET_ITEM(tuple.get(), 0), PyTuple_GET_SIZE(tuple.get()), parsed);
    dt_value outs[kMaxOutputs] = {};
    if (out && out != Py_None) place_destinations(op, out, outs);
    call_op(op, parsed.values, op_info(op).count, outs, op.n_outputs());
    return results_to_python(op, outs, op_info(op).results).release();
  });
}

PyObject* decompose_method(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  return entry([&] {
    const Op& op = op_of(self);
    if (!op.decomposes()) runtime_error(op.name(), ".decompose: this op is primitive and has no decomposition");
    Parsed parsed;
    parse_boxed(op_info(op), args, nargs, parsed);
    dt_value outs[kMaxOutputs] = {};
    decompose(op, parsed.values, op_info(op).count, outs, op.n_outputs());
    return results_to_python(op, outs, op_info(op).results).release();
  });
}

PyObject* reduce(PyObject* self, PyObject*) {
  return entry([&] {
    Ref module = checked(PyImport_ImportModule("dovetail._core"));
    Ref get = checked(PyObject_GetAttrString(module.get(), "get_op"));
    return Py_BuildValue("O(s)", get.get(), op_of(self).name().c_str());
  });
}

PyGetSetDef getset[] = {
    {"name", get_name, nullptr, "The op's name in the registry.", nullptr},
    {"__name__", get_dunder_name, nullptr, nullptr, nullptr},
    {"__qualname__", get_qualname, nullptr, nullptr, nullptr},
    {"__doc__", get_doc, nullptr, nullptr, nullptr},
    {"doc", get_doc, nullptr, "The op's documentation.", nullptr},
    {"__text_signature__", get_text_signature, nullptr, nullptr, nullptr},
    {"__signature__", get_signature, nullptr, nullptr, nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {"id", get_id, nullptr, "The op's number in this process.", nullptr},
    {"schema", get_schema, nullptr, "The declaration, as one line.", nullptr},
    {"args", get_args, nullptr, "The arguments: objects with name, type, default and keyword_only.", nullptr},
    {"returns", get_returns, nullptr, "The results' names, '' where unnamed; None for a list.", nullptr},
    {"returns_list", get_returns_list, nullptr, "Whether the result is a list of tensors.", nullptr},
    {"returns_view", get_returns_view, nullptr, "Whether the result shares the first argument's storage.", nullptr},
    {"writes", get_writes, nullptr, "Whether some argument is written in place.", nullptr},
    {"form", get_form, nullptr, "How kernels see the op: 'elementwise', 'reduction', ...", nullptr},
    {"family", get_family, nullptr, "The file that declares the op.", nullptr},
    {"aliases", get_aliases, nullptr, "Other public names.", nullptr},
    {"required", get_flag<&Op::required>, nullptr, "Whether every backend must bring a kernel.", nullptr},
    {"host", get_flag<&Op::host>, nullptr, "Whether a CPU library or kernel does the work for every backend.", nullptr},
    {"differentiable", get_flag<&Op::differentiable>, nullptr, "Whether a derivative has a meaning.", nullptr},
    {"random", get_flag<&Op::random>, nullptr, "Whether the op draws random numbers.", nullptr},
    {"is_function", get_flag<&Op::is_function>, nullptr, "Whether there is a public dovetail.<name>.", nullptr},
    {"is_method", get_flag<&Op::is_method>, nullptr, "Whether there is a Tensor.<name>.", nullptr},
    {"is_inplace", get_flag<&Op::is_inplace>, nullptr, "Whether there is a Tensor.<name>_.", nullptr},
    {"has_out", get_flag<&Op::has_out>, nullptr, "Whether out= is taken.", nullptr},
    {"factory", get_flag<&Op::factory>, nullptr, "Whether requires_grad= is taken.", nullptr},
    {"decomposes", get_decomposes, nullptr, "Whether the op has a decomposition.", nullptr},
    {},
};
PyMethodDef methods[] = {
    {"call", as_method(call_method), METH_FASTCALL | METH_KEYWORDS,
     "call(args, out=None): call with all arguments by position, as layers pass them on.\n\n"
     "out is a tuple of destinations, or None."},
    {"decompose", as_method(decompose_method), METH_FASTCALL, "decompose(*args): run the op's decomposition."},
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {},
};

}  // namespace

PyGetSetDef* op_getset() { return getset; }
PyMethodDef* op_methods() { return methods; }

}  // namespace dovetail::py
