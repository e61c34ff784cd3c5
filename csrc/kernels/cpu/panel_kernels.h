// Panels of two matrices, in which the products of large ones read their operands in order.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

// How many rows a panel of a has, how far its depths are apart, and how many columns one of b has.
struct PanelShape {
  int rows, row_step, cols;
};

// A panel of rows times a panel of columns.
template <typename Panel, typename Sum>
struct PanelProduct {
  const Panel *a, *b;
  int64_t depth;
  Sum* c;
  int64_t c_row, rows, cols;  // of c: what is kept
  Sum alpha;
  const Sum* bias;
  bool accumulate;
  uint16_t* rounded = nullptr;  // bfloat16 numbers in place of c
  int64_t rounded_row = 0;
  const Panel* ahead =
      nullptr;  // where to fetch a line for each unit of depths, or NULL: in the panel of a that follows
};

// What an instruction set brings for an element type T: panels of Panel elements, each of kTogether depths, and
// products summed as Sum.
template <typename T, typename Panel, typename Sum, int kTogether>
struct PanelKernels {
  // out[k * width + lane] = from[lane * lane_stride + k * depth_stride] for the first `lanes` of `width` lanes; the
  // others hold anything. `readable` lanes are in memory.
  using Pack = void (*)(const T* from, int64_t lane_stride, int64_t depth_stride, int64_t lanes, int64_t readable,
                        int64_t width, int64_t depth, Panel* out);
  using Product = void (*)(const PanelProduct<Panel, Sum>&, int height);
  PanelShape shape;
  Pack pack;
  Product product;
};

// Those for float and double.
template <typename T>
const PanelKernels<T, T, T, 1>& panel_kernels();

}  // namespace dovetail::cpu
