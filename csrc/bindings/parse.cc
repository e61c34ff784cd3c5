#include "bindings/parse.h"

#include <string>

#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

PyObject* interned(const std::string& name) {
  PyObject* text = PyUnicode_InternFromString(name.c_str());
  if (!text) throw PythonError{};
  return text;
}

PyObject* out_keyword() {
  static PyObject* const name = interned("out");
  return name;
}
PyObject* requires_grad_keyword() {
  static PyObject* const name = interned("requires_grad");
  return name;
}

// Other names of arguments: those of NumPy and the array API standard, and PyTorch's second ones.
struct Alias {
  const char* alias;
  const char* name;
};
constexpr Alias kAliases[] = {
    {"axis", "dim"},   {"axis", "dims"},  {"axes", "dims"},  {"keepdims", "keepdim"}, {"x", "self"},
    {"input", "self"}, {"x1", "self"},    {"x2", "other"},   {"x", "input"},          {"shape", "size"},
    {"self", "input"}, {"dim0", "axis0"}, {"dim1", "axis1"}, {"train", "training"},   {"input2", "L"},
};

bool same_text(PyObject* a, PyObject* b) { return a == b || PyUnicode_Compare(a, b) == 0; }

int find_keyword(const OpInfo& info, PyObject* name) {
  for (const OpInfo::Keyword& keyword : info.keywords) {
    if (keyword.name == name) return keyword.index;
  }
  for (const OpInfo::Keyword& keyword : info.keywords) {
    if (PyUnicode_Compare(keyword.name, name) == 0) return keyword.index;
  }
  return -1;
}

// ---- what to say of wrong arguments ---------------------------------------------------------------------

std::string call_name(const OpInfo& info, Variant variant) {
  return variant == Variant::inplace ? info.op.name() + "_" : info.op.name();
}

template <class... Parts>
[[noreturn]] void bad_call(const OpInfo& info, Variant variant, const Parts&... parts) {
  type_error(call_name(info, variant), ": ", parts..., "; signature: ", signature_text(info.op));
}

// "ints, got float 2.0 at position 1" where a list holds one wrong element, else what the whole is.
[[noreturn]] void bad_argument(const OpInfo& info, Variant variant, const Arg& arg, PyObject* object) {
  if (PyTuple_Check(object) || PyList_Check(object)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
      PyObject* entry = PySequence_Fast_GET_ITEM(object, i);
      Arena arena;
      dt_value ignored;
      Ref single = checked(PyTuple_Pack(1, entry));
      if (convert_argument(arg, single.get(), false, arena, &ignored)) continue;
      bad_call(info, variant, arg.name, " must be ", expected_text(arg), ", got ", given_text(entry), " at position ",
               i);
    }
  }
  bad_call(info, variant, arg.name, " must be ", expected_text(arg), ", got ", given_text(object));
}

[[noreturn]] void missing_argument(const OpInfo& info, Variant variant, const Arg& arg) {
  bad_call(info, variant, "missing argument '", arg.name, "'");
}

// ---- the pieces -----------------------------------------------------------------------------------------

// The two commonest cases, before the general one.
inline bool convert_common(const Arg& arg, PyObject* object, dt_value& out) {
  if (arg.kind == ArgType::tensor && is_tensor(object)) return put(out, impl_of(object)), true;
  int64_t number;
  if (arg.kind == ArgType::integer && small_int(object, &number)) return put_int(out, number), true;
  return false;
}

__attribute__((noinline)) void convert_other(const OpInfo& info, Variant variant, int i, PyObject* object,
                                             Parsed& parsed) {
  const Arg& arg = info.op.schema.args[i];
  dt_value* out = &parsed.values[i];
  const bool number = i > 0 || (info.number_first && variant == Variant::function);
  bool fits = false;
  try {
    fits = convert_argument(arg, object, number, parsed.arena, out);
  } catch (const PythonError&) {
    // An int of more than 64 bits and the like: say where.
    speak_as(call_name(info, variant).c_str());
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) throw;
    PyErr_Clear();
    raise(PyExc_OverflowError, "%s: %s does not fit in 64 bits: %.200R", call_name(info, variant).c_str(),
          arg.name.c_str(), object);
  } catch (const std::exception&) {  // a zero-dim tensor that can't be read as a number
    set_python_error();
    speak_as(call_name(info, variant).c_str());
    throw PythonError{};
  }
  if (!fits) bad_argument(info, variant, arg, object);
}

inline void convert(const OpInfo& info, Variant variant, int i, PyObject* object, Parsed& parsed) {
  if (!convert_common(info.op.schema.args[i], object, parsed.values[i]))
    convert_other(info, variant, i, object, parsed);
}

// One of several ints that is not of a single digit of Python's.
__attribute__((noinline)) int64_t convert_other_int(const OpInfo& info, Py_ssize_t i, PyObject* object) {
  const Arg& arg = info.op.schema.args[info.varargs];
  int64_t value = 0;
  try {
    if (to_int(object, &value)) return value;
  } catch (const PythonError&) {
    if (!PyErr_ExceptionMatches(PyExc_OverflowError)) throw;
    PyErr_Clear();
    raise(PyExc_OverflowError, "%s: %s does not fit in 64 bits: %.200R", call_name(info, Variant::function).c_str(),
          arg.name.c_str(), object);
  }
  bad_call(info, Variant::function, arg.name, " must be ints, got ", given_text(object), " at position ", i);
}

// x.view(2, 3): the ints given one by one.
inline bool convert_varargs(const OpInfo& info, PyObject* const* args, Py_ssize_t nargs, Parsed& parsed) {
  const int at = info.varargs;
  if (at < 0 || nargs <= at) return false;
  const Py_ssize_t count = nargs - at;
  const auto is_list = [](PyObject* object) {
    return PyTuple_Check(object) || PyList_Check(object) || !PyIndex_Check(object);
  };
  if (count == 1 && !PyLong_CheckExact(args[at]) && is_list(args[at])) return false;
  int64_t* ints = parsed.arena.room<int64_t>(count);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (!small_int(args[at + i], &ints[i])) ints[i] = convert_other_int(info, i, args[at + i]);
  }
  put_ints(parsed.values[at], ints, static_cast<int>(count));
  return true;
}

// Keywords into slots[i], by argument; out= and requires_grad= into parsed.
void place_keywords(const OpInfo& info, Variant variant, PyObject* const* values, PyObject* kwnames, PyObject** slots,
                    Py_ssize_t filled, Parsed& parsed) {
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(kwnames); ++k) {
    PyObject* name = PyTuple_GET_ITEM(kwnames, k);
    const int i = find_keyword(info, name);
    if (i >= 0) {
      if (i < filled || slots[i]) {
        bad_call(info, variant, "argument '", info.op.schema.args[i].name, "' given twice");
      }
      slots[i] = values[k];
    } else if (info.op.has_out && variant != Variant::inplace && same_text(name, out_keyword())) {
      parsed.out = values[k] == Py_None ? nullptr : values[k];
    } else if (info.op.factory && same_text(name, requires_grad_keyword())) {
      parsed.requires_grad = values[k];
    } else {
      const char* text = PyUnicode_AsUTF8(name);
      if (!text) throw PythonError{};
      bad_call(info, variant, "unexpected keyword argument '", text, "'");
    }
  }
}

// `slots`: what keywords gave, null if there are none.
__attribute__((noinline)) void fill_rest(const OpInfo& info, Variant variant, PyObject* const* slots, int from,
                                         Parsed& parsed) {
  const auto& args = info.op.schema.args;
  for (int i = from; i < info.count; ++i) {
    if (slots && slots[i]) {
      convert(info, variant, i, slots[i], parsed);
    } else if (args[i].has_default) {
      parsed.values[i] = args[i].default_value;
    } else {
      missing_argument(info, variant, args[i]);
    }
  }
}

__attribute__((noinline)) void take_keywords(const OpInfo& info, Variant variant, PyObject* const* values,
                                             PyObject* kwnames, Py_ssize_t given, Parsed& parsed) {
  PyObject* slots[kMaxArgs];
  std::fill_n(slots, info.count, nullptr);
  place_keywords(info, variant, values, kwnames, slots, given, parsed);
  fill_rest(info, variant, slots, static_cast<int>(given), parsed);
}

[[noreturn]] __attribute__((noinline)) void too_many(const OpInfo& info, Variant variant, Py_ssize_t given) {
  bad_call(info, variant, "takes at most ", info.positional, " positional argument", info.positional == 1 ? "" : "s",
           ", got ", given);
}

}  // namespace

OpInfo::OpInfo(const Op& op)
    : op(op),
      count(static_cast<int>(op.schema.args.size())),
      positional(op.schema.positional),
      varargs(-1),
      number_first(false),
      needed(0),
      results(nullptr) {
  const auto& args = op.schema.args;
  if (count > kMaxArgs) value_error(op.name(), ": ops take at most ", kMaxArgs, " arguments, this one has ", count);
  int tensors = 0;
  for (int i = 0; i < count; ++i) {
    keywords.push_back({interned(args[i].name), i});
    tensors += args[i].kind == ArgType::tensor;
    defaults.push_back(args[i].default_value);
    if (!args[i].has_default) needed = i + 1;
  }
  for (const Alias& alias : kAliases) {
    const int i = op.schema.find_arg(alias.name);
    if (i >= 0 && op.schema.find_arg(alias.alias) < 0) keywords.push_back({interned(alias.alias), i});
  }
  number_first = tensors > 1;
  const int last = positional - 1;
  const bool leads = last == 0 || (last == 1 && args[0].kind == ArgType::tensor);
  if (leads && args[last].kind == ArgType::int_list && args[last].fixed_count == 0) varargs = last;
  results = named_results(op);
}

void parse(const OpInfo& info, Variant variant, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
           Parsed& parsed) {
  const bool spread = convert_varargs(info, args, nargs, parsed);
  const Py_ssize_t given = spread ? info.varargs + 1 : nargs;
  if (given > info.positional) too_many(info, variant, given);
  const Py_ssize_t direct = spread ? info.varargs : nargs;
  for (Py_ssize_t i = 0; i < direct; ++i) convert(info, variant, static_cast<int>(i), args[i], parsed);
  if (kwnames) return take_keywords(info, variant, args + nargs, kwnames, given, parsed);
  if (given < info.needed) return fill_rest(info, variant, nullptr, static_cast<int>(given), parsed);
  copy_values(info.defaults.data() + given, info.count - static_cast<int>(given), parsed.values + given);
}

void parse_boxed(const OpInfo& info, PyObject* const* args, Py_ssize_t nargs, Parsed& parsed) {
  if (nargs > info.count) {
    bad_call(info, Variant::function, "takes at most ", info.count, " arguments, got ", nargs);
  }
  for (Py_ssize_t i = 0; i < nargs; ++i) convert(info, Variant::function, static_cast<int>(i), args[i], parsed);
  fill_rest(info, Variant::function, nullptr, static_cast<int>(nargs), parsed);
}

std::string signature_text(const Op& op) {
  const std::string& text = op.schema.text;
  return text.substr(0, text.find(" ->"));
}

}  // namespace dovetail::py
