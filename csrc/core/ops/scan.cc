// Running sums and products along a dim.
#include "core/ops/compose.h"
#include "core/ops/docs.h"

namespace dovetail {

namespace {

constexpr const char* kArgs =
    "self: a tensor of any shape; the result has its shape.\n"
    "dim: the dim to run along.\n"
    "dtype: what to compute in; by default integers and bool run as int64, uint64 as itself.";

void infer_scan(Inference& call) {
  const TensorImpl& self = call.tensor(0);
  call.dim(1, self.ndim);
  call.outs[0].like(self);
  call.compute = dtype_or(call.args[2], summed_dtype(self.dtype));
  call.outs[0].dtype = call.compute;
}

void scan(const char* schema, const char* summary, const char* formula, const char* call, const char* result) {
  Declare("scan", schema)
      .plain(infer_scan)
      .required()
      .method()
      .inplace()
      .out()
      .doc(doc_text(summary, formula, kArgs, example_line(call, result)).c_str());
}

}  // namespace

void declare_scan() {
  scan("cumsum(Tensor self, int dim, *, DType? dtype=None) -> Tensor", "The running sum along a dim.",
       "out_i = self_0 + ... + self_i", "dt.cumsum(dt.tensor([1.0, 2.0, 3.0]), dim=0)", "[1.0, 3.0, 6.0]");
  scan("cumprod(Tensor self, int dim, *, DType? dtype=None) -> Tensor", "The running product along a dim.",
       "out_i = self_0 * ... * self_i", "dt.cumprod(dt.tensor([1.0, 2.0, 3.0]), dim=0)", "[1.0, 2.0, 6.0]");
}

}  // namespace dovetail
