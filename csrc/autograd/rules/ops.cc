#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

Tensor scaled(Ctx& c, const Tensor& g, int i) {
  const dt_value& v = c.value(i);
  if (v.tag != DT_COMPLEX) return scaled(g, c.number(i));
  dt_tensor* factor = nullptr;
  dt::check(dt::api().wrap_number(&v, &factor));
  return g * Tensor::steal(factor);
}

Tensor spread(const Tensor& g, Ints sizes, const std::vector<int64_t>& dims, bool keepdim) {
  if (keepdim || sizes.count == 0 || static_cast<int>(dims.size()) == sizes.count) return expand(g, sizes);
  std::vector<int64_t> kept = sizes.vector();
  for (int64_t d : dims) kept[d] = 1;
  return expand(reshape(g, kept), sizes);
}

}  // namespace dovetail::autograd::rules
