// Fourier transforms. They are linear, and a whole one is its own transpose, which is what a rule with complex results
// gives (see OpNode::apply_conjugated). Of half a spectrum, the entries that stand for their mirror image too count
// twice.
#include "autograd/rules/ops.h"

namespace dovetail::autograd::rules {

namespace {

enum { self, dims };

const Op fft_c2c{"fft_c2c"}, fft_r2c{"fft_r2c"}, fft_c2r{"fft_c2r"};

int last_dim(Ctx& c) {
  const Ints all = c.ints(dims);
  const int64_t last = all[all.count - 1];
  return static_cast<int>(last < 0 ? last + c.ndim(self) : last);
}

// `twice` for the entries of half a spectrum of n points that stand for two, `once` for the others; to be broadcast.
Tensor weights(Ctx& c, int64_t n, double once, double twice) {
  const int last = last_dim(c);
  const Tensor k = arange(0, n / 2 + 1, 1, DType{DT_INT64}, c.shape(self).device);
  const Tensor single = logical_or(eq(k, number(0)), eq(k * 2.0, number(static_cast<double>(n))));
  std::vector<int64_t> along(c.ndim(self), 1);
  along[last] = n / 2 + 1;
  return reshape(where(single, number(once), number(twice)), along);
}

Tensor c2c_self(Ctx& c) {
  enum { scaling = 2, forward };
  return fft_c2c(c.g(), c.value(dims), c.value(scaling), c.value(forward));
}

Tensor r2c_self(Ctx& c) {
  enum { scaling = 2, onesided };
  if (!c.flag(onesided)) return real(fft_c2c(c.g(), c.value(dims), c.value(scaling), true));
  const int64_t n = c.size(self, last_dim(c));
  return fft_c2r(conj_physical(c.g()) * weights(c, n, 1, 0.5), c.value(dims), n, c.value(scaling));
}

Tensor c2r_self(Ctx& c) {
  enum { points = 2, scaling };
  return fft_r2c(c.g(), c.value(dims), c.value(scaling), true) * weights(c, c.integer(points), 1, 2);
}

}  // namespace

void declare_fft() {
  vjp("fft_c2c", self, c2c_self);
  vjp("fft_r2c", self, r2c_self);
  vjp("fft_c2r", self, c2r_self);
  for (const char* op : {"fft_c2c", "fft_r2c", "fft_c2r"}) linear(op, saves(self));
}

}  // namespace dovetail::autograd::rules
