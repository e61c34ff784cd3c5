#include "autograd/engine.h"

#include <algorithm>

#include "autograd/autocast.h"
#include "autograd/levels.h"
#include "autograd/watch.h"

namespace dovetail::autograd {

// A run's record of one node.
struct Work {
  Node* node;
  Work* next_made = nullptr;  // in the order in which the run met them
  int32_t waiting = 0;        // edges into the node over which nothing has come yet
  bool runs = true;           // it leads to where a gradient is wanted
  bool is_input = false;      // its gradients are asked for
  bool over = false;          // the node knows no more of this run
  uint64_t summed = 0;        // which of the first 64 gradients are sums made here, so that nobody else sees them
  int32_t n_grads;
  Tensor* grads;  // of the node's outputs, summed so far
};

namespace {

const dt::Op add{"add"};

// Memory for the records of a run: given back all at once.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  ~Arena() {
    for (auto [block, bytes] : blocks_) pool_give(block, bytes);
  }
  void* take(size_t bytes) {
    if (used_ + bytes > size_) grow(bytes);
    void* at = current_ + used_;
    used_ += bytes;
    return at;
  }

 private:
  void grow(size_t bytes) {
    size_ = std::max(bytes, blocks_.empty() ? kLargestPooled : std::min<size_t>(2 * size_, 1 << 16));
    used_ = 0;
    current_ = static_cast<char*>(pool_take(size_));
    blocks_.push_back({current_, size_});
  }
  std::vector<std::pair<char*, size_t>> blocks_;
  char* current_ = nullptr;
  size_t size_ = 0, used_ = 0;
};

}  // namespace

// One run of the engine. Its records hang on the nodes themselves; a node that another run works on already (backward
// inside backward) is found in a table instead.
class Task {
 public:
  Task(const BackwardOptions& options, bool pruned) : options_(options), pruned_(pruned) {}
  Task(const Task&) = delete;
  ~Task();

  void add_root(const Edge& root, Tensor gradient);
  void run(const std::vector<Edge>& inputs);
  // The gradient that arrived at an input, once the run is over.
  Tensor captured(const Edge& input) const;

  bool pruned() const { return pruned_; }
  std::unique_ptr<Attachment> attachment;
  int lists_to_call(const std::vector<uint64_t>& serials) const;

  bool is_wanted(const Node& node) const {
    if (!pruned_) return true;
    const Work* work = find(node);
    return work && (work->runs || work->is_input);
  }

 private:
  Work* find(const Node& node) const {
    if (node.task.load(std::memory_order_relaxed) == this) return node.work;
    if (others_.empty()) return nullptr;
    auto found = others_.find(&node);
    return found == others_.end() ? nullptr : found->second;
  }
  Work* make(Node& node);
  void leave(Work& work);
  Work& meet(Node& node, std::vector<Work*>& stack);
  void discover();
  void prune(const std::vector<Edge>& inputs);
  static void fetch_ahead(const Work& work);
  void execute(Work& work);
  void run_node(Work& work, Extra* extra, Tensor* results);
  void apply(Node& node, Tensor* grads, Tensor* results);
  void apply_watched(Node& node, Tensor* grads, Tensor* results);
  static void release(Node& node);
  void pass_on(Node& node, Tensor* results);
  void deliver(Work& to, int32_t nr, Tensor gradient);
  void call_hooks(Work& work, Extra& extra);

  // Later nodes first; leaves before all, so that their gradients are settled early.
  static bool runs_after(const Work* a, const Work* b) { return a->node->sequence() < b->node->sequence(); }
  void push_ready(Work* work) {
    ready_.push_back(work);
    std::push_heap(ready_.begin(), ready_.end(), runs_after);
  }

  const BackwardOptions& options_;
  const bool pruned_;
  Arena arena_;
  Work* first_ = nullptr;
  Work* last_ = nullptr;
  std::vector<Work*> roots_;
  std::vector<Work*> ready_;
  std::vector<Tensor> results_;
  std::unordered_map<const Node*, Work*> others_;
  bool large_ = false;  // the node that ran last took long
};

Task::~Task() {
  for (Work* work = first_; work; work = work->next_made) {
    for (int i = 0; i < work->n_grads; ++i) work->grads[i].~Tensor();
    if (!work->over) leave(*work);
  }
}

// Nothing more comes to a node that has run. It is told while it is at hand, not at the end of the run.
void Task::leave(Work& work) {
  work.over = true;
  if (work.node->task.load(std::memory_order_relaxed) == this)
    work.node->task.store(nullptr, std::memory_order_relaxed);
}

Work* Task::make(Node& node) {
  const int n = node.n_outputs();
  char* memory = static_cast<char*>(arena_.take(sizeof(Work) + sizeof(Tensor) * n));
  Work* work = new (memory) Work();
  work->node = &node;
  work->n_grads = n;
  work->grads = reinterpret_cast<Tensor*>(memory + sizeof(Work));
  for (int i = 0; i < n; ++i) new (&work->grads[i]) Tensor();
  (last_ ? last_->next_made : first_) = work;
  last_ = work;
  if (!node.task.load(std::memory_order_relaxed)) {
    node.work = work;
    node.task.store(this, std::memory_order_relaxed);
  } else {
    others_[&node] = work;
  }
  return work;
}

Work& Task::meet(Node& node, std::vector<Work*>& stack) {
  Work* work = find(node);
  if (!work) stack.push_back(work = make(node));
  return *work;
}

void Task::add_root(const Edge& root, Tensor gradient) {
  Work* work = find(*root.node);
  if (!work) roots_.push_back(work = make(*root.node));
  deliver(*work, root.nr, std::move(gradient));
}

// A graph is larger than the caches, and its nodes are met in the order in which they run, more or less: the ones after
// the next are on their way while a node is worked on.
void Task::fetch_ahead(const Work& work) {
  constexpr int kLine = 64, kNode = 256;
  const Work* ahead = work.next_made ? work.next_made->next_made : nullptr;
  if (!ahead) return;
  __builtin_prefetch(ahead->next_made);
  for (int i = 0; i < kNode; i += kLine) __builtin_prefetch(reinterpret_cast<const char*>(ahead->node) + i);
}

// Find every node that can be reached, and count the edges into each.
void Task::discover() {
  std::vector<Work*> stack = roots_;
  while (!stack.empty()) {
    Node& node = *stack.back()->node;
    stack.pop_back();
    for (int i = 0; i < node.n_edges(); ++i)
      if (const Edge& edge = node.edge(i); edge) ++meet(*edge.node, stack).waiting;
  }
}

// Only what leads to an input runs. Edges lead to older nodes, or to leaves, so one pass by age settles it.
void Task::prune(const std::vector<Edge>& inputs) {
  std::vector<Work*> by_age;
  for (Work* work = first_; work; work = work->next_made) {
    work->runs = false;
    by_age.push_back(work);
  }
  for (const Edge& input : inputs)
    if (Work* work = find(*input.node)) work->is_input = true;
  std::sort(by_age.begin(), by_age.end(), [](Work* a, Work* b) { return runs_after(a, b); });
  for (Work* work : by_age) {
    for (int i = 0; i < work->node->n_edges() && !work->runs; ++i)
      if (const Edge& edge = work->node->edge(i); edge) work->runs = is_wanted(*edge.node);
  }
}

void Task::deliver(Work& to, int32_t nr, Tensor gradient) {
  Tensor& sum = to.grads[nr];
  if (!sum) {
    sum = std::move(gradient);
    return;
  }
  const Unlocked unlocked(is_large(gradient));
  if (nr < 64 && to.summed >> nr & 1 && !may_be_followed()) {
    add.inplace(sum, gradient);
  } else {
    sum = add(sum, gradient);
    if (nr < 64) to.summed |= uint64_t{1} << nr;
  }
}

void Task::call_hooks(Work& work, Extra& extra) {
  for (size_t i = 0; i < extra.tensor_hooks.size(); ++i) {
    const auto [nr, hooks] = extra.tensor_hooks[i];
    if (work.grads[nr]) hooks->call(&work.grads[nr], 1);
  }
  const std::vector<Extra::Retained> retained = extra.retained;
  for (const Extra::Retained& r : retained)
    if (work.grads[r.nr]) accumulate_grad(r.tensor, work.grads[r.nr]);
}

void Task::execute(Work& work) {
  Node& node = *work.node;
  bool any = false;
  for (int i = 0; i < work.n_grads; ++i) any |= static_cast<bool>(work.grads[i]);
  Extra* extra = node.extra_if_any();
  if (any && extra) call_hooks(work, *extra);
  if (!work.runs || (node.leaf() && !(any && options_.accumulate))) return;
  std::vector<Tensor> results = std::move(results_);
  results.resize(node.n_edges());
  if (any) run_node(work, extra, results.data());
  if (!options_.keep_graph) release(node);
  pass_on(node, results.data());
  results.clear();
  results_ = std::move(results);
}

void Task::release(Node& node) {
  if (node.running)
    node.release_when_over = true;
  else
    node.release_saved();
}

namespace {

// One call of a node's apply.
class Running {
 public:
  explicit Running(Node& node) : node_(node) { ++node.running; }
  ~Running() {
    if (--node_.running || !node_.release_when_over) return;
    node_.release_when_over = false;
    node_.release_saved();
  }
  Running(const Running&) = delete;

 private:
  Node& node_;
};

int64_t numel(const Shape& shape) {
  int64_t n = 1;
  for (int i = 0; i < shape.ndim; ++i) n *= shape.sizes[i];
  return n;
}

// Whether a node works on much: what comes in, and what goes out.
bool works_long(const Node& node, const Tensor* grads) {
  int64_t total = 0;
  for (int i = 0; i < node.n_outputs(); ++i) total += grads[i] ? grads[i].numel() : 0;
  for (int i = 0; i < node.n_edges(); ++i)
    if (const Edge& edge = node.edge(i); edge) total += numel(edge.node->output(edge.nr));
  return total > kLargeWork;
}

}  // namespace

void Task::apply(Node& node, Tensor* grads, Tensor* results) {
  const Running running(node);
  large_ = !node.leaf() && works_long(node, grads);
  const Unlocked unlocked(large_);
  node.apply(*this, grads, results);
}

void Task::apply_watched(Node& node, Tensor* grads, Tensor* results) {
  Watcher* watching = current_watcher();
  if (__builtin_expect(!watching || any_level(), 1)) return apply(node, grads, results);
  try {
    apply(node, grads, results);
  } catch (...) {
    watching->failed(node);
    throw;
  }
  watching->ran(node, results, node.n_edges());
}

void Task::run_node(Work& work, Extra* extra, Tensor* results) {
  Node& node = *work.node;
  const bool watched = extra && extra->after && !extra->after->empty();
  std::vector<Tensor> mine;  // the node uses its gradients up, so keep those that are looked at later
  Tensor* grads = work.grads;
  if (work.is_input || watched || (extra && extra->before)) {
    mine.assign(work.grads, work.grads + work.n_grads);
    grads = mine.data();
    if (extra && extra->before) {
      extra->before->call(grads, work.n_grads);
      if (std::none_of(mine.begin(), mine.end(), [](const Tensor& t) { return static_cast<bool>(t); })) return;
    }
  }
  const std::vector<Tensor> seen = watched ? mine : std::vector<Tensor>();
  apply_watched(node, grads, results);
  if (watched) extra->after->call(results, node.n_edges(), seen.data(), work.n_grads);
  if (work.is_input) return;
  for (int i = 0; i < work.n_grads; ++i) work.grads[i] = nullptr;
}

void Task::pass_on(Node& node, Tensor* results) {
  for (int i = 0; i < node.n_edges(); ++i) {
    const Edge& edge = node.edge(i);
    if (!edge) continue;
    Work& to = *find(*edge.node);
    if (!(to.runs || to.is_input)) continue;
    if (results[i]) deliver(to, edge.nr, fitted(std::move(results[i]), edge.node->output(edge.nr), node, i));
    if (--to.waiting == 0) push_ready(&to);
  }
}

void Task::run(const std::vector<Edge>& inputs) {
  discover();
  if (pruned_) prune(inputs);
  for (Work* root : roots_)
    if (root->waiting == 0) push_ready(root);
  for (int n = 1; !ready_.empty(); ++n) {
    if ((n % 16 == 0 || large_) && options_.poll) options_.poll();
    std::pop_heap(ready_.begin(), ready_.end(), runs_after);
    Work* work = ready_.back();
    ready_.pop_back();
    fetch_ahead(*work);
    execute(*work);
    if (!work->is_input) leave(*work);
  }
}

Tensor Task::captured(const Edge& input) const {
  const Work* work = find(*input.node);
  return work ? work->grads[input.nr] : Tensor();
}

int Task::lists_to_call(const std::vector<uint64_t>& serials) const {
  int count = 0;
  for (const Work* work = first_; work; work = work->next_made) {
    const Extra* extra = work->node->extra_if_any();
    if (!extra || !(work->runs || work->is_input)) continue;
    for (const Extra::OfOutput& of : extra->tensor_hooks)
      count += std::find(serials.begin(), serials.end(), of.hooks->serial()) != serials.end();
  }
  return count;
}

// ---- the run --------------------------------------------------------------------------------------------

namespace {

thread_local Task* innermost __attribute__((tls_model("initial-exec"))) = nullptr;

class OnThread {
 public:
  explicit OnThread(Task& task) : outer_(std::exchange(innermost, &task)) {}
  ~OnThread() { innermost = outer_; }
  OnThread(const OnThread&) = delete;

 private:
  Task* outer_;
};

Task& current_task() {
  if (!innermost) dt::runtime_error("no backward is running on this thread");
  return *innermost;
}

}  // namespace

std::vector<Tensor> run_node(Node& node, std::vector<Tensor> gradients) {
  const BackwardOptions options;
  Task task(options, false);
  const OnThread running(task);
  std::vector<Tensor> results(node.n_edges());
  node.apply(task, gradients.data(), results.data());
  return results;
}

std::unique_ptr<Attachment>& run_attachment() { return current_task().attachment; }
bool run_is_whole() { return !current_task().pruned(); }
int lists_to_call(const std::vector<uint64_t>& serials) { return current_task().lists_to_call(serials); }

bool wanted(const Task& task, const Node& node, int i) {
  const Edge& edge = node.edge(i);
  return edge && (task.is_wanted(*edge.node) || node.always_wanted() == i);
}

std::vector<Tensor> run_backward(const std::vector<Edge>& roots, std::vector<Tensor> gradients,
                                 const BackwardOptions& options, const std::vector<Edge>& inputs,
                                 const std::vector<Tensor>& targets) {
  dt::GradMode mode(options.create_graph);
  const AutocastOff no_autocast;
  Task task(options, !inputs.empty());
  const OnThread running(task);
  for (size_t i = 0; i < roots.size(); ++i) task.add_root(roots[i], std::move(gradients[i]));
  task.run(inputs);
  std::vector<Tensor> captured;
  for (size_t i = 0; i < inputs.size(); ++i) {
    captured.push_back(task.captured(inputs[i]));
    if (captured.back()) dt::api().set_bits(captured.back().get(), 0, dt::kViewWithoutGrad);  // the user's own now
    if (options.accumulate && captured.back()) settle(targets[i].get(), captured.back());
  }
  return captured;
}

}  // namespace dovetail::autograd
