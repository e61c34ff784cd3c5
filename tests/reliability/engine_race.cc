// Autograd's engine under ThreadSanitizer, without Python: threads that record, run and free graphs at once.
// engine_race [rounds [seed]]: prints its counts; ThreadSanitizer ends it with an error if it sees a race.
//
// The lock that the engine knows as Python's is a mutex here. As in Python, a thread holds it but for large work and
// between two nodes; what is large is recorded, run and added to the leaves without it. The kernels are a few of this
// file's own.
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "autograd/engine.h"
#include "autograd/layer.h"
#include "autograd/meta.h"
#include "autograd/rule.h"
#include "core/allocator.h"
#include "core/api.h"
#include "core/pool.h"

namespace {

using namespace dovetail::autograd;
using dt::Op;
using dt::Tensor;

constexpr int kThreads = 6;
constexpr int64_t kSmall = 8, kLarge = kLargeWork + 1000;
std::atomic<int64_t> graphs{0}, nodes{0}, hooked{0}, wrong{0};

// ---- kernels ----

float* element(const dt_array& a, int64_t i) {
  int64_t at = 0;
  for (int dim = a.ndim - 1; dim >= 0; --dim) {
    at += i % a.sizes[dim] * a.strides[dim];
    i /= a.sizes[dim];
  }
  return static_cast<float*>(a.data) + at;
}

int64_t count_of(const dt_array& a) {
  int64_t count = 1;
  for (int dim = 0; dim < a.ndim; ++dim) count *= a.sizes[dim];
  return count;
}

using Function = float (*)(float, float);

dt_status each(const void* self, dt_kernel_context* context, const dt_array* outs, int32_t, const dt_array* ins,
               int32_t n_ins, const dt_value*, int32_t) {
  struct Job {
    Function function;
    const dt_array *out, *in;
    int32_t n;
  } job{reinterpret_cast<Function>(const_cast<void*>(self)), outs, ins, n_ins};
  const auto body = [](void* arg, int64_t begin, int64_t end) {
    const Job& job = *static_cast<Job*>(arg);
    for (int64_t i = begin; i < end; ++i)
      *element(*job.out, i) = job.function(*element(job.in[0], i), job.n > 1 ? *element(job.in[1], i) : 0);
  };
  context->parallel_for(context, count_of(outs[0]), 8192, body, &job);
  return DT_OK;
}

dt_status sum_up(const void*, dt_kernel_context*, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                 const dt_value*, int32_t) {
  dt_array out = outs[0];  // with strides of 0 where it is summed
  out.sizes = ins[0].sizes;
  const int64_t n = count_of(ins[0]);
  for (int64_t i = 0; i < n; ++i) *element(out, i) = 0;
  for (int64_t i = 0; i < n; ++i) *element(out, i) += *element(ins[0], i);
  return DT_OK;
}

dt_status fill_up(const void*, dt_kernel_context*, const dt_array* outs, int32_t, const dt_array*, int32_t,
                  const dt_value* args, int32_t n_args) {
  double value = 0;  // the first number among the arguments
  for (int i = n_args - 1; i >= 0; --i) {
    if (args[i].tag == DT_FLOAT) value = args[i].as.f;
    if (args[i].tag == DT_INT) value = static_cast<double>(args[i].as.i);
  }
  for (int64_t i = 0, n = count_of(outs[0]); i < n; ++i) *element(outs[0], i) = static_cast<float>(value);
  return DT_OK;
}

struct Named {
  const char* op;
  dt_kernel_fn kernel;
  Function function;
};
const Named kKernels[] = {
    {"add", each, [](float a, float b) { return a + b; }},
    {"mul", each, [](float a, float b) { return a * b; }},
    {"exp", each, [](float a, float) { return std::exp(a); }},
    {"neg", each, [](float a, float) { return -a; }},
    {"copy", each, [](float a, float) { return a; }},
    {"sum", sum_up, nullptr},
    {"full", fill_up, nullptr},
    {"fill", fill_up, nullptr},
};

dt_status get_kernel(void*, const char* op, const int32_t*, int32_t, dt_kernel* kernel) {
  for (const Named& named : kKernels)
    if (std::string(op) == named.op) *kernel = {named.kernel, reinterpret_cast<const void*>(named.function)};
  return DT_OK;
}

}  // namespace

extern "C" const dt_backend* dovetail_cpu_backend(void* (*)(size_t), void (*)(void*, size_t),
                                                  void (*)(dt_memory_stats*, int)) {
  static dt_backend table{};
  table.abi_major = DT_ABI_MAJOR;
  table.abi_minor = DT_ABI_MINOR;
  table.struct_size = sizeof(dt_backend);
  table.flags = DT_BACKEND_HOST_MEMORY;
  table.name = "cpu";
  table.device_count = [](void*) { return 1; };
  table.get_kernel = get_kernel;
  table.alloc = [](void*, int32_t, size_t bytes, void*, void** out) {
    return dt_status((*out = dovetail::cpu_alloc(bytes)) ? DT_OK : DT_ERR_MEMORY);
  };
  table.free = [](void*, int32_t, void* data, size_t bytes, void*) { dovetail::cpu_free(data, bytes); };
  table.copy = [](void*, int32_t, void* to, const void* from, size_t bytes, int32_t, void*) {
    std::memcpy(to, from, bytes);
    return dt_status(DT_OK);
  };
  return &table;
}

namespace {

// ---- the lock ----

std::mutex lock;
thread_local bool holding = false;

void* let_go() {
  if (!holding) return nullptr;
  holding = false;
  lock.unlock();
  return &lock;
}
void take(void*) {
  lock.lock();
  holding = true;
}
struct Holding {
  Holding() { take(nullptr); }
  ~Holding() { let_go(); }
};

// ---- graphs ----

class Counting final : public Hook {
 public:
  void call(Tensor* values, int n_values, const Tensor*, int) override {
    for (int i = 0; i < n_values; ++i) hooked += static_cast<bool>(values[i]);
  }
};

const Op ones{"ones"}, add{"add"}, mul{"mul"}, exp_op{"exp"}, select{"select"}, alias{"alias"};

Tensor make(int64_t n) {
  const int64_t sizes[] = {n};
  return ones(dt::Ints(sizes, 1), dt::DType{DT_FLOAT32}, dt_device{0, 0});
}
Tensor make_leaf(int64_t n) {
  Tensor t = make(n);
  dt::api().set_bits(t.get(), DT_BIT_GRAD, 0);
  return t;
}

// As the bindings call an op.
template <class... Args>
Tensor call(const Op& op, const Tensor& first, const Args&... rest) {
  const Unlocked released(is_large(first));
  return op(first, rest...);
}

void backward(const Tensor& y, bool keep = false, const std::vector<Tensor>& inputs = {}) {
  BackwardOptions options;
  options.keep_graph = keep;
  options.accumulate = inputs.empty();
  options.poll = [] { const Unlocked turn(true); };
  std::vector<Edge> targets;
  for (const Tensor& t : inputs) targets.push_back(gradient_edge(t.get()));
  for (const Tensor& g : run_backward({gradient_edge(y.get())}, {make(y.numel())}, options, targets, inputs))
    wrong += !g;
  ++graphs;
}

void hook(const Tensor& y) {
  const Edge edge = gradient_edge(y.get());
  edge.node->tensor_hooks(edge.nr)->add(std::make_unique<Counting>());
  auto& after = edge.node->extra().after;
  if (!after) after = std::make_shared<HookList>();
  after->add(std::make_unique<Counting>());
}

// What all threads use: leaves, to each of which every backward adds 1; a graph that all run; graphs that were made by
// one thread for another to run or to free.
struct Shared {
  std::vector<Tensor> leaves{make_leaf(kSmall), make_leaf(kLarge)};
  Tensor trunk[2] = {leaves[0] * 1.0, leaves[1] * 1.0};
  std::vector<Tensor> given;
  Tensor fresh, stale;
  std::atomic<int64_t> added[2] = {};
};

Tensor chain(Tensor y, int length) {
  for (int i = 0; i < length; ++i) y = call(mul, y, dt::number(1.0));
  nodes += length;
  return y;
}

void run_on_leaves(Shared& shared, int which) {
  const Tensor& leaf = shared.leaves[which];
  Tensor y = call(add, chain(leaf, which ? 2 : 20), make(leaf.numel()));
  hook(y);
  if (!which) y = call(add, y, call(mul, call(exp_op, y), dt::number(0.0)));
  backward(y);
  ++shared.added[which];
}

void run_on_trunk(Shared& shared, int which) {
  backward(chain(shared.trunk[which], 2), true);
  ++shared.added[which];
  backward(chain(shared.trunk[which], 1), true, {shared.trunk[which]});
}

// Writes into a view of a result, which has its gradient too.
void write_view(Shared& shared) {
  Tensor y = chain(shared.leaves[0], 1);
  Tensor view = select(y, 0, 1);
  mul.inplace(view, dt::number(1.0));
  backward(y);
  ++shared.added[0];
}

// A leaf without a node, and a view whose base was written: whoever is first makes the node, or looks for the history
// anew. These are large, so several threads are there at once.
void be_first(Shared& shared, std::mt19937_64& random) {
  if (!shared.fresh || random() % 4 == 0) {
    shared.fresh = make_leaf(kLarge);
    Tensor base = shared.leaves[1] * 1.0;
    shared.stale = alias(base);
    mul.inplace(base, dt::number(1.0));
  }
  const Tensor leaf = shared.fresh, view = shared.stale;
  const Tensor y = call(mul, leaf, view);
  nodes += 2;
  if (random() % 2 == 0) return;
  backward(y, true);  // 1 for the large leaf that all share, too
  ++shared.added[1];
}

// Changes a mark of a leaf that others look at, all without the lock; its other marks stay.
void mark(Shared& shared) {
  const Unlocked without(true);
  dt_tensor* leaf = shared.leaves[1].get();
  dt::api().set_bits(leaf, dt::kViewWithoutGrad, 0);
  dt::api().set_bits(leaf, 0, dt::kViewWithoutGrad);
  wrong += !(dt::api().bits(leaf) & DT_BIT_GRAD);
}

void hand_over(Shared& shared, std::mt19937_64& random) {
  std::vector<Tensor> mine, theirs;
  for (int i = 0; i < 3; ++i) mine.push_back(chain(shared.leaves[0], static_cast<int>(random() % 300)));
  theirs.swap(shared.given);
  shared.given = std::move(mine);
  for (size_t i = 0; i < theirs.size(); ++i) {
    if (i % 2) continue;  // the others are only freed
    backward(theirs[i]);
    ++shared.added[0];
  }
  const Unlocked without(random() % 2 == 0);
  theirs.clear();
}

void work(Shared& shared, int rounds, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < rounds; ++round) {
    const Holding held;
    const int large = random() % 8 == 0;
    run_on_leaves(shared, large);
    run_on_trunk(shared, large);
    write_view(shared);
    mark(shared);
    if (random() % 4 == 0) be_first(shared, random);
    hand_over(shared, random);
  }
}

void check(const Shared& shared) {
  for (int which = 0; which < 2; ++which) {
    const dt_tensor* grad = dt::api().grad(shared.leaves[which].get());
    if (!grad) {
      ++wrong;
      continue;
    }
    dt_tensor_info info;
    info.struct_size = sizeof info;
    dt::api().tensor_info(grad, &info);
    for (int64_t i = 0; i < shared.leaves[which].numel(); ++i)
      wrong += static_cast<const float*>(info.data)[i] != static_cast<float>(shared.added[which]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  dovetail::initialize();
  dt::init(&dovetail::api_table());
  declare_rules();
  dt::check(dt::api().set_autograd_layer(autograd_layer, nullptr));
  interpreter.let_go = let_go;
  interpreter.take = take;
  dovetail::set_num_threads(2);
  {
    Shared shared;
    std::vector<std::thread> threads;
    for (int k = 0; k < kThreads; ++k) threads.emplace_back([&, k] { work(shared, rounds, seed * 1000 + k); });
    for (std::thread& thread : threads) thread.join();
    check(shared);
  }
  std::printf("%lld graphs %lld nodes %lld hooked %lld wrong\n", static_cast<long long>(graphs),
              static_cast<long long>(nodes), static_cast<long long>(hooked), static_cast<long long>(wrong));
  return wrong != 0;
}
