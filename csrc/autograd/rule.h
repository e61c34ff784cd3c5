// Derivative rules: a table by op name, one line for each argument. A rule is written in ops, so that it can itself be
// differentiated.
//
//   enum { self, other };
//   vjp("mul", self, saves(other), [](Ctx& c) { return c.g() * c[other]; });
//   vjp("exp", self, saves(result), [](Ctx& c) { return c.g() * c[result]; });
//
// The lambda runs only when the argument needs a gradient, and what it names in `saves` is kept only then. A gradient
// may have the broadcast shape and any floating dtype: the engine sums it to the argument's shape and casts it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dovetail/abi.hpp"

namespace dovetail::autograd {

class Ctx;
class OpNode;
using dt::Tensor;

// A tensor that a rule looks at, by its position: an argument counts from 0, an output from `result`.
constexpr int result = 32;
constexpr int result_at(int i) { return result + i; }

struct Saves {
  uint64_t mask = 0;
  bool has(int which) const { return mask >> which & 1; }
};
template <class... Which>
constexpr Saves saves(Which... which) {
  return {((uint64_t{1} << which) | ... | uint64_t{0})};
}

using PartFn = Tensor (*)(Ctx&);
using JointFn = void (*)(Ctx&);

// A rule that lives elsewhere (a Python function).
class ForeignRule {
 public:
  virtual ~ForeignRule() = default;
  virtual void apply(Ctx& c) = 0;
};

struct Rule {
  struct Part {
    PartFn fn = nullptr;
    Saves saves;
  };
  std::vector<Part> parts;  // by argument
  JointFn joint = nullptr;  // gives all gradients at once (Ctx::give)
  std::shared_ptr<ForeignRule> foreign;
  Saves joint_saves;
  bool keeps_geometry = false;  // strides and offsets of the tensor arguments, and sizes of those without a gradient

  bool is_joint() const { return joint || foreign; }
};

// ---- declaring ------------------------------------------------------------------------------------------

void vjp(const char* op, int arg, Saves saved, PartFn fn);
inline void vjp(const char* op, int arg, PartFn fn) { vjp(op, arg, Saves{}, fn); }
// All arguments at once, where they share work. `saved` is kept if any argument needs a gradient.
void vjp_joint(const char* op, Saves saved, JointFn fn);
void keeps_geometry(const char* op);

// ---- the table by op ------------------------------------------------------------------------------------

enum class ArgKind : uint8_t { attribute, tensor, tensors };

// An op as the layer needs it. Lives as long as the process.
struct Entry {
  const dt_op* op = nullptr;
  std::string name;       // "mul"
  std::string node_name;  // "MulBackward0"
  bool differentiable = true, decomposes = false, returns_list = false;
  bool may_view = false;  // a result may be a view
  bool has_lists = false, has_attributes = false;
  std::vector<ArgKind> kinds;
  std::vector<std::string> arg_names;
  std::vector<int> flat;  // by argument: where its tensor is when all are laid flat; right up to the first list
  mutable std::atomic<const Rule*> rule{nullptr};
};

const Entry& entry_of(const dt_op* op);
// Set or replace the rule of an op; it may be declared later than the rule. Older rules live on for recorded nodes.
void set_rule(const std::string& op, std::unique_ptr<Rule> rule);
bool has_rule(const std::string& op);
std::vector<std::string> rule_names();

// Declares every rule of rules/; called once, when the module loads.
void declare_rules();

}  // namespace dovetail::autograd
