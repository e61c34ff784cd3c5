// Ops and their registry. An op is declared once:
//
//   op("exp(Tensor self) -> Tensor").elementwise(Result::floating).method().inplace().out()
//       .doc("The exponential of every element.\n\n    out = e ** self");
//
// The declaration holds all that core, the bindings, the stubs and the documentation know of it.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/schema.h"
#include "core/tensor.h"

namespace dovetail {

using Op = dt_op;

// ---- inference ------------------------------------------------------------------------------------------

struct OutputSpec {
  int ndim = 0;
  int64_t sizes[DT_MAX_DIMS];
  DType dtype = DT_FLOAT32;
  int swapped = -1;  // in memory that is allocated, dim `swapped` is inside the one that follows it

  void like(const TensorImpl& t) {
    ndim = t.ndim;
    copy_dims(t.sizes(), ndim, sizes);
    dtype = t.dtype;
  }
  void push(int64_t size) { sizes[ndim++] = size; }
};

// A real number as a double.
inline double real_number(const dt_value& v) {
  if (v.tag == DT_FLOAT) return v.as.f;
  return v.tag == DT_UINT ? static_cast<double>(static_cast<uint64_t>(v.as.i)) : static_cast<double>(v.as.i);
}

// The arguments of one call, read by their position in the schema.
struct Arguments {
  const Op& op;
  dt_value* args;
  int n_args;

  const char* name() const;
  bool given(int i) const { return args[i].tag != DT_NONE; }
  TensorImpl& tensor(int i) const { return *args[i].as.tensor; }
  int64_t integer(int i) const { return args[i].as.i; }
  bool boolean(int i) const { return args[i].as.i != 0; }
  double number(int i) const { return real_number(args[i]); }
  // Wrap dim argument i against `ndim` (zero-dim counts as one), in place.
  int dim(int i, int ndim) const {
    const int wrapped = wrap_dim(name(), args[i].as.i, ndim);
    args[i].as.i = wrapped;
    return wrapped;
  }
};

// What an op's infer function reads and fills in. It validates the arguments (throwing Error, whose message begins with
// op name), normalises them in place (wraps dims, resolves defaults) and says what the outputs are.
struct Inference : Arguments {
  OutputSpec outs[kMaxOutputs];
  // The dtype that tensor inputs are cast to before the kernel; -1 leaves each as it is.
  DType compute = -1;
  // Bit i: argument i is not cast (an index, a mask).
  uint64_t as_is = 0;

  Inference(const Op& op, dt_value* args, int n_args) : Arguments{op, args, n_args} {}

  // New list storage that lives until the call ends, for normalised lists.
  int64_t* new_ints(int count);
  // Let the kernel have another tensor, or list of tensors, as argument i (an index cast to int64). Kept until the call
  // ends; those of a list may be null where the schema says so.
  void replace(int i, Tensor tensor);
  void replace(int i, std::vector<Tensor> tensors);

 private:
  struct Kept {
    std::vector<std::unique_ptr<int64_t[]>> ints;
    std::vector<Tensor> tensors;
    std::vector<std::unique_ptr<TensorImpl*[]>> lists;
  };
  Kept& kept() {
    if (!kept_) kept_ = std::make_unique<Kept>();
    return *kept_;
  }
  std::unique_ptr<Kept> kept_;  // few calls have any
};

using InferFn = void (*)(Inference&);

// How an elementwise op's dtypes follow from its (promoted) inputs.
enum class Result : uint8_t {
  same,       // compute and result in the promoted dtype
  floating,   // integers and bool compute in the default float
  boolean,    // computed in the promoted dtype, result bool
  predicate,  // like boolean, for ops that look at truth: inputs stay as they are if alone
  real,       // computed in the promoted dtype; of complex numbers the result is real
  complex,    // computed in the promoted, floating dtype, of which the result has parts
};

// How a reduction's dtypes follow.
enum class Reduced : uint8_t {
  same,      // amax
  sum,       // integers and bool accumulate in int64 (uint64 in itself)
  floating,  // mean: integers are refused
  boolean,   // any, all
  index,     // argmax: int64
};

// ---- the op ---------------------------------------------------------------------------------------------

// A decomposition in C++: fills outs with owned values. Throws on error.
using CompositeFn = void (*)(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs);
// A view: returns the new tensor; core has checked the arguments' types only.
using ViewFn = Tensor (*)(const Arguments& call);

}  // namespace dovetail

struct dt_op {
  int32_t id = -1;
  dovetail::Schema schema;
  int32_t form = DT_FORM_COMPOSITE;
  bool required = false;  // a primitive that every backend must bring
  bool host = false;      // a CPU library's or kernel's work: other devices' tensors are copied there and back
  bool differentiable = true;
  bool random = false;
  bool is_method = false, is_inplace = false, has_out = false, is_function = true;
  bool factory = false;  // takes dtype, device and (in Python) requires_grad
  dovetail::Result result = dovetail::Result::same;
  dovetail::Result (*result_by)(const dt_value* args) = nullptr;  // where an attribute decides (div's rounding_mode)
  bool condition_first = false;  // the first tensor is a bool condition and takes no part in promotion (where)
  bool number_in_float = false;  // a Python number beside 16-bit floats stays float32: the result is rounded once
  bool copy_form = false;        // the output keeps the first argument's shape and dtype (copy, fill)
  // An elementwise op whose tensors are just its first one or two arguments: how many. Else 0.
  int plain_operands = 0;
  // Of a plain op that makes one tensor out of numbers alone (zeros, arange): where its device stands. Else -1.
  int device_of_numbers = -1;
  dovetail::Reduced reduced = dovetail::Reduced::same;
  uint32_t allowed = ~0u;    // dtypes (1 << dtype) that the op has a meaning for, after promotion
  const char* refuses = "";  // what to say of the others: "use logical_not() or ~ on bool"
  dovetail::InferFn infer = nullptr;
  dovetail::ViewFn view = nullptr;
  dovetail::CompositeFn composite = nullptr;
  // A decomposition that lives elsewhere (a Python function).
  dt_status (*foreign)(void* self, const dt_op*, const dt_value* args, int32_t n_args, dt_value* outs,
                       int32_t n_outs) = nullptr;
  void* foreign_self = nullptr;
  std::string doc;
  std::string family;                // the file that declares it: "unary"
  std::vector<std::string> aliases;  // other public names: "absolute"
  // Kernels found so far, by device kind and dtypes (see kernels.cc).
  std::atomic<void*> kernels[16] = {};

  const std::string& name() const { return schema.name; }
  // (What a host op calls is no decomposition: layers do not see into it.)
  bool decomposes() const { return (composite || foreign) && !host; }
  bool returns_list() const { return schema.returns_list; }
  int n_outputs() const { return schema.returns_list ? 1 : static_cast<int>(schema.returns.size()); }
};

namespace dovetail {

inline const char* Arguments::name() const { return op.name().c_str(); }

// Sets of dtypes for `only` and `except`.
constexpr uint32_t bit(DType dtype) { return 1u << dtype; }
constexpr uint32_t kFloats = bit(DT_FLOAT32) | bit(DT_FLOAT64) | bit(DT_FLOAT16) | bit(DT_BFLOAT16);
constexpr uint32_t kComplexes = bit(DT_COMPLEX64) | bit(DT_COMPLEX128);
constexpr uint32_t kIntegers = bit(DT_INT8) | bit(DT_INT16) | bit(DT_INT32) | bit(DT_INT64) | bit(DT_UINT8) |
                               bit(DT_UINT16) | bit(DT_UINT32) | bit(DT_UINT64);
constexpr uint32_t kBool = bit(DT_BOOL);

// The declaration in progress; the op is registered when it goes out of scope.
class Declare {
 public:
  explicit Declare(const char* family, const char* schema);
  Declare(Declare&&) = delete;
  ~Declare() noexcept(false);

  // Form. Elementwise and reduction ops need no infer function; plain ones do.
  Declare& elementwise(Result result);
  Declare& result_by(Result (*decide)(const dt_value* args));
  Declare& condition_first();
  Declare& number_in_float();
  Declare& copy_form();                 // elementwise, but the output has the first argument's shape and dtype
  Declare& reduction(Reduced reduced);  // reads the arguments named dim and keepdim, and dtype where there is one
  Declare& plain(InferFn infer);
  Declare& dynamic(InferFn infer);  // infer checks the arguments and sets the dtypes
  Declare& view(ViewFn fn);
  Declare& composite(CompositeFn fn);  // with a form: the fallback where a backend has no kernel
  // Every backend must bring it. (Without: a kernel is optional and there must be a decomposition.)
  Declare& required();
  // The work of a CPU library or of the CPU kernel alone: a backend may bring its own kernel; for those that do not,
  // the arguments are copied to the CPU and the results back. (Instead of a decomposition.)
  Declare& host();

  Declare& method();    // Tensor.name
  Declare& inplace();   // Tensor.name_
  Declare& out();       // dt.name(..., out=)
  Declare& internal();  // no public dt.name
  Declare& factory();
  Declare& random();
  Declare& non_differentiable();
  Declare& only(uint32_t dtypes, const char* instead = "");
  Declare& except(uint32_t dtypes, const char* instead = "");
  Declare& alias(const char* name);
  Declare& doc(const char* text);

 private:
  std::unique_ptr<Op> op_;
};

// The registry. Ops are never removed. find is thread-safe and costs a hash; keep the pointer.
Op* register_op(std::unique_ptr<Op> op);  // throws Error if the name is taken
Op* find_op(std::string_view name);       // null: none

// How the results of an op that is written in Python follow from its arguments, where a backend may bring a kernel and
// they are not like its first tensor. Said before the op itself is registered.
void infer_by(const char* op, InferFn infer);
InferFn inference_of(const std::string& op);  // null: nothing was said
Op& get_op(std::string_view name);            // throws Error
int32_t op_count();
Op* op_at(int32_t id);

// Every family file defines one of these, named in ops/families.h.
using FamilyFn = void (*)();

}  // namespace dovetail
