// The graph. A node stands for one recorded op (or Function); its edges lead to the nodes that made the op's inputs.
// The gradient of an output goes in, gradients for the inputs come out.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "autograd/hooks.h"
#include "autograd/interpreter.h"
#include "autograd/pool.h"
#include "dovetail/abi.hpp"

namespace dovetail::autograd {

using dt::Ints;
using dt::Tensor;

class Node;
class Task;
struct Work;

// An owning pointer to a node. A node that stands for a leaf tensor is part of that tensor: owning it owns the tensor.
template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* node) : node_(node) {
    if (node) retain(node);
  }
  static Ref steal(T* node) {
    Ref ref;
    ref.node_ = node;
    return ref;
  }
  Ref(const Ref& other) : Ref(other.node_) {}
  Ref(Ref&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~Ref() {
    if (node_) release(node_);
  }

  T* get() const { return node_; }
  T* operator->() const { return node_; }
  T& operator*() const { return *node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  T* node_ = nullptr;
};
using NodePtr = Ref<Node>;
inline void retain(Node* node) noexcept;
inline void release(Node* node) noexcept;

// Where the gradient of a tensor goes: into output `nr` of `node`. No node: nowhere.
struct Edge {
  NodePtr node;
  int32_t nr = 0;
  explicit operator bool() const { return static_cast<bool>(node); }
};

// What a gradient has to look like: the shape, dtype and device of the tensor that it belongs to.
struct Shape {
  int32_t dtype = 0;
  dt_device device{};
  int32_t ndim = 0;
  const int64_t* sizes = nullptr;

  Ints ints() const { return {sizes, ndim}; }
};
Tensor zeros(const Shape& shape);
inline Shape shape_of(const dt_tensor_info& info) { return {info.dtype, info.device, info.ndim, info.sizes}; }

// What few nodes have, kept out of line.
struct Extra {
  struct OfOutput {
    int32_t nr;
    std::shared_ptr<HookList> hooks;
  };
  struct Retained {
    int32_t nr;
    dt_tensor* tensor;  // not owned: its slot takes it off this list when it goes
  };
  std::vector<OfOutput> tensor_hooks;  // on the gradient of an output
  std::vector<Retained> retained;      // outputs whose gradient is kept in .grad
  std::shared_ptr<HookList> before, after, after_accumulate;
  std::unique_ptr<Attachment> attachment;  // the bindings' own: metadata
  // While Python has an object for the node: what speaks for its Python objects (bindings/collecting.cc). The object
  // that the bindings made holds one of the references on the node.
  struct _object* keeper = nullptr;
};

class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual std::string name() const = 0;
  // Compute gradients. `grads`: of the outputs, null where none arrived (not all are). `results`: one for every edge,
  // null on entry; an entry left null means no gradient. Entries whose edge `wanted(task, i)` denies are not looked at.
  virtual void apply(Task& task, Tensor* grads, Tensor* results) = 0;
  // Let go of saved tensors. A later apply that needs them throws.
  virtual void release_saved() {}
  // Report and drop Python objects, for the garbage collector.
  virtual int traverse(Visit visit, void* arg) const;
  virtual void clear_python();

  // The leaf tensor that this node stands for, else null.
  dt_tensor* leaf() const { return leaf_; }
  int32_t n_edges() const { return n_edges_; }
  int32_t n_outputs() const { return n_outputs_; }
  Edge& edge(int i) { return edges_[i]; }
  const Edge& edge(int i) const { return edges_[i]; }
  // Nodes are numbered when their edges are there, so an edge leads to a lower number, or to a leaf, which have the
  // highest. (Finding an edge may itself make a node.)
  uint64_t sequence() const { return sequence_; }
  Shape output(int nr) const;

  Extra& extra() {
    if (!extra_) extra_ = std::make_unique<Extra>();
    return *extra_;
  }
  Extra* extra_if_any() const { return extra_.get(); }
  // The hooks on the gradient of output `nr`, made if there are none.
  std::shared_ptr<HookList>& tensor_hooks(int nr);
  // An edge whose gradient is computed although the engine does not follow it (see views.cc); -1: none.
  int32_t always_wanted() const { return always_wanted_; }
  void set_always_wanted(int32_t edge) { always_wanted_ = edge; }
  // Where the program was when this node kept tensors, for an error (Interpreter::place).
  uint64_t place() const { return place_; }
  void note_place() { place_ = interpreter.place ? interpreter.place() : 0; }
  int32_t owners() const { return refs_.load(std::memory_order_relaxed); }
  bool sole_owner() const { return owners() == 1; }

  // The engine's: which run works on this node, and its record there. Null when none does. (Another thread's run may
  // look whether it is its own, without Python's lock.)
  std::atomic<Task*> task{nullptr};
  Work* work = nullptr;
  // How many calls of apply there are now: the node may be met by several runs, on several threads or inside its own
  // apply. What it saved is let go of when the last one is over.
  int32_t running = 0;
  bool release_when_over = false;

 protected:
  Node() = default;
  virtual ~Node();
  void set_output(int nr, const dt_tensor_info& info, int64_t* sizes);
  void number();  // to be called when the edges are set

  struct Output {
    int32_t dtype;
    dt_device device;
    int32_t ndim;
    const int64_t* sizes;
  };
  Edge* edges_ = nullptr;
  Output* outputs_ = nullptr;
  dt_tensor* leaf_ = nullptr;
  int32_t n_edges_ = 0, n_outputs_ = 0;
  uint64_t sequence_ = 0;

 private:
  friend void retain(Node* node) noexcept;
  friend void release(Node* node) noexcept;
  template <class T, class... Args>
  friend T* make_node(int n_edges, int n_outputs, size_t more, Args&&... args);
  friend void bury(Node* node) noexcept;

  std::atomic<int32_t> refs_{1};
  uint32_t bytes_ = 0;  // of the block that this node is in
  int32_t always_wanted_ = -1;
  std::unique_ptr<Extra> extra_;
  union {
    uint64_t place_ = 0;
    Node* next_dead_;
  };
};

constexpr uint64_t kLeafSequence = ~uint64_t{0};

// Make a node in one block: the object, its edges and outputs (both empty), and `more` bytes that T lays out itself,
// which it gets as the first constructor argument.
template <class T, class... Args>
T* make_node(int n_edges, int n_outputs, size_t more, Args&&... args) {
  static_assert(alignof(T) <= 16 && sizeof(T) % 8 == 0, "the tail is laid out behind the object");
  const size_t edges_at = sizeof(T);
  const size_t outputs_at = edges_at + sizeof(Edge) * n_edges;
  const size_t more_at = outputs_at + sizeof(Node::Output) * n_outputs;
  const size_t bytes = more_at + more;
  char* block = static_cast<char*>(pool_take(bytes));
  T* node = new (block) T(block + more_at, std::forward<Args>(args)...);
  node->bytes_ = static_cast<uint32_t>(bytes);
  node->edges_ = reinterpret_cast<Edge*>(block + edges_at);
  node->outputs_ = reinterpret_cast<Node::Output*>(block + outputs_at);
  for (int i = 0; i < n_edges; ++i) new (&node->edges_[i]) Edge();
  for (int i = 0; i < n_outputs; ++i) node->outputs_[i] = {};
  node->n_edges_ = n_edges;
  node->n_outputs_ = n_outputs;
  return node;
}

// Destroy a node that nobody owns any more. Iterative: what it owned in turn is put on a list.
void bury(Node* node) noexcept;

inline void retain(Node* node) noexcept {
  if (node->leaf_)
    dt::api().retain(node->leaf_);
  else
    node->refs_.fetch_add(1, std::memory_order_relaxed);
}

inline void release(Node* node) noexcept {
  if (node->leaf_)
    dt::api().release(node->leaf_);
  else if (node->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
    bury(node);
}

}  // namespace dovetail::autograd
