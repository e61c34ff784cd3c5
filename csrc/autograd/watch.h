// Someone who follows what is recorded and run: anomaly mode. Nobody, usually.
#pragma once

#include "autograd/node.h"

namespace dovetail::autograd {

class Watcher {
 public:
  virtual ~Watcher() = default;
  // An op was recorded as a node. Called below autograd.
  virtual void recorded(Node& node, const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs) = 0;
  // A node has run.
  virtual void ran(Node& node, const Tensor* gradients, int n_gradients) = 0;
  // A node has thrown; the error follows.
  virtual void failed(Node& node) noexcept = 0;
};

// Null: nobody. For the whole process; the watcher must outlive its watch.
inline std::atomic<Watcher*> watcher{nullptr};
inline Watcher* current_watcher() { return watcher.load(std::memory_order_acquire); }

}  // namespace dovetail::autograd
