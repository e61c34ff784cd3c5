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
// The tangents of the outputs; a null one is zero. The rule sees all arguments and outputs, and tangents as c.t(arg).
using Tangents = std::vector<Tensor>;
using ForwardFn = Tangents (*)(Ctx&);

// A rule that lives elsewhere (a Python function).
class ForeignRule {
 public:
  virtual ~ForeignRule() = default;
  virtual void apply(Ctx& c) = 0;
};
class ForeignForward {
 public:
  virtual ~ForeignForward() = default;
  virtual Tangents apply(Ctx& c) = 0;
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
  bool refuses = false;         // declared to have no derivative

  bool is_joint() const { return joint || foreign; }
  bool has_vjp() const { return is_joint() || !parts.empty(); }
  // An argument's line; one without is recorded, and a backward that reaches it is refused.
  const Part& part(int arg) const {
    static const Part missing;
    return arg < static_cast<int>(parts.size()) ? parts[arg] : missing;
  }

  // Forward derivatives.
  enum class Linear : uint8_t { no, jointly, in_each };
  Linear linear = Linear::no;
  Saves linear_in;              // in which arguments
  ForwardFn forward = nullptr;  // a rule of its own
  std::shared_ptr<ForeignForward> foreign_forward;
};

// ---- declaring ------------------------------------------------------------------------------------------

void vjp(const char* op, int arg, Saves saved, PartFn fn);
inline void vjp(const char* op, int arg, PartFn fn) { vjp(op, arg, Saves{}, fn); }
// All arguments at once, where they share work. `saved` is kept if any argument needs a gradient.
void vjp_joint(const char* op, Saves saved, JointFn fn);
void keeps_geometry(const char* op);
// Declares that an op has no derivative, though it has one in mathematics: a backward that reaches it is refused. (An
// op marked non_differentiable gives constants.)
void refuse(const std::string& op);

// The forward derivative. An elementwise op needs none: its Jacobian is diagonal, so that its vjp lines serve. An op
// with neither of these is decomposed, and failing that its vjp is differentiated.
//
//   jvp("sort", [](Ctx& c) { return tangents(gather(c.t(self), c.value(dim), c[result_at(1)])); });
void jvp(const char* op, ForwardFn fn);
// Linear in these arguments together: the derivative is the op itself, applied to their tangents (sum, cat).
void linear(const char* op, Saves args);
// Linear in each of them, the others held (matmul).
void multilinear(const char* op, Saves args);
template <class... Each>
Tangents tangents(Each... each) {
  return {std::move(each)...};
}

// ---- the table by op ------------------------------------------------------------------------------------

enum class ArgKind : uint8_t { attribute, tensor, tensors };

// An op as the layer needs it. Lives as long as the process.
struct Entry {
  const dt_op* op = nullptr;
  std::string name;       // "mul"
  std::string node_name;  // "MulBackward0"
  bool differentiable = true, decomposes = false, returns_list = false;
  bool may_view = false;  // a result may be a view
  bool elementwise = false;
  bool random = false;
  bool has_lists = false, has_attributes = false;
  std::vector<ArgKind> kinds;
  std::vector<std::string> arg_names;
  std::vector<int> flat;  // by argument: where its tensor is when all are laid flat; right up to the first list
  mutable std::atomic<const Rule*> rule{nullptr};
  mutable std::atomic<bool> own_batching{false};  // Python says how vmap runs it
};

const Entry& entry_of(const dt_op* op);

// How an op's gradient is had.
enum class BackwardBy : uint8_t { own, decomposition, refused, none };
BackwardBy backward_by(const Entry& entry, const Rule* rule);
// How an op's forward derivative is had.
enum class ForwardBy : uint8_t { own, linear, diagonal, decomposition, double_vjp, refused, none };
ForwardBy forward_by(const Entry& entry, const Rule* rule);
// The error of a derivative that there is not: that of an argument, or with -1 of the op.
[[noreturn]] void no_derivative(const Entry& entry, int arg = -1);
// Set the forward rule of an op, beside its vjp.
void set_forward(const std::string& op, std::shared_ptr<ForeignForward> rule);
// Set or replace the rule of an op; it may be declared later than the rule. Older rules live on for recorded nodes.
void set_rule(const std::string& op, std::unique_ptr<Rule> rule);
bool has_rule(const std::string& op);
std::vector<std::string> rule_names();

// Declares every rule of rules/; called once, when the module loads.
void declare_rules();

}  // namespace dovetail::autograd
