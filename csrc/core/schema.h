// An op's schema, parsed from its one-line declaration:
//   "softmax(Tensor self, int dim, *, DType? dtype=None) -> Tensor"
// Types: Tensor, Tensor? , Tensor[], Tensor?[], Scalar, Scalar?, int, float, bool, complex (each also `?` and `[]`),
// Scalar[], DType, Device, Generator, str (each also `?`). `Tensor(a!)` marks an argument that is written, `Tensor(a)`
// a result that is a view of it. `int[2]` accepts one int for all. Results: `-> Tensor`, `-> Tensor[]`,
// `-> (Tensor values, Tensor indices)`, `-> ()`.
#pragma once

#include <string>
#include <vector>

#include "dovetail/abi.h"

namespace dovetail {

enum class ArgType : uint8_t {
  tensor,
  tensor_list,
  scalar,
  integer,
  floating,
  boolean,
  complex,
  int_list,
  float_list,
  bool_list,
  scalar_list,
  dtype,
  device,
  generator,
  string
};

struct Arg {
  std::string name;
  std::string type;  // as written, for messages and stubs
  ArgType kind = ArgType::tensor;
  bool optional = false;           // `?`: may be None
  bool optional_elements = false;  // `Tensor?[]`
  bool has_default = false;
  bool keyword_only = false;
  bool written = false;      // `(a!)`
  int32_t fixed_count = 0;   // int[2]: a single int is repeated
  dt_value default_value{};  // tag DT_NONE where there is none
};

constexpr int kMaxOutputs = 4;

struct Schema {
  std::string text;
  std::string name;
  std::vector<Arg> args;
  std::vector<std::string> returns;  // names, "" where unnamed; at most kMaxOutputs
  bool returns_list = false;
  bool returns_view = false;  // `-> Tensor(a)`
  int32_t positional = 0;     // how many may be given by position
  bool writes = false;        // some argument is written

  int find_arg(std::string_view name) const;  // -1: none
};

// Throws Error(value) that quotes the text and says where it stopped. Default lists and strings live as long as the
// process.
Schema parse_schema(const std::string& text);

}  // namespace dovetail
