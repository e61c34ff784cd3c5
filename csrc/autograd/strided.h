// A tensor's elements as places in flat memory, for gradients of views that are given by sizes and strides alone.
#pragma once

#include "autograd/node.h"

namespace dovetail::autograd {

struct Geometry {
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0;  // of the first element

  static Geometry of(dt_tensor* t);
  // The lowest and the highest place that an element is at.
  std::pair<int64_t, int64_t> range() const;
  int64_t numel() const;
  bool overlaps_itself() const;
};

// Flat memory in which both geometries have their places; what no element fills is zero.
class Memory {
 public:
  // `t` laid out as `geometry` says; its elements are `t`'s. Where several share a place, they are added up.
  Memory(const Tensor& t, const Geometry& geometry, const Geometry& other);

  Tensor read(const Geometry& geometry) const;  // a view
  // Replace what `geometry` shows; `in_place` where nobody else sees this memory and nothing is recorded.
  void write(const Geometry& geometry, const Tensor& t, bool in_place);

 private:
  int64_t at(const Geometry& geometry) const { return geometry.offset - low_; }

  Tensor flat_;
  int64_t low_;
};

}  // namespace dovetail::autograd
