// What happens to a gradient between two nodes, and when it reaches a leaf.
#include "autograd/engine.h"
#include "autograd/levels.h"
#include "autograd/saved.h"

namespace dovetail::autograd {

namespace {

const dt::Op add{"add"}, sum{"sum"}, reshape{"reshape"}, cast{"cast"}, to_device{"to_device"}, clone{"clone"};

bool broadcasts(Ints from, Ints to) {
  if (from.count > to.count) return false;
  for (int i = 0; i < from.count; ++i) {
    const int64_t size = from[i];
    if (size != 1 && size != to[i + to.count - from.count]) return false;
  }
  return true;
}

// Sum over the dims that broadcasting `want` to this shape added or repeated.
Tensor summed(const Tensor& gradient, Ints sizes, Ints want) {
  std::vector<int64_t> dims;
  const int extra = sizes.count - want.count;
  for (int i = 0; i < sizes.count; ++i)
    if (i < extra || (want[i - extra] == 1 && sizes[i] != 1)) dims.push_back(i);
  if (static_cast<int>(dims.size()) == extra) return sum(gradient, dims, false);  // a bias
  const Tensor kept = sum(gradient, dims, true);
  return extra ? reshape(kept, want) : kept;
}

bool is_contiguous(const dt_tensor_info& info) {
  int64_t step = 1;
  for (int i = info.ndim - 1; i >= 0; --i) {
    if (info.sizes[i] != 1 && info.strides[i] != step) return false;
    step *= info.sizes[i];
  }
  return true;
}

// Whether a gradient can become .grad as it is: nobody else holds it, and it is laid out plainly.
bool may_keep(const Tensor& gradient) {
  const dt_api& api = dt::api();
  if (api.use_count(gradient.get()) != 1) return false;
  const dt_tensor_info info = gradient.info();
  if (info.bits & DT_BIT_WRAPPED || !is_contiguous(info)) return false;
  dt_tensor* base = api.base(gradient.get());
  if (!base) return true;
  dt_tensor_info whole;
  whole.struct_size = sizeof whole;
  api.tensor_info(base, &whole);
  return api.use_count(base) == 1 && whole.numel == info.numel;
}

}  // namespace

Tensor fitted(Tensor gradient, const Shape& want, const Node& maker, int index) {
  const dt_tensor_info info = gradient.info();
  const Ints sizes(info.sizes, info.ndim);
  if (__builtin_expect(sizes != want.ints(), 0)) {
    if (!broadcasts(want.ints(), sizes))
      dt::runtime_error("Function ", maker.name(), " returned an invalid gradient at index ", index, " - got ",
                        dt::text(sizes), " but expected shape compatible with ", dt::text(want.ints()));
    const Unlocked unlocked(info.numel > kLargeWork);
    gradient = summed(gradient, sizes, want.ints());
  }
  if (__builtin_expect(info.dtype != want.dtype, 0)) gradient = cast(gradient, dt::DType{want.dtype});
  if (__builtin_expect(!dt::same(info.device, want.device), 0)) gradient = to_device(gradient, want.device);
  return gradient;
}

bool may_overwrite(const Tensor& t) {
  const dt_api& api = dt::api();
  if (may_be_followed() || api.use_count(t.get()) != 1) return false;
  dt_tensor* base = api.base(t.get());
  return !base || api.use_count(base) == 1;
}

void accumulate_grad(dt_tensor* leaf, Tensor gradient) {
  const dt_api& api = dt::api();
  const bool large = is_large(gradient);
  const LeafLock lock(leaf, large);
  const bool keeps = may_keep(gradient);
  while (true) {
    const Tensor old = Tensor::borrow(api.grad(leaf));
    if (!old && keeps) {
      api.set_bits(gradient.get(), 0, dt::kViewWithoutGrad);  // the user's own from here on
      return api.set_grad(leaf, gradient.get());
    }
    Tensor sum;
    {
      const Unlocked unlocked(large);
      if (old && !may_be_followed()) {
        add.inplace(old, gradient);
        return;
      }
      sum = old ? old + gradient : clone(gradient);
    }
    if (api.grad(leaf) != old.get()) continue;  // it was set meanwhile
    return api.set_grad(leaf, sum.get());
  }
}

void settle(dt_tensor* leaf, Tensor gradient) {
  accumulate_grad(leaf, std::move(gradient));
  Meta* m = meta_if_any(leaf);
  Accumulate* node = m && !m->history.grad_fn ? m->accumulate.load(std::memory_order_acquire) : nullptr;
  Extra* extra = node ? node->extra_if_any() : nullptr;
  if (!extra || !extra->after_accumulate) return;
  Tensor t = Tensor::borrow(leaf);
  extra->after_accumulate->call(&t, 1);
}

void Accumulate::apply(Task&, Tensor* grads, Tensor*) {
  if (grads[0]) settle(leaf_, std::move(grads[0]));
}

}  // namespace dovetail::autograd
