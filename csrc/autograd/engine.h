// Running the graph backward.
#pragma once

#include <unordered_map>

#include "autograd/interpreter.h"
#include "autograd/node.h"

namespace dovetail::autograd {

struct BackwardOptions {
  bool keep_graph = false;
  bool create_graph = false;
  bool accumulate = true;    // into .grad; else gradients are only returned
  void (*poll)() = nullptr;  // called between nodes, not all; it may throw, which ends the run
};

// Run backward from `roots` (where the gradients of the tensors asked for go) with one gradient each.
// Without `inputs`, every leaf reached accumulates. With them, only the nodes on the way to these edges run; their
// gradients are returned (null where none arrived), or accumulated where options say so. `targets`: the tensors whose
// edges the inputs are, for accumulation. The GIL is held. Throws.
std::vector<Tensor> run_backward(const std::vector<Edge>& roots, std::vector<Tensor> gradients,
                                 const BackwardOptions& options, const std::vector<Edge>& inputs = {},
                                 const std::vector<Tensor>& targets = {});

// One node alone: the gradients for its edges, given those of its outputs. What it saved is kept.
std::vector<Tensor> run_node(Node& node, std::vector<Tensor> gradients);

// What the bindings hang on the innermost run of this thread, for as long as it lasts. Throws where there is none.
std::unique_ptr<Attachment>& run_attachment();
// Whether that run goes to all leaves, not only to chosen inputs.
bool run_is_whole();
// How many of these lists of hooks on tensors, by their serial numbers, that run is going to call.
int lists_to_call(const std::vector<uint64_t>& serials);

// Whether edge `i` of a node that a run works on leads to where a gradient is wanted.
bool wanted(const Task& task, const Node& node, int i);

// A gradient as its tensor's shape, dtype and device want it: summed over what was broadcast, cast, moved. Throws if it
// can't be, naming the node that made it and which of its results it is.
Tensor fitted(Tensor gradient, const Shape& want, const Node& maker, int index);

inline bool is_large(const Tensor& t) { return t.numel() > kLargeWork; }

// Whether nobody else holds this tensor or its memory, so that it may be overwritten (never when recording).
bool may_overwrite(const Tensor& t);
// Add to a tensor's .grad.
void accumulate_grad(dt_tensor* t, Tensor gradient);
// The same for a gradient that has arrived at a leaf: its hooks follow.
void settle(dt_tensor* leaf, Tensor gradient);

}  // namespace dovetail::autograd
