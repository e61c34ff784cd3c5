#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

Tensor spread(const Tensor& g, Ints sizes, const std::vector<int64_t>& dims, bool keepdim) {
  if (keepdim || sizes.count == 0 || static_cast<int>(dims.size()) == sizes.count) return expand(g, sizes);
  std::vector<int64_t> kept = sizes.vector();
  for (int64_t d : dims) kept[d] = 1;
  return expand(reshape(g, kept), sizes);
}

}  // namespace dovetail::autograd::rules
