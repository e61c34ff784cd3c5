// How results that lie in lines are spread over the panels of a product.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/cpu/conv_plan.h"

namespace dovetail::cpu {

// Neighbouring results of one line and one panel.
struct Piece {
  int64_t source, target;  // of the first: where its operands are in the frame, and its place
  int64_t lane, length;
};

// The results of lines, one after the other, in panels of `width` lanes.
class Pieces {
 public:
  Pieces() = default;
  // Room for so many lines of so many results.
  Pieces(Carver& carver, int64_t lines, int64_t length, int64_t width) : width_(width) {
    const int64_t panels = lines * length / width + 1;
    pieces_ = carver.take<Piece>(lines + panels);
    first_ = carver.take<int64_t>(panels + 1);
  }

  void cover(const Lines& lines, int64_t step) {
    int64_t n = 0, panel = 0, lane = 0;
    first_[0] = 0;
    lines.each(0, lines.count(), [&](int64_t source, int64_t target) {
      for (int64_t x = 0; x < lines.width;) {
        const int64_t length = std::min(lines.width - x, width_ - lane);
        pieces_[n++] = {source + x, target + x * step, lane, length};
        x += length, lane += length;
        if (lane == width_) lane = 0, first_[++panel] = n;
      }
    });
    results_ = lines.count() * lines.width;
    if (lane > 0) first_[++panel] = n;
  }

  int64_t results() const { return results_; }
  int64_t width() const { return width_; }
  int64_t panels() const { return ceil_div(results_, width_); }
  int64_t target(int64_t panel) const { return pieces_[first_[panel]].target; }

  // Whether a panel's results lie side by side.
  bool together(int64_t panel) const {
    bool all = true;
    for (int64_t i = first_[panel]; i < first_[panel + 1]; ++i) {
      all &= pieces_[i].target - target(panel) == pieces_[i].lane;
    }
    return all;
  }

  // out[k * pitch + lane], the operands of a panel's results at offsets[k].
  template <typename T>
  void write(int64_t panel, const T* frame, const int64_t* offsets, int64_t depth, T* out, int64_t pitch) const {
    for (int64_t i = first_[panel]; i < first_[panel + 1]; ++i) {
      const Piece& piece = pieces_[i];
      const T* from = frame + piece.source;
      T* to = out + piece.lane;
      switch (piece.length) {
        case 32:
          write_runs<32>(from, offsets, depth, to, pitch);
          break;
        case 16:
          write_runs<16>(from, offsets, depth, to, pitch);
          break;
        case 8:
          write_runs<8>(from, offsets, depth, to, pitch);
          break;
        case 4:
          write_runs<4>(from, offsets, depth, to, pitch);
          break;
        default:
          for (int64_t k = 0; k < depth; ++k) copy_run(to + k * pitch, from + offsets[k], piece.length);
          break;
      }
    }
  }

  // A panel's results themselves, `step` apart along a line, side by side.
  template <typename T>
  void gather(int64_t panel, const T* from, int64_t step, T* out) const {
    for (int64_t i = first_[panel]; i < first_[panel + 1]; ++i) {
      const Piece& piece = pieces_[i];
      if (step == 1) {
        copy_run(out + piece.lane, from + piece.target, piece.length);
      } else {
        for (int64_t x = 0; x < piece.length; ++x) out[piece.lane + x] = from[piece.target + x * step];
      }
    }
  }

 private:
  template <int kLength, typename T>
  static void write_runs(const T* from, const int64_t* offsets, int64_t depth, T* to, int64_t pitch) {
    for (int64_t k = 0; k < depth; ++k) std::memcpy(to + k * pitch, from + offsets[k], kLength * sizeof(T));
  }

  Piece* pieces_ = nullptr;
  int64_t* first_ = nullptr;  // of each panel
  int64_t width_ = 1, results_ = 0;
};

}  // namespace dovetail::cpu
