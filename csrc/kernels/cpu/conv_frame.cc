// Filling frames.
#include <algorithm>

#include "kernels/cpu/conv_plan.h"
#include "kernels/cpu/conv_turns.h"

namespace dovetail::cpu {

template <typename T>
Framer<T>::Framer(const FramePlan& plan, const Cut& cut, const Images<const T>& source, Carver& carver)
    : plan_(plan), source_(source) {
  capacity_ = cut.images * cut.channels * plan.layout(cut.size, sizeof(T)).channel + kFrameSlack;
  frame_ = carver.take<T>(capacity_);
  boxes_ = carver.take<Box>(plan.phases());
}

template <typename T>
bool Framer<T>::turn_to(const Part& part) {
  const auto same = [](const int64_t (&a)[3], const int64_t (&b)[3]) { return std::equal(a, a + 3, b); };
  const bool same_layout = part.images == part_.images && same(part.count, part_.count);
  const bool same_boxes = same_layout && same(part.origin, part_.origin);
  part_ = part;
  if (same_boxes) return false;
  layout_ = plan_.layout(part.count, sizeof(T));
  jump_ = plan_.dim[2].step * source_.step[2];
  // What lies outside of the image stays zero for as long as the boxes stay the same.
  std::fill(frame_, frame_ + capacity_, T(0));
  n_boxes_ = 0;
  int64_t phase = 0;
  for (int64_t first_z : plan_.dim[0].first) {
    for (int64_t first_y : plan_.dim[1].first) {
      for (int64_t first_x : plan_.dim[2].first) {
        const int64_t first[3] = {first_z, first_y, first_x};
        Box box{phase++ * layout_.phase, 0, {}};
        for (int d = 0; d < 3; ++d) {
          const int64_t step = plan_.dim[d].step, extent = part.count[d] + plan_.dim[d].reach, size = source_.size[d];
          const int64_t start = first[d] + part.origin[d] * step;  // source coordinate of element 0
          const int64_t low = start >= 0 ? 0 : ceil_div(-start, step);
          const int64_t high = start >= size ? 0 : std::min(extent, ceil_div(size - start, step));
          box.size[d] = std::max<int64_t>(0, high - low);
          box.out += low * layout_.pitch[d];
          box.in += (start + low * step) * source_.step[d];
        }
        if (box.size[0] > 0 && box.size[1] > 0 && box.size[2] > 0) boxes_[n_boxes_++] = box;
      }
    }
  }
  return !same_layout;
}

template <typename T>
void Framer<T>::fill(int64_t channel, int64_t channels) {
  const int64_t down = plan_.dim[1].step * source_.step[1], deep = plan_.dim[0].step * source_.step[0];
  T* frame = frame_;
  for (int64_t i = 0; i < part_.images; ++i) {
    const T* image = source_.data + (part_.image + i) * source_.batch;
    for (int64_t c = channel; c < channel + channels; ++c, frame += layout_.channel) {
      for (int64_t b = 0; b < n_boxes_; ++b) {
        const Box& box = boxes_[b];
        for (int64_t z = 0; z < box.size[0]; ++z) {
          T* out = frame + box.out + z * layout_.pitch[0];
          const T* in = image + c * source_.channel + box.in + z * deep;
          if (jump_ == 1) {
            for (int64_t y = 0; y < box.size[1]; ++y) {
              copy_run(out + y * layout_.pitch[1], in + y * down, box.size[2]);
            }
            continue;
          }
          if (jump_ == 2) {
            for (int64_t y = 0; y < box.size[1]; ++y) {
              const T* const line = in + y * down;
              copy_every_second(out + y * layout_.pitch[1], line, box.size[2]);
              __builtin_prefetch(line + source_.channel);
              __builtin_prefetch(line + source_.channel + box.size[2]);
            }
            continue;
          }
          for (int64_t y = 0; y < box.size[1]; ++y) {
            for (int64_t x = 0; x < box.size[2]; ++x) out[y * layout_.pitch[1] + x] = in[y * down + x * jump_];
          }
        }
      }
    }
  }
}

template class Framer<float>;
template class Framer<double>;

}  // namespace dovetail::cpu
