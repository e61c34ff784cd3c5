#include "kernels/cpu/conv_plan.h"

#include <algorithm>

namespace dovetail::cpu {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

}  // namespace

FramePlan frame_input(const ConvShape& shape) {
  FramePlan plan;
  for (int d = 0; d < 3; ++d) {
    FrameDim& dim = plan.dim[d];
    Residue all;
    all.count = shape.out[d];
    dim.step = shape.stride[d];
    std::vector<int64_t> phases;  // residues that some tap reads
    for (int64_t k = 0; k < shape.kernel[d]; ++k) {
      const int64_t at = k * shape.dilation[d], residue = at % dim.step, shift = at / dim.step;
      const auto found = std::find(phases.begin(), phases.end(), residue);
      all.taps.push_back({found - phases.begin(), shift, k});
      if (found == phases.end()) {
        phases.push_back(residue);
        dim.first.push_back(residue - shape.padding[d]);
      }
      dim.reach = std::max(dim.reach, shift);
    }
    plan.residues[d].push_back(all);
  }
  return plan;
}

// Input y gets from output o through tap k where y + padding = o * stride + k * dilation.
FramePlan frame_gradient(const ConvShape& shape) {
  FramePlan plan;
  for (int d = 0; d < 3; ++d) {
    const int64_t stride = shape.stride[d];
    int64_t lowest = 0, highest = 0;
    bool any = false;
    for (int64_t r = 0; r < std::min(stride, shape.in[d]); ++r) {
      Residue residue;
      residue.start = r, residue.step = stride;
      residue.count = ceil_div(shape.in[d] - r, stride);
      for (int64_t k = 0; k < shape.kernel[d]; ++k) {
        const int64_t at = r + shape.padding[d] - k * shape.dilation[d], shift = floor_div(at, stride);
        if (shift * stride != at) continue;
        residue.taps.push_back({0, shift, k});
        lowest = any ? std::min(lowest, shift) : shift;
        highest = any ? std::max(highest, shift) : shift;
        any = true;
      }
      plan.residues[d].push_back(residue);
    }
    for (Residue& residue : plan.residues[d]) {
      for (Tap& tap : residue.taps) tap.shift -= lowest;
    }
    plan.dim[d].first.push_back(lowest);
    plan.dim[d].reach = highest - lowest;
  }
  return plan;
}

int64_t FramePlan::results(int d) const {
  int64_t most = 0;
  for (const Residue& residue : residues[d]) most = std::max(most, residue.count);
  return most;
}

bool FramePlan::trivial() const {
  for (const FrameDim& d : dim) {
    if (d.step != 1 || d.first.size() != 1 || d.first[0] != 0) return false;
  }
  return true;
}

FramePlan::Layout FramePlan::layout(const int64_t (&count)[3], int64_t element_size) const {
  Layout out;
  int64_t phases = 1, extent[3];
  for (int d = 0; d < 3; ++d) {
    out.count[d] = count[d];
    extent[d] = count[d] + dim[d].reach;
    phases *= static_cast<int64_t>(dim[d].first.size());
  }
  out.pitch[2] = 1, out.pitch[1] = extent[2], out.pitch[0] = extent[1] * extent[2];
  out.phase = extent[0] * out.pitch[0];
  const int64_t line = 64 / element_size;
  out.channel = ceil_div(phases * out.phase, line) * line;
  if (out.channel / line % 2 == 0) out.channel += line;
  return out;
}

template <typename T>
void fill_frame(const FramePlan& plan, const FramePlan::Layout& layout, const int64_t (&origin)[3], const T* source,
                const int64_t (&step)[3], const int64_t (&size)[3], T* out) {
  int64_t extent[3];
  for (int d = 0; d < 3; ++d) extent[d] = layout.count[d] + plan.dim[d].reach;
  const int64_t sx = plan.dim[2].step;
  for (int64_t first_z : plan.dim[0].first) {
    for (int64_t first_y : plan.dim[1].first) {
      for (int64_t first_x : plan.dim[2].first) {
        // Elements [low, high) of a row lie in the image.
        const int64_t x0 = first_x + origin[2] * sx;
        const int64_t low = std::min(extent[2], x0 >= 0 ? 0 : ceil_div(-x0, sx));
        const int64_t high = std::max(low, std::min(extent[2], x0 >= size[2] ? 0 : ceil_div(size[2] - x0, sx)));
        const int64_t jump = sx * step[2];
        for (int64_t ez = 0; ez < extent[0]; ++ez) {
          const int64_t z = first_z + (origin[0] + ez) * plan.dim[0].step;
          for (int64_t ey = 0; ey < extent[1]; ++ey, out += extent[2]) {
            const int64_t y = first_y + (origin[1] + ey) * plan.dim[1].step;
            if (z < 0 || z >= size[0] || y < 0 || y >= size[1] || low == high) {
              std::fill(out, out + extent[2], T(0));
              continue;
            }
            for (int64_t i = 0; i < low; ++i) out[i] = 0;
            const T* in = source + z * step[0] + y * step[1] + (x0 + low * sx) * step[2];
            if (jump == 1) {
              copy_run(out + low, in, high - low);
            } else {
              for (int64_t i = low; i < high; ++i, in += jump) out[i] = *in;
            }
            for (int64_t i = high; i < extent[2]; ++i) out[i] = 0;
          }
        }
      }
    }
  }
}
template <typename T>
void fill_frames(const FramePlan& plan, const FramePlan::Layout& layout, const Images<const T>& source,
                 const Part& part, int64_t channel, int64_t channels, T* out) {
  int64_t used = layout.phase;
  for (const FrameDim& dim : plan.dim) used *= static_cast<int64_t>(dim.first.size());
  for (int64_t i = 0; i < part.images; ++i) {
    const T* image = source.data + (part.image + i) * source.batch;
    for (int64_t c = channel; c < channel + channels; ++c, out += layout.channel) {
      fill_frame(plan, layout, part.origin, image + c * source.channel, source.step, source.size, out);
      std::fill(out + used, out + layout.channel, T(0));
    }
  }
  std::fill(out, out + kFrameSlack, T(0));
}
template void fill_frames(const FramePlan&, const FramePlan::Layout&, const Images<const float>&, const Part&, int64_t,
                          int64_t, float*);
template void fill_frames(const FramePlan&, const FramePlan::Layout&, const Images<const double>&, const Part&, int64_t,
                          int64_t, double*);

Cut cut_results(const FramePlan& plan, int64_t batch, int64_t source_channels, int64_t taps, int64_t work, int64_t most,
                int64_t element_size) {
  constexpr int64_t kDepth = 256;             // of the sum: a strip of operands then stays in the first-level cache
  constexpr int64_t kFrameBytes = 160 << 10;  // and a frame in the second-level one
  constexpr int64_t kTaskWork = 1 << 18, kTasks = 16;
  Cut cut;
  cut.channel_blocks = ceil_div(source_channels, std::max<int64_t>(1, kDepth / std::max<int64_t>(taps, 1)));
  cut.channels = ceil_div(source_channels, std::max<int64_t>(cut.channel_blocks, 1));
  int64_t results = 1;
  for (int d = 0; d < 3; ++d) results *= cut.size[d] = plan.results(d);
  const auto bytes = [&] { return plan.layout(cut.size, element_size).channel * cut.channels * element_size; };
  const auto tile = [&] { return cut.size[0] * cut.size[1] * cut.size[2]; };
  const int64_t shortest[3] = {1, 1, 64};
  for (int d = 0; d < 3; ++d) {
    while (cut.size[d] > shortest[d] && (bytes() > kFrameBytes || tile() > most))
      cut.size[d] = ceil_div(cut.size[d], 2);
  }
  // Enough tasks for the threads, as long as each is worth it.
  const auto tile_work = [&] { return tile() * source_channels * work; };
  for (int d = 0; d < 3; ++d) {
    const auto tiles = [&] { return ceil_div(results, tile()) * batch; };
    while (cut.size[d] > 2 * shortest[d] && tiles() < kTasks && tile_work() > 2 * kTaskWork) {
      cut.size[d] = ceil_div(cut.size[d], 2);
    }
  }
  cut.tiles = 1;
  for (int d = 0; d < 3; ++d) {
    cut.count[d] = cut.size[d] > 0 ? ceil_div(plan.results(d), cut.size[d]) : 0;
    cut.tiles *= cut.count[d];
  }
  if (cut.tiles == 1) {
    const int64_t fit = std::min(kFrameBytes / std::max<int64_t>(bytes(), 1), most / std::max<int64_t>(tile(), 1));
    const int64_t worth = ceil_div(kTaskWork, std::max<int64_t>(tile_work(), 1));
    cut.images = std::max<int64_t>(1, std::min({fit, worth, ceil_div(batch, kTasks)}));
  }
  cut.image_groups = ceil_div(batch, cut.images);
  return cut;
}

Part part_of(const Cut& cut, const FramePlan& plan, int64_t batch, int64_t group, int64_t tile) {
  Part part;
  part.image = group * cut.images;
  part.images = std::min(cut.images, batch - part.image);
  for (int d = 2; d >= 0; --d) {
    part.origin[d] = tile % cut.count[d] * cut.size[d];
    part.count[d] = std::min(cut.size[d], plan.results(d) - part.origin[d]);
    tile /= cut.count[d];
  }
  return part;
}

}  // namespace dovetail::cpu
