// Arguments of a Python call against an op's schema.
#pragma once

#include <string>
#include <vector>

#include "bindings/values.h"

namespace dovetail::py {

constexpr int kMaxArgs = 32;

// What the parser wants to know of an op, found out once.
struct OpInfo {
  explicit OpInfo(const Op& op);
  const Op& op;
  int count;          // of arguments
  int positional;     // how many of them may be given by position
  int varargs;        // the int list that may be spelled as several ints, x.view(2, 3); -1: none
  bool number_first;  // whether a Python number may stand for the first tensor: add(1, t)
  struct Keyword {
    PyObject* name;  // interned
    int index;
  };
  std::vector<Keyword> keywords;  // the arguments' names, then the aliases of some
  // From this argument on all have defaults: those, by argument.
  int needed;
  std::vector<dt_value> defaults;
  PyTypeObject* results;  // named results, or null
};

// A parsed call.
struct Parsed {
  Arena arena;
  dt_value values[kMaxArgs];
  PyObject* out = nullptr;            // out=, borrowed
  PyObject* requires_grad = nullptr;  // requires_grad=, borrowed
};

// How a call of the op is made: it changes which keywords and numbers are taken.
enum class Variant : uint8_t { function, method, inplace };

// Fills parsed.values with one value for each argument of the schema. Throws.
void parse(const OpInfo& info, Variant variant, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
           Parsed& parsed);
// All arguments by position, keyword-only ones too, as layers have them.
void parse_boxed(const OpInfo& info, PyObject* const* args, Py_ssize_t nargs, Parsed& parsed);

// "softmax(Tensor self, int dim, *, DType? dtype=None)"
std::string signature_text(const Op& op);

}  // namespace dovetail::py
