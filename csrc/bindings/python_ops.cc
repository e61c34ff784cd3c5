// Ops whose decomposition is a Python function.
#include "bindings/python_ops.h"

#include <cstring>
#include <memory>
#include <string>

#include "bindings/errors.h"
#include "bindings/op_type.h"

namespace dovetail::py {

namespace {

// What hangs on an op that Python declared. Ops are never removed, so neither is this.
struct PythonOp {
  PyObject* function = nullptr;  // null until the module is imported
  std::string module;            // whose import registers the function
};

// The function, after importing the module that brings it.
Ref function_of(const Op& op, PythonOp& python) {
  if (!python.function) {
    if (python.module.empty()) runtime_error(op.name(), ": the op was declared without a function");
    checked(PyImport_ImportModule(python.module.c_str()));
    if (!python.function) {
      runtime_error(op.name(), ": importing ", python.module, " did not register the op's function");
    }
  }
  return Ref::borrow(python.function);
}

// Positional arguments first, then the keyword-only ones under their names.
Ref call_function(const Op& op, PyObject* function, const dt_value* args, int n_args) {
  const auto& schema = op.schema.args;
  Ref positional = checked(PyTuple_New(op.schema.positional));
  Ref keywords;
  for (int i = 0; i < static_cast<int>(schema.size()); ++i) {
    Ref value = value_to_python(i < n_args ? args[i] : schema[i].default_value);
    if (!schema[i].keyword_only) {
      PyTuple_SET_ITEM(positional.get(), i, value.release());
    } else {
      if (!keywords) keywords = checked(PyDict_New());
      check(PyDict_SetItemString(keywords.get(), schema[i].name.c_str(), value.get()));
    }
  }
  return checked(PyObject_Call(function, positional.get(), keywords.get()));
}

bool is_ours(PyObject* function) {
  Ref module = Ref::steal(PyObject_GetAttrString(function, "__module__"));
  const char* name = module && PyUnicode_Check(module.get()) ? PyUnicode_AsUTF8(module.get()) : nullptr;
  PyErr_Clear();
  return name && std::strncmp(name, "dovetail.", 9) == 0;
}

// The functions of dovetail itself speak in the name of their op; what others raise stays as it is.
void speak_in_name_of(const Op& op, PyObject* function) {
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  const bool ours = is_ours(function);
  PyErr_Restore(type, value, traceback);
  if (ours) reword([&](const std::string& message) { return in_name_of(op, message); }, true);
}

dt_status run_python(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs,
                     int32_t n_outs) {
  Gil gil;
  if (!gil.held()) return set_error(DT_ERR_RUNTIME, op->name() + ": the Python interpreter is shutting down");
  return guarded_python([&] {
    Ref function = function_of(*op, *static_cast<PythonOp*>(self));
    try {
      Ref result = call_function(*op, function.get(), args, n_args);
      results_from_python(*op, result.get(), outs, n_outs);
    } catch (const PythonError&) {
      speak_in_name_of(*op, function.get());
      throw;
    }
  });
}

// For ops that a backend may bring a kernel for: results like the first tensor, indices as integers.
void infer_like_first(Inference& call) {
  const Schema& schema = call.op.schema;
  for (int i = 0; i < call.n_args; ++i) {
    if (call.args[i].tag != DT_TENSOR) continue;
    for (int k = 0; k < call.op.n_outputs(); ++k) {
      call.outs[k].like(call.tensor(i));
      if (schema.returns[k] == "indices") call.outs[k].dtype = DT_INT64;
    }
    const int dim = schema.find_arg("dim");
    if (dim >= 0 && call.args[dim].tag == DT_INT) call.dim(dim, call.tensor(i).ndim);
    return;
  }
  type_error(call.name(), ": there is no tensor to take the result's shape from");
}

std::string text_of(PyObject* object) {
  if (!object || object == Py_None) return {};
  const char* text = PyUnicode_AsUTF8(object);
  if (!text) throw PythonError{};
  return text;
}

struct Declaration {
  PyObject *schema = nullptr, *function = Py_None, *module = Py_None, *doc = Py_None, *family = Py_None,
           *aliases = nullptr;
  int method = 0, inplace = 0, out = 0, random = 0, differentiable = 1, factory = 0, is_function = 1, kernel = 0,
      elementwise = 0, host = 0;
};

// The documentation is the function's, unless given.
void set_doc(Op& op, PyObject* doc, PyObject* function) {
  if (doc == Py_None && function != Py_None) {
    Ref own = Ref::steal(PyObject_GetAttrString(function, "__doc__"));
    if (!own) return PyErr_Clear();
    if (PyUnicode_Check(own.get())) op.doc = text_of(own.get());
  } else if (doc != Py_None) {
    op.doc = text_of(doc);
  }
}

bool is_python_op(const Op& op) { return op.foreign == run_python; }

void bind_function(Op& op, PyObject* function, PyObject* doc) {
  auto* python = static_cast<PythonOp*>(op.foreign_self);
  Ref old = Ref::steal(std::exchange(python->function, Py_NewRef(function)));
  set_doc(op, doc, function);
}

// Whether a schema is another one, or that with more arguments behind its own.
bool extends(const std::string& schema, const std::string& older) {
  if (schema == older) return true;
  const size_t end = older.rfind(") -> "), own_end = schema.rfind(") -> ");
  if (end == older.npos || own_end == schema.npos) return false;
  const bool begins = schema.compare(0, end, older, 0, end) == 0 && (schema[end] == ',' || schema[end] == ')');
  return begins && schema.compare(own_end, schema.npos, older, end, older.npos) == 0;
}

// The function arrives for an op that was declared ahead of it; or a module is reloaded; or an older release of a
// distribution of dovetail declares an op that core has taken over since, and gets core's.
PyObject* complete(Op& op, const Declaration& declared, const std::string& text) {
  const std::string schema = parse_schema(text).text;
  const bool ours = declared.function != Py_None && is_ours(declared.function);
  if (!is_python_op(op) && ours && extends(op.schema.text, schema)) return Py_NewRef(op_object(op));
  if (!is_python_op(op) || op.schema.text != schema) {
    value_error(op.name(), ": an op of this name is registered already: ", op.schema.text);
  }
  if (declared.function != Py_None) bind_function(op, declared.function, declared.doc);
  return Py_NewRef(op_object(op));
}

std::unique_ptr<Op> make_op(const Declaration& declared, const std::string& text) {
  auto op = std::make_unique<Op>();
  op->schema = parse_schema(text);
  // (An op that only writes into its arguments stays a composite: core finds its kernels where the arguments suit one.)
  op->form = declared.elementwise ? DT_FORM_ELEMENTWISE : declared.kernel ? DT_FORM_PLAIN : DT_FORM_COMPOSITE;
  if (declared.kernel) {
    const InferFn own = inference_of(op->schema.name);
    op->infer = own ? own : infer_like_first;
  }
  op->is_method = declared.method;
  op->is_inplace = declared.inplace;
  op->has_out = declared.out;
  op->random = declared.random;
  op->differentiable = declared.differentiable;
  op->factory = declared.factory;
  op->is_function = declared.is_function;
  op->host = declared.host;
  if (op->host && op->schema.writes) value_error(op->name(), ": a host op does not write into its arguments");
  set_doc(*op, declared.doc, declared.function);
  op->family = text_of(declared.family);
  if (declared.aliases) {
    Ref aliases = checked(PySequence_Tuple(declared.aliases));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(aliases.get()); ++i) {
      op->aliases.push_back(text_of(PyTuple_GET_ITEM(aliases.get(), i)));
    }
  }
  return op;
}

PyObject* declare(const Declaration& declared) {
  const std::string text = text_of(declared.schema);
  if (declared.function != Py_None && !PyCallable_Check(declared.function)) {
    type_error("register_op: fn must be callable, got ", given_text(declared.function));
  }
  if (declared.function == Py_None && declared.module == Py_None) {
    type_error("register_op: either fn or the module that registers it must be given");
  }
  const std::string name = parse_schema(text).name;
  if (Op* present = find_op(name)) return complete(*present, declared, text);
  std::unique_ptr<Op> made = make_op(declared, text);
  if (made->schema.args.size() > kMaxArgs) value_error(name, ": an op takes at most ", kMaxArgs, " arguments");
  auto python = std::make_unique<PythonOp>();
  python->module = text_of(declared.module);
  made->foreign = run_python;
  made->foreign_self = python.get();
  Op* op = register_op(std::move(made));
  if (declared.function != Py_None) python->function = Py_NewRef(declared.function);
  python.release();
  install_methods(*op);
  return Py_NewRef(op_object(*op));
}

PyObject* register_op_function(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"schema",   "fn",      "module",      "doc",    "family",         "alias",
                                   "method",   "inplace", "out",         "random", "differentiable", "factory",
                                   "function", "kernel",  "elementwise", "host",   nullptr};
  Declaration d;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|OO$OOOpppppppppp:register_op", const_cast<char**>(keywords),
                                   &d.schema, &d.function, &d.module, &d.doc, &d.family, &d.aliases, &d.method,
                                   &d.inplace, &d.out, &d.random, &d.differentiable, &d.factory, &d.is_function,
                                   &d.kernel, &d.elementwise, &d.host)) {
    return nullptr;
  }
  return entry([&] { return declare(d); });
}

PyObject* get_op_function(PyObject*, PyObject* name) {
  return entry([&] {
    if (!PyUnicode_Check(name)) type_error("get_op: name must be a str, got ", given_text(name));
    const std::string text = text_of(name);
    Op* op = find_op(text);
    if (!op) raise(PyExc_KeyError, "get_op: there is no op named '%s'", text.c_str());
    return Py_NewRef(op_object(*op));
  });
}

PyObject* ops_function(PyObject*, PyObject*) {
  return entry([&] {
    const int32_t count = op_count();
    Ref list = checked(PyList_New(count));
    for (int32_t i = 0; i < count; ++i) PyList_SET_ITEM(list.get(), i, Py_NewRef(op_object(*op_at(i))));
    return list.release();
  });
}

PyMethodDef functions[] = {
    {"register_op", as_method(register_op_function), METH_VARARGS | METH_KEYWORDS,
     "register_op(schema, fn=None, module=None, *, doc=None, family=None, alias=(), method=False, inplace=False, "
     "out=False, random=False, differentiable=True, factory=False, function=True, kernel=False, elementwise=False, "
     "host=False)\n--\n\n"
     "Declare an op whose decomposition is the Python function fn, and return its Op.\n\n"
     "Without fn, the module named is imported when the op first runs, and registers the function then.\n"
     "kernel=True lets backends bring a kernel; the results are then like the first tensor argument, but for those\n"
     "named indices, which are int64. elementwise=True does so of a kernel for tensors of one dtype that are "
     "broadcast.\n"
     "host=True: fn is no decomposition but a library's work on the CPU; it gets CPU tensors, whatever the device."},
    {"get_op", get_op_function, METH_O, "get_op(name): the op of that name; KeyError if there is none."},
    {"ops", ops_function, METH_NOARGS, "All ops, in the order of their declaration."},
    {},
};

}  // namespace

void load_function(const Op& op) {
  if (is_python_op(op)) function_of(op, *static_cast<PythonOp*>(op.foreign_self));
}

PyMethodDef* python_op_functions() { return functions; }

}  // namespace dovetail::py
