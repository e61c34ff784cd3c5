#include "autograd/node.h"

#include <cstring>

namespace dovetail::autograd {

namespace {

std::atomic<uint64_t> last_number{0};

// The dead nodes that this thread has yet to destroy.
thread_local Node* dead __attribute__((tls_model("initial-exec"))) = nullptr;
thread_local bool digging __attribute__((tls_model("initial-exec"))) = false;

const dt::Op zeros_op{"zeros"};

}  // namespace

void Node::number() { sequence_ = last_number.fetch_add(1, std::memory_order_relaxed); }

Tensor zeros(const Shape& shape) { return zeros_op(shape.ints(), dt::DType{shape.dtype}, shape.device); }

Node::~Node() {
  for (int i = 0; i < n_edges_; ++i) edges_[i].~Edge();
}

void bury(Node* node) noexcept {
  node->next_dead_ = dead;
  dead = node;
  if (digging) return;
  digging = true;
  while (dead) {
    Node* next = dead;
    dead = next->next_dead_;
    const uint32_t bytes = next->bytes_;
    next->~Node();
    pool_give(next, bytes);
  }
  digging = false;
}

void Node::set_output(int nr, const dt_tensor_info& info, int64_t* sizes) {
  std::memcpy(sizes, info.sizes, sizeof(int64_t) * info.ndim);
  outputs_[nr] = {info.dtype, info.device, info.ndim, sizes};
}

Shape Node::output(int nr) const {
  if (leaf_) {
    dt_tensor_info info;
    info.struct_size = sizeof info;
    dt::api().tensor_info(leaf_, &info);
    return shape_of(info);
  }
  const Output& output = outputs_[nr];
  return {output.dtype, output.device, output.ndim, output.sizes};
}

std::shared_ptr<HookList>& Node::tensor_hooks(int nr) {
  for (Extra::OfOutput& entry : extra().tensor_hooks)
    if (entry.nr == nr) return entry.hooks;
  extra().tensor_hooks.push_back({nr, std::make_shared<HookList>()});
  return extra().tensor_hooks.back().hooks;
}

int Node::traverse(Visit visit, void* arg) const {
  if (!extra_) return 0;
  for (const Extra::OfOutput& entry : extra_->tensor_hooks)
    if (int result = entry.hooks->traverse(visit, arg)) return result;
  for (const auto* list : {&extra_->before, &extra_->after, &extra_->after_accumulate})
    if (*list)
      if (int result = (*list)->traverse(visit, arg)) return result;
  return extra_->attachment ? extra_->attachment->traverse(visit, arg) : 0;
}

void Node::clear_python() {
  if (!extra_) return;
  for (Extra::OfOutput& entry : extra_->tensor_hooks) entry.hooks->clear();
  for (const auto* list : {&extra_->before, &extra_->after, &extra_->after_accumulate})
    if (*list) (*list)->clear();
  extra_->attachment.reset();
}

}  // namespace dovetail::autograd
