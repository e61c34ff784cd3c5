#include "core/op.h"

#include <deque>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "core/ops/families.h"

namespace dovetail {

// ---- registry -------------------------------------------------------------------------------------------

namespace {

struct Registry {
  std::shared_mutex mutex;
  std::deque<std::unique_ptr<Op>> ops;  // by id
  std::unordered_map<std::string_view, Op*> by_name;
  std::unordered_map<std::string, InferFn> inferences;
};

void declare_families();

Registry& registry() {
  static Registry* instance = new Registry;  // never destroyed: ops outlive every static
  static thread_local bool declaring = false;
  if (!declaring) {
    declaring = true;
    [[maybe_unused]] static const bool declared = (declare_families(), true);
    declaring = false;
  }
  return *instance;
}

void declare_families() {
#define DOVETAIL_CALL(family) declare_##family();
  DOVETAIL_OP_FAMILIES(DOVETAIL_CALL)
#undef DOVETAIL_CALL
}

int count_plain_operands(const Op& op) {
  if (op.form != DT_FORM_ELEMENTWISE || op.copy_form || op.condition_first) return 0;
  int leading = 0, all = 0;
  for (const Arg& arg : op.schema.args) {
    const bool tensor = arg.kind == ArgType::tensor && !arg.optional;
    all += arg.kind == ArgType::tensor || arg.kind == ArgType::tensor_list;
    leading += tensor && leading == all - 1;
  }
  return leading == all && all <= 2 ? all : 0;
}

int find_device_of_numbers(const Op& op) {
  if (op.form != DT_FORM_PLAIN || op.n_outputs() != 1 || op.returns_list()) return -1;
  int device = -1;
  for (size_t i = 0; i < op.schema.args.size(); ++i) {
    const ArgType kind = op.schema.args[i].kind;
    if (kind == ArgType::tensor || kind == ArgType::tensor_list) return -1;
    if (kind == ArgType::device) device = static_cast<int>(i);
  }
  return device;
}

}  // namespace

Op* register_op(std::unique_ptr<Op> op) {
  op->plain_operands = count_plain_operands(*op);
  op->device_of_numbers = find_device_of_numbers(*op);
  Registry& r = registry();
  std::unique_lock lock(r.mutex);
  if (r.by_name.count(op->name()))
    value_error("op: ", op->name(), " is registered already, as ", r.by_name[op->name()]->schema.text);
  op->id = static_cast<int32_t>(r.ops.size());
  Op* result = op.get();
  r.ops.push_back(std::move(op));
  r.by_name.emplace(result->name(), result);
  return result;
}

Op* find_op(std::string_view name) {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  auto found = r.by_name.find(name);
  return found == r.by_name.end() ? nullptr : found->second;
}

void infer_by(const char* op, InferFn infer) {
  Registry& r = registry();
  std::unique_lock lock(r.mutex);
  r.inferences.emplace(op, infer);
}

InferFn inference_of(const std::string& op) {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  auto found = r.inferences.find(op);
  return found == r.inferences.end() ? nullptr : found->second;
}

Op& get_op(std::string_view name) {
  Op* op = find_op(name);
  if (!op) value_error("op: there is none named ", name);
  return *op;
}

int32_t op_count() {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  return static_cast<int32_t>(r.ops.size());
}

Op* op_at(int32_t id) {
  Registry& r = registry();
  std::shared_lock lock(r.mutex);
  return id >= 0 && id < static_cast<int32_t>(r.ops.size()) ? r.ops[id].get() : nullptr;
}

// ---- declarations ---------------------------------------------------------------------------------------

Declare::Declare(const char* family, const char* schema) : op_(std::make_unique<Op>()) {
  op_->schema = parse_schema(schema);
  op_->family = family;
}

Declare::~Declare() noexcept(false) {
  if (op_) register_op(std::move(op_));
}

Declare& Declare::elementwise(Result result) {
  op_->form = DT_FORM_ELEMENTWISE;
  op_->result = result;
  return *this;
}
Declare& Declare::result_by(Result (*decide)(const dt_value* args)) {
  op_->result_by = decide;
  return *this;
}
Declare& Declare::condition_first() {
  op_->condition_first = true;
  return *this;
}
Declare& Declare::number_in_float() {
  op_->number_in_float = true;
  return *this;
}
Declare& Declare::copy_form() {
  op_->form = DT_FORM_ELEMENTWISE;
  op_->copy_form = true;
  return *this;
}
Declare& Declare::reduction(Reduced reduced) {
  op_->form = DT_FORM_REDUCTION;
  op_->reduced = reduced;
  return *this;
}
Declare& Declare::plain(InferFn infer) {
  op_->form = DT_FORM_PLAIN;
  op_->infer = infer;
  return *this;
}
Declare& Declare::dynamic(InferFn infer) {
  op_->form = DT_FORM_DYNAMIC;
  op_->infer = infer;
  return *this;
}
Declare& Declare::view(ViewFn fn) {
  op_->form = DT_FORM_VIEW;
  op_->view = fn;
  for (size_t i = 0; i < op_->schema.args.size(); ++i) {  // call_view asks the first argument alone which layers act
    const ArgType kind = op_->schema.args[i].kind;
    if ((kind == ArgType::tensor || kind == ArgType::tensor_list) != (i == 0))
      value_error(op_->name(), ": the first argument of a view, and no other, is a tensor");
  }
  return *this;
}
Declare& Declare::composite(CompositeFn fn) {
  op_->composite = fn;
  return *this;
}
Declare& Declare::required() {
  op_->required = true;
  return *this;
}
Declare& Declare::host() {
  op_->host = true;
  return *this;
}
Declare& Declare::method() {
  op_->is_method = true;
  return *this;
}
Declare& Declare::inplace() {
  op_->is_inplace = true;
  return *this;
}
Declare& Declare::out() {
  op_->has_out = true;
  return *this;
}
Declare& Declare::internal() {
  op_->is_function = false;
  return *this;
}
Declare& Declare::factory() {
  op_->factory = true;
  return *this;
}
Declare& Declare::random() {
  op_->random = true;
  return *this;
}
Declare& Declare::non_differentiable() {
  op_->differentiable = false;
  return *this;
}
Declare& Declare::only(uint32_t dtypes, const char* instead) {
  op_->allowed = dtypes;
  op_->refuses = instead;
  return *this;
}
Declare& Declare::except(uint32_t dtypes, const char* instead) {
  op_->allowed = ~dtypes;
  op_->refuses = instead;
  return *this;
}
Declare& Declare::alias(const char* name) {
  op_->aliases.emplace_back(name);
  return *this;
}
Declare& Declare::doc(const char* text) {
  op_->doc = text;
  return *this;
}

// ---- inference ------------------------------------------------------------------------------------------

void Inference::replace(int i, Tensor tensor) {
  args[i].as.tensor = tensor.get();
  kept().tensors.push_back(std::move(tensor));
}

void Inference::replace(int i, std::vector<Tensor> tensors) {
  kept().lists.push_back(std::make_unique<TensorImpl*[]>(tensors.size() + 1));
  args[i].count = static_cast<int32_t>(tensors.size());
  args[i].as.tensors = kept().lists.back().get();
  for (size_t k = 0; k < tensors.size(); ++k) {
    args[i].as.tensors[k] = tensors[k].get();
    kept().tensors.push_back(std::move(tensors[k]));
  }
}

int64_t* Inference::new_ints(int count) {
  kept().ints.push_back(std::make_unique<int64_t[]>(count > 0 ? count : 1));
  return kept().ints.back().get();
}

}  // namespace dovetail
