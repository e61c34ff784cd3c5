#include "autograd/strided.h"

#include <algorithm>

namespace dovetail::autograd {

namespace {

const dt::Op as_strided{"as_strided"}, as_strided_scatter{"as_strided_scatter"}, copy{"copy"}, reshape{"reshape"},
    contiguous{"contiguous"}, arange{"arange"}, index_add{"index_add"};

Tensor zeros_like_flat(const Tensor& t, int64_t n) {
  const dt_tensor_info info = t.info();
  return zeros({info.dtype, info.device, 1, &n});
}

bool is_contiguous(const Geometry& g) {
  int64_t step = 1;
  for (size_t i = g.sizes.size(); i-- > 0;) {
    if (g.sizes[i] != 1 && g.strides[i] != step) return false;
    step *= g.sizes[i];
  }
  return true;
}

}  // namespace

Geometry Geometry::of(dt_tensor* t) {
  dt_tensor_info info;
  info.struct_size = sizeof info;
  dt::api().tensor_info(t, &info);
  return {{info.sizes, info.sizes + info.ndim}, {info.strides, info.strides + info.ndim}, info.offset};
}

std::pair<int64_t, int64_t> Geometry::range() const {
  int64_t low = offset, high = offset;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return {offset, offset};
    const int64_t span = (sizes[i] - 1) * strides[i];
    (span < 0 ? low : high) += span;
  }
  return {low, high};
}

int64_t Geometry::numel() const {
  int64_t n = 1;
  for (int64_t size : sizes) n *= size;
  return n;
}

bool Geometry::overlaps_itself() const {
  std::vector<std::pair<int64_t, int64_t>> dims;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return false;
    if (sizes[i] > 1) dims.push_back({std::abs(strides[i]), sizes[i]});
  }
  std::sort(dims.begin(), dims.end());
  int64_t reach = 0;  // of the dims with smaller strides, which the next must step over
  for (auto [stride, size] : dims) {
    if (stride <= reach) return true;
    reach += stride * (size - 1);
  }
  return false;
}

Memory::Memory(const Tensor& t, const Geometry& geometry, const Geometry& other) {
  const auto [low, high] = geometry.range();
  const auto [other_low, other_high] = other.range();
  low_ = std::min(low, other_low);
  const int64_t extent = std::max(high, other_high) - low_ + 1;
  const std::vector<int64_t> flat = {extent};
  if (extent == geometry.numel() && is_contiguous(geometry)) {
    flat_ = reshape(contiguous(t), flat);
    return;
  }
  const Tensor blank = zeros_like_flat(t, extent);
  if (!geometry.overlaps_itself()) {
    flat_ = as_strided_scatter(blank, t, geometry.sizes, geometry.strides, at(geometry));
    return;
  }
  const dt_tensor_info info = t.info();
  const Tensor places = arange(0, extent, 1, dt::DType{DT_INT64}, info.device);
  const std::vector<int64_t> all = {-1};
  const Tensor index = reshape(as_strided(places, geometry.sizes, geometry.strides, at(geometry)), all);
  flat_ = index_add(blank, 0, index, reshape(t, all));
}

Tensor Memory::read(const Geometry& geometry) const {
  return as_strided(flat_, geometry.sizes, geometry.strides, flat_.info().offset + at(geometry));
}

void Memory::write(const Geometry& geometry, const Tensor& t, bool in_place) {
  if (in_place)
    copy.inplace(read(geometry), t);
  else
    flat_ = as_strided_scatter(flat_, t, geometry.sizes, geometry.strides, flat_.info().offset + at(geometry));
}

}  // namespace dovetail::autograd
