// Functions that users hang on tensors and nodes. What they are is the bindings' business (Python callables).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "dovetail/abi.hpp"

namespace dovetail::autograd {

using Visit = int (*)(struct _object*, void*);

class Hook {
 public:
  virtual ~Hook() = default;
  // `values` may be replaced; `others` are for information. What they are depends on where the hook hangs:
  //   on a tensor: its gradient; after accumulation: the leaf itself;
  //   before a node: the gradients of its outputs; after it: those for its inputs, and (others) of its outputs.
  virtual void call(dt::Tensor* values, int n_values, const dt::Tensor* others, int n_others) = 0;
  virtual int traverse(Visit, void*) const { return 0; }
};

// Hooks in the order of their registration. Shared with the handles that remove them, so that a handle keeps no graph
// alive.
class HookList {
 public:
  int64_t add(std::unique_ptr<Hook> hook) {
    items_.push_back({++last_id_, std::move(hook)});
    return last_id_;
  }
  void remove(int64_t id) {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (items_[i].id != id) continue;
      // Destroyed only after the list is whole again: a hook's end may run Python.
      std::shared_ptr<Hook> removed = std::move(items_[i].hook);
      items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }
  bool empty() const { return items_.empty(); }
  // A number that no other list has, nor ever had.
  uint64_t serial() const { return serial_; }
  // Hooks may add and remove hooks while they run; those added run next time.
  void call(dt::Tensor* values, int n_values, const dt::Tensor* others = nullptr, int n_others = 0) const {
    const std::vector<Item> now = items_;
    for (const Item& item : now) item.hook->call(values, n_values, others, n_others);
  }
  int traverse(Visit visit, void* arg) const {
    for (const Item& item : items_) {
      // While a run of the hooks holds one too, it is reachable from there.
      if (item.hook.use_count() > 1) continue;
      if (int result = item.hook->traverse(visit, arg)) return result;
    }
    return 0;
  }
  void clear() { std::vector<Item>().swap(items_); }

 private:
  struct Item {
    int64_t id;
    std::shared_ptr<Hook> hook;
  };
  static uint64_t next_serial() {
    static std::atomic<uint64_t> last{0};
    return ++last;
  }

  std::vector<Item> items_;
  int64_t last_id_ = 0;
  const uint64_t serial_ = next_serial();
};

// Anything that the bindings hang on a node, or on a run.
class Attachment {
 public:
  virtual ~Attachment() = default;
  virtual int traverse(Visit, void*) const { return 0; }
};

}  // namespace dovetail::autograd
