#include "kernels/cpu/conv_plan.h"

#include <algorithm>

namespace dovetail::cpu {
namespace {

constexpr int64_t kFrameBytes = 256 << 10;  // stays in the second-level cache
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
      residue.start = r;
      residue.count = ceil_div(shape.in[d] - r, stride);
      residue.step = residue.count > 1 ? stride : 1;
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

int64_t FramePlan::phases() const {
  int64_t count = 1;
  for (const FrameDim& d : dim) count *= static_cast<int64_t>(d.first.size());
  return count;
}

int64_t FramePlan::most_taps() const {
  size_t taps = 1;
  for (const std::vector<Residue>& along : residues) {
    size_t most = 0;
    for (const Residue& residue : along) most = std::max(most, residue.taps.size());
    taps *= most;
  }
  return static_cast<int64_t>(taps);
}

void FramePlan::unroll_rows() {
  FrameDim& x = dim[2];
  std::vector<int64_t> first;
  for (Residue& residue : residues[2]) {
    for (Tap& tap : residue.taps) {
      const int64_t at = x.first[static_cast<size_t>(tap.phase)] + tap.shift * x.step;
      const auto found = std::find(first.begin(), first.end(), at);
      tap.phase = found - first.begin(), tap.shift = 0;
      if (found == first.end()) first.push_back(at);
    }
  }
  if (first.empty()) first.push_back(0);
  x.first = first, x.reach = 0;
  unrolled = true;
}

Walk choose_walk(FramePlan& plan, int64_t rows, int64_t lanes, bool flat_allowed, int64_t columns_below) {
  const int64_t width = plan.results(2), area = width * plan.results(1), taps = plan.most_taps();
  if (width == 0 || area == 0) return Walk::lines;
  const auto waste = [&](int64_t n) { return static_cast<double>(round_up(n, lanes)) / static_cast<double>(n); };
  // Cycles for each result and channel: two vectors of products a cycle at best, and about one for each element copied.
  // Where lines of the source or of the results have gaps, theirs take longer.
  const double products = static_cast<double>(taps * rows) / static_cast<double>(2 * lanes);
  const bool apart = plan.residues[2].size() > 1;
  const double in_lines = products / (apart ? 0.75 : plan.dim[2].step > 1 ? 0.8 : 0.88);
  int64_t unrolled = 0;
  for (const Residue& residue : plan.residues[2]) unrolled += static_cast<int64_t>(residue.taps.size());
  const double lines = waste(width) * in_lines + 1;
  const double flat =
      flat_allowed ? waste(area) * in_lines + static_cast<double>(std::max<int64_t>(unrolled, 1)) : lines;
  const double columns = products / 0.94 + 1 + 0.8 * static_cast<double>(taps);
  if (width < columns_below && columns < std::min(lines, flat)) return Walk::columns;
  if (width >= 128 || lines <= flat) return Walk::lines;
  plan.unroll_rows();
  return Walk::flat;
}

FramePlan::Layout FramePlan::layout(const int64_t (&count)[3], int64_t element_size) const {
  Layout out;
  int64_t extent[3];
  for (int d = 0; d < 3; ++d) out.count[d] = count[d], extent[d] = count[d] + dim[d].reach;
  out.pitch[2] = 1, out.pitch[1] = extent[2], out.pitch[0] = extent[1] * extent[2];
  out.phase = extent[0] * out.pitch[0];
  const int64_t line = 64 / element_size;
  out.channel = round_up(phases() * out.phase, line);
  if (out.channel / line % 2 == 0) out.channel += line;
  return out;
}

Cut cut_results(const FramePlan& plan, int64_t batch, int64_t source_channels, int64_t work, int64_t depth,
                int64_t least, int64_t most, int64_t element_size) {
  constexpr int64_t kTaskWork = 1 << 18, kTasks = 16;
  Cut cut;
  const int64_t taps = std::max<int64_t>(1, plan.most_taps());
  cut.channel_blocks = ceil_div(source_channels, std::max<int64_t>(1, depth / taps));
  cut.channels = ceil_div(source_channels, std::max<int64_t>(cut.channel_blocks, 1));
  int64_t results = 1;
  for (int d = 0; d < 3; ++d) results *= cut.size[d] = plan.results(d);
  const auto bytes = [&] { return plan.layout(cut.size, element_size).channel * cut.channels * element_size; };
  const auto tile = [&] { return cut.size[0] * cut.size[1] * cut.size[2]; };
  // Rather fewer channels than too few results.
  const int64_t wanted = std::min(batch, ceil_div(least, std::max<int64_t>(results, 1)));
  while (cut.channels * taps > 64 && bytes() * wanted > kFrameBytes) cut.channels = ceil_div(cut.channels, 2);
  cut.channel_blocks = ceil_div(source_channels, std::max<int64_t>(cut.channels, 1));
  const int64_t shortest[3] = {1, 1, plan.unrolled ? std::max<int64_t>(1, cut.size[2]) : 64};
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
    const int64_t worth =
        std::max(ceil_div(kTaskWork, std::max<int64_t>(tile_work(), 1)), ceil_div(least, std::max<int64_t>(tile(), 1)));
    const int64_t groups = least > 0 ? ceil_div(kTasks / 2, cut.channel_blocks) : kTasks;  // of images
    cut.images = std::max<int64_t>(1, std::min({fit, worth, ceil_div(batch, groups)}));
    cut.images = ceil_div(batch, ceil_div(batch, cut.images));
  }
  cut.image_groups = ceil_div(batch, cut.images);
  return cut;
}

void take_images(Cut& cut, const FramePlan& plan, int64_t batch, int64_t results, int64_t element_size) {
  if (cut.tiles != 1) return;
  const int64_t bytes = plan.layout(cut.size, element_size).channel * cut.channels * element_size;
  const int64_t wanted = ceil_div(results, cut.size[0] * cut.size[1] * cut.size[2]);
  cut.images = std::max(cut.images, std::min({wanted, kFrameBytes / bytes, batch}));
  cut.images = ceil_div(batch, ceil_div(batch, cut.images));
  cut.image_groups = ceil_div(batch, cut.images);
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
