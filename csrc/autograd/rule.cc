#include "autograd/rule.h"

#include <cctype>
#include <mutex>
#include <unordered_map>

#include "autograd/rules/families.h"

namespace dovetail::autograd {

namespace {

std::mutex mutex;

std::unordered_map<std::string, std::unique_ptr<Rule>>& table() {
  static auto* all = new std::unordered_map<std::string, std::unique_ptr<Rule>>();
  return *all;
}

// Entries by op: those met last by a hash of their address, all of them by id.
constexpr int kRecent = 1024;
std::atomic<const Entry*> recent[kRecent] = {};
std::atomic<const Entry*>& recent_place(const dt_op* op) {
  return recent[reinterpret_cast<uintptr_t>(op) / 64 % kRecent];
}

std::vector<std::unique_ptr<const Entry>>& entries() {
  static auto* all = new std::vector<std::unique_ptr<const Entry>>();
  return *all;
}

Rule& rule_in_progress(const char* op) {
  std::unique_ptr<Rule>& rule = table()[op];
  if (!rule) rule = std::make_unique<Rule>();
  return *rule;
}

// "max_pool" -> "MaxPoolBackward0"
std::string node_name(const std::string& op) {
  std::string name;
  bool upper = true;
  for (char c : op) {
    if (c == '_') {
      upper = true;
      continue;
    }
    name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = false;
  }
  return name + "Backward0";
}

// The kinds of the arguments in "name(Tensor self, int dim, *, Tensor?[] x=None) -> ...".
std::vector<ArgKind> parse_kinds(const std::string& schema) {
  std::vector<ArgKind> kinds;
  const size_t open = schema.find('(');
  if (open == std::string::npos) return kinds;
  int depth = 0;
  bool quoted = false;
  std::string arg;
  const auto finish = [&] {
    const size_t start = arg.find_first_not_of(' ');
    if (start != std::string::npos && arg[start] != '*') {
      const std::string type = arg.substr(start, arg.find(' ', start) - start);
      const bool is_tensor = type.rfind("Tensor", 0) == 0;
      const bool is_list = is_tensor && type.size() > 2 && type.compare(type.size() - 2, 2, "[]") == 0;
      kinds.push_back(is_list ? ArgKind::tensors : is_tensor ? ArgKind::tensor : ArgKind::attribute);
    }
    arg.clear();
  };
  for (size_t i = open + 1; i < schema.size(); ++i) {
    const char c = schema[i];
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == '(' || c == '[')) ++depth;
    if (!quoted && c == ')' && depth == 0) break;
    if (!quoted && (c == ')' || c == ']')) --depth;
    if (c == ',' && depth == 0 && !quoted) {
      finish();
    } else {
      arg += c;
    }
  }
  finish();
  return kinds;
}

const Entry* make_entry(const dt_op* op, const dt_op_info& info) {
  auto* e = new Entry();
  e->op = op;
  e->name = info.name;
  e->node_name = node_name(e->name);
  e->differentiable = info.flags & DT_OP_DIFFERENTIABLE;
  e->random = info.flags & DT_OP_RANDOM;
  e->decomposes = info.flags & DT_OP_DECOMPOSES;
  e->may_view = info.form == DT_FORM_VIEW || info.form == DT_FORM_COMPOSITE;
  e->elementwise = info.form == DT_FORM_ELEMENTWISE;
  e->returns_list = info.n_returns < 0;
  e->kinds = parse_kinds(info.schema);
  int flat = 0;
  for (size_t i = 0; i < e->kinds.size(); ++i) {
    e->arg_names.push_back(dt::api().op_arg_name(op, static_cast<int32_t>(i)));
    e->flat.push_back(flat);
    e->has_lists |= e->kinds[i] == ArgKind::tensors;
    e->has_attributes |= e->kinds[i] == ArgKind::attribute;
    flat += e->kinds[i] == ArgKind::tensor;
  }
  auto found = table().find(e->name);
  if (found != table().end()) e->rule.store(found->second.get(), std::memory_order_release);
  return e;
}

const Entry& slow_entry(const dt_op* op) {
  dt_op_info info;
  info.struct_size = sizeof info;
  dt::api().op_info(op, &info);
  std::lock_guard<std::mutex> lock(mutex);
  if (static_cast<int>(entries().size()) <= info.id) entries().resize(info.id + 1);
  std::unique_ptr<const Entry>& place = entries()[info.id];
  if (!place) place.reset(make_entry(op, info));
  recent_place(op).store(place.get(), std::memory_order_release);
  return *place;
}

}  // namespace

void vjp(const char* op, int arg, Saves saved, PartFn fn) {
  Rule& rule = rule_in_progress(op);
  if (static_cast<int>(rule.parts.size()) <= arg) rule.parts.resize(arg + 1);
  rule.parts[arg] = {fn, saved};
}

void vjp_joint(const char* op, Saves saved, JointFn fn) {
  Rule& rule = rule_in_progress(op);
  rule.joint = fn;
  rule.joint_saves = saved;
}

void keeps_geometry(const char* op) { rule_in_progress(op).keeps_geometry = true; }

void refuse(const std::string& op) {
  auto rule = std::make_unique<Rule>();
  rule->refuses = true;
  set_rule(op, std::move(rule));
}

void jvp(const char* op, ForwardFn fn) { rule_in_progress(op).forward = fn; }

void linear(const char* op, Saves args) {
  rule_in_progress(op).linear = Rule::Linear::jointly;
  rule_in_progress(op).linear_in = args;
}

void multilinear(const char* op, Saves args) {
  linear(op, args);
  rule_in_progress(op).linear = Rule::Linear::in_each;
}

BackwardBy backward_by(const Entry& entry, const Rule* rule) {
  if (rule && rule->refuses) return BackwardBy::refused;
  if (rule && rule->has_vjp()) return BackwardBy::own;
  return entry.decomposes ? BackwardBy::decomposition : BackwardBy::none;
}

void no_derivative(const Entry& entry, int arg) {
  if (arg >= 0)
    dt::fail(DT_ERR_NOT_IMPLEMENTED, entry.name, ": no derivative for ", entry.name, " with respect to ",
             entry.arg_names[arg], "; detach() it");
  dt::fail(DT_ERR_NOT_IMPLEMENTED, entry.name, ": no derivative for ", entry.name,
           "; call it on detach()ed tensors, or add one with dovetail.autograd.register_vjp");
}

ForwardBy forward_by(const Entry& entry, const Rule* rule) {
  if (rule && rule->refuses) return ForwardBy::refused;
  if (rule && (rule->forward || rule->foreign_forward)) return ForwardBy::own;
  if (rule && rule->linear != Rule::Linear::no) return ForwardBy::linear;
  if (rule && entry.elementwise && !rule->is_joint() && !rule->parts.empty()) return ForwardBy::diagonal;
  if (entry.decomposes) return ForwardBy::decomposition;
  return rule && rule->has_vjp() ? ForwardBy::double_vjp : ForwardBy::none;
}

const Entry& entry_of(const dt_op* op) {
  const Entry* entry = recent_place(op).load(std::memory_order_acquire);
  return __builtin_expect(entry && entry->op == op, 1) ? *entry : slow_entry(op);
}

void set_rule(const std::string& op, std::unique_ptr<Rule> rule) {
  const Rule* fresh = rule.get();
  const dt_op* handle = dt::api().find_op(op.c_str());
  const Entry* entry = handle ? &entry_of(handle) : nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<Rule>& place = table()[op];
  place.release();  // recorded nodes may still use it
  place = std::move(rule);
  if (entry) entry->rule.store(fresh, std::memory_order_release);
}

void set_forward(const std::string& op, std::shared_ptr<ForeignForward> forward) {
  auto rule = std::make_unique<Rule>();
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = table().find(op);
    if (found != table().end()) *rule = *found->second;
  }
  rule->foreign_forward = std::move(forward);
  set_rule(op, std::move(rule));
}

bool has_rule(const std::string& op) {
  std::lock_guard<std::mutex> lock(mutex);
  const auto found = table().find(op);
  return found != table().end() && found->second->has_vjp();
}

std::vector<std::string> rule_names() {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<std::string> names;
  for (const auto& [name, rule] : table())
    if (rule->has_vjp()) names.push_back(name);
  return names;
}

void declare_rules() {
#define DOVETAIL_CALL(family) rules::declare_##family();
  DOVETAIL_RULE_FAMILIES(DOVETAIL_CALL)
#undef DOVETAIL_CALL
}

}  // namespace dovetail::autograd
