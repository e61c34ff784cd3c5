#include "core/execute.h"

#include <algorithm>

#include "core/capture.h"
#include "core/ops/compose.h"
#include "core/short_vector.h"

namespace dovetail {

namespace {

// ---- plain and dynamic ----------------------------------------------------------------------------------

// The outputs of one call: fresh tensors or destinations.
struct Outputs {
  Tensor tensors[kMaxOutputs];
  dt_array arrays[kMaxOutputs];
  bool direct[kMaxOutputs];
};

// Where an op asks for it, two neighbouring dims in the other order.
Tensor fresh_output(const OutputSpec& spec, Device device) {
  const Tensor out = empty(spec.ndim, spec.sizes, spec.dtype, device);
  const int i = spec.swapped;
  if (i < 0 || spec.sizes[i] == 1 || spec.sizes[i + 1] == 1 || out->numel == 0) return out;
  int64_t* const strides = out->dims + out->ndim;
  strides[i] = strides[i + 1];
  strides[i + 1] *= spec.sizes[i];
  out->contiguous = false;
  return out;
}

void prepare_outputs(const Op& op, Inference& call, const TensorArgs& inputs, const dt_value* outs, int n_outs,
                     Outputs& outputs) {
  for (int k = 0; k < n_outs; ++k) {
    const OutputSpec& spec = call.outs[k];
    TensorImpl* destination = outs[k].tag == DT_TENSOR ? outs[k].as.tensor : nullptr;
    if (destination) check_destination(op, destination, spec.ndim, spec.sizes, spec.dtype, inputs.device);
    bool direct = destination && destination->dtype == spec.dtype;
    for (int i = 0; i < inputs.count && direct; ++i) {
      const TensorImpl* t = inputs.items[i];
      // The first argument may be written in place (scatter_); every other overlap is not safe.
      if (t && memory_overlaps(*destination, *t) && !(i == 0 && t == destination && op.is_inplace)) direct = false;
    }
    outputs.direct[k] = direct;
    outputs.tensors[k] = direct ? Tensor::borrow(destination) : fresh_output(spec, inputs.device);
    outputs.arrays[k] = array_of(*outputs.tensors[k]);
  }
}

void deliver(Outputs& outputs, dt_value* outs, int n_outs) {
  for (int k = 0; k < n_outs; ++k) {
    if (outs[k].tag == DT_TENSOR) {
      TensorImpl* destination = outs[k].as.tensor;
      if (!outputs.direct[k]) copy_into(destination, outputs.tensors[k].get());
      bump_version(destination);
      outputs.tensors[k] = Tensor::borrow(destination);
    }
  }
  for (int k = 0; k < n_outs; ++k) put(outs[k], outputs.tensors[k].release());
}

// Inputs as the kernel reads them: on the device, and in the compute dtype where inference named one.
struct Inputs {
  const Op& op;
  ShortVector<Tensor, 4> copies;  // the others live as long as the call's arguments
  ShortVector<dt_array, 8> arrays;

  explicit Inputs(const Op& op) : op(op) {}

  void add(TensorImpl* t, Device device, DType dtype) {
    if (!t) return arrays.push_back(no_array());
    // A number on the host is cast there: one copy, and no kernel on the device.
    if (dtype >= 0 && t->dtype != dtype) t = keep(cast_copy(t, dtype));
    if (t->device != device) t = keep(on_device(op.name().c_str(), t, device, true));
    arrays.emplace_back(t->data, t->sizes(), t->strides(), t->ndim, t->dtype);
  }
  TensorImpl* keep(Tensor made) {
    TensorImpl* t = made.get();
    copies.push_back(std::move(made));
    return t;
  }
  int count() const { return arrays.size(); }
};

void prepare_inputs(const Op& op, const dt_value* args, int n_args, Device device, DType compute, uint64_t as_is,
                    Inputs& inputs) {
  for (int i = 0; i < n_args; ++i) {
    const DType dtype = as_is >> i & 1 ? -1 : compute;
    if (args[i].tag == DT_TENSOR) {
      inputs.add(args[i].as.tensor, device, dtype);
    } else if (args[i].tag == DT_TENSORS) {
      for (int j = 0; j < args[i].count; ++j) inputs.add(args[i].as.tensors[j], device, dtype);
    } else if (args[i].tag == DT_NONE && op.schema.args[i].kind == ArgType::tensor) {
      inputs.add(nullptr, device, dtype);
    }
  }
}

// The dtypes by which a kernel is asked for: those of the tensors as they will be read, or the result's.
int kernel_dtypes(const Inputs& inputs, const Inference& call, DType* dtypes, int capacity) {
  int n = 0;
  for (const dt_array& array : inputs.arrays)
    if (array.dtype >= 0 && n < capacity) dtypes[n++] = array.dtype;
  if (n == 0 && call.op.n_outputs() > 0) dtypes[n++] = call.outs[0].dtype;
  // A list of tensors (cat) and the pieces of a fused update all have the first one's dtype.
  if (n > 2 && std::all_of(dtypes, dtypes + n, [&](DType d) { return d == dtypes[0]; })) n = 1;
  return n;
}

bool run_plain(const Op& op, const dt_value* given, int n_args, dt_value* outs) {
  dt_value* args = static_cast<dt_value*>(__builtin_alloca(sizeof(dt_value) * (n_args + 1)));
  copy_values(given, n_args, args);
  Inference call(op, args, n_args);
  op.infer(call);
  if (call.compute >= 0) check_allowed(op, call.compute);
  TensorArgs tensors;  // after inference, which may have replaced some
  collect_tensors(op, args, n_args, tensors);

  Inputs inputs(op);
  if (tensors.count) prepare_inputs(op, args, n_args, tensors.device, call.compute, call.as_is, inputs);
  DType dtypes[16];
  const int n_dtypes = kernel_dtypes(inputs, call, dtypes, 16);
  const dt_kernel kernel = find_kernel(op, tensors.device.kind, dtypes, n_dtypes);
  if (!kernel.fn) return false;

  const int n_outs = op.n_outputs();
  KernelRun run(op, tensors.device);
  if (op.form == DT_FORM_DYNAMIC) {
    if (captures_here(tensors.device))
      refuse_capture(op.name().c_str(), "the host would wait for the size of the result");
    Tensor made[kMaxOutputs];
    DType made_dtypes[kMaxOutputs];
    for (int k = 0; k < n_outs; ++k) made_dtypes[k] = call.outs[k].dtype;
    run.dynamic_outs = made;
    run.dynamic_dtypes = made_dtypes;
    run.n_dynamic = n_outs;
    run.run(kernel, nullptr, 0, inputs.arrays.data(), inputs.count(), args, n_args);
    for (int k = 0; k < n_outs; ++k) {
      if (!made[k])
        runtime_error(op.name(), ": the kernel of backend '", backend(tensors.device.kind).name, "' made no output ",
                      k);
      put(outs[k], made[k].release());
    }
    return true;
  }
  Outputs outputs;
  prepare_outputs(op, call, tensors, outs, n_outs, outputs);
  run.run(kernel, outputs.arrays, n_outs, inputs.arrays.data(), inputs.count(), args, n_args);
  deliver(outputs, outs, n_outs);
  return true;
}

bool belongs_on_cpu(const dt_value& device) {
  const Device* chosen = device.tag == DT_DEVICE ? &device.as.device : default_device();
  return !chosen || chosen->kind == 0;
}

// ---- written arguments (fused updates) ------------------------------------------------------------------

void bump_written(const Op& op, const dt_value* args, int n_args) {
  bool told = false;
  for (int i = 0; i < n_args; ++i) {
    if (!op.schema.args[i].written) continue;
    if (args[i].tag == DT_TENSOR) told = bump_version(args[i].as.tensor, told);
    if (args[i].tag == DT_TENSORS)
      for (int j = 0; j < args[i].count; ++j) told = bump_version(args[i].as.tensors[j], told);
  }
}

// A fused update has a kernel for lists of contiguous tensors of one dtype on one device; anything else goes by its
// decomposition. Single tensors (a step count, a learning rate) are zero-dim float32, or float64 beside float64 lists.
bool suits_fused(const dt_value& v, DType dtype, Device device) {
  if (v.tag == DT_TENSOR) {
    const TensorImpl& one = *v.as.tensor;
    const bool fits = one.dtype == DT_FLOAT32 || (one.dtype == DT_FLOAT64 && dtype == DT_FLOAT64);
    return one.ndim == 0 && fits && one.device == device;
  }
  if (v.tag != DT_TENSORS) return true;
  for (int i = 0; i < v.count; ++i) {
    const TensorImpl* t = v.as.tensors[i];
    if (!t || t->dtype != dtype || t->device != device || !t->contiguous) return false;
  }
  return true;
}

bool try_written(const Op& op, const dt_value* args, int n_args) {
  TensorArgs tensors;
  collect_tensors(op, args, n_args, tensors);
  if (tensors.count == 0 || !tensors.items[0]) return false;
  const DType dtype = tensors.items[0]->dtype;
  for (int i = 0; i < n_args; ++i)
    if (!suits_fused(args[i], dtype, tensors.device)) return false;
  const dt_kernel kernel = find_kernel(op, tensors.device.kind, &dtype, 1);
  if (!kernel.fn) return false;
  Inputs inputs(op);
  prepare_inputs(op, args, n_args, tensors.device, -1, 0, inputs);
  KernelRun run(op, tensors.device);
  run.run(kernel, nullptr, 0, inputs.arrays.data(), inputs.count(), args, n_args);
  bump_written(op, args, n_args);
  return true;
}

// ---- views ----------------------------------------------------------------------------------------------

void run_view(const Op& op, const dt_value* given, int n_args, dt_value* outs) {
  if (outs[0].tag == DT_TENSOR) value_error(op.name(), ": makes a view and takes no out=");
  dt_value args[16];
  copy_values(given, n_args, args);
  put(outs[0], op.view(Arguments{op, args, n_args}).release());
}

bool try_kernel(const Op& op, const dt_value* args, int n_args, dt_value* outs) {
  switch (op.form) {
    case DT_FORM_ELEMENTWISE:
      return try_elementwise(op, args, n_args, outs);
    case DT_FORM_REDUCTION:
      return try_reduction(op, args, n_args, outs);
    case DT_FORM_PLAIN:
      if (op.device_of_numbers >= 0 && outs[0].tag != DT_TENSOR) {
        Tensor made = make_from_numbers(op, args, n_args);
        if (made) return give(outs[0], std::move(made)), true;
      }
      [[fallthrough]];
    case DT_FORM_DYNAMIC:
      return run_plain(op, args, n_args, outs);
    default:
      return op.schema.writes && try_written(op, args, n_args);
  }
}

[[noreturn]] void nothing_to_run(const Op& op, const dt_value* given, int n_args) {
  dt_value args[16];
  std::copy_n(given, n_args, args);
  TensorArgs tensors;
  collect_tensors(op, args, n_args, tensors);
  DType dtypes[TensorArgs::kInline];
  int n = 0;
  for (int i = 0; i < tensors.count && n < TensorArgs::kInline; ++i)
    if (tensors.items[i]) dtypes[n++] = tensors.items[i]->dtype;
  if (n == 0 && op.form == DT_FORM_PLAIN) {  // full, rand: what the result would be
    Inference call(op, args, n_args);
    op.infer(call);
    if (op.n_outputs() > 0) dtypes[n++] = call.outs[0].dtype;
  }
  no_kernel(op, tensors.device, dtypes, n);
}

}  // namespace

// What run_plain does, without all that tensors as arguments and destinations ask for.
Tensor make_from_numbers(const Op& op, const dt_value* given, int n_args) {
  if (!belongs_on_cpu(given[op.device_of_numbers])) return nullptr;
  dt_value* args = static_cast<dt_value*>(__builtin_alloca(sizeof(dt_value) * n_args));
  copy_values(given, n_args, args);
  Inference call(op, args, n_args);
  op.infer(call);
  const OutputSpec& out = call.outs[0];
  const dt_kernel kernel = find_kernel(op, kCpu.kind, &out.dtype, 1);
  if (!kernel.fn) return nullptr;
  Tensor result = empty(out.ndim, out.sizes, out.dtype, kCpu);
  const dt_array array = array_of(*result);
  KernelRun(op, kCpu).run(kernel, &array, 1, nullptr, 0, args, n_args);
  return result;
}

bool try_plain(const Op& op, const dt_value* args, int n_args, dt_value* outs) {
  return run_plain(op, args, n_args, outs);
}

// What an op of the decomposition refuses, the op itself refuses: the message begins with its name.
static void run_composite(const Op& op, const dt_value* args, int n_args, dt_value* results, int n_outs) {
  try {
    op.composite(op, args, n_args, results, n_outs);
  } catch (const Error& error) {
    const std::string text = error.what();
    const size_t colon = text.find(": ");
    fail(error.status(), op.name(), colon == std::string::npos ? ": " + text : text.substr(colon));
  }
}

// 16-bit floats compute through float: what a kernel would do in one go rounds once, at its end.
static bool run_in_single(const Op& op, const dt_value* given, int n_args, dt_value* result) {
  TensorArgs tensors;
  collect_tensors(op, given, n_args, tensors);
  const DType dtype = promoted(tensors.items, tensors.count);
  if (dtype != DT_FLOAT16 && dtype != DT_BFLOAT16) return false;
  dt_value args[16];
  Tensor wide[16];
  std::copy_n(given, n_args, args);
  for (int i = 0; i < n_args; ++i) {
    if (args[i].tag != DT_TENSOR || !is_floating(args[i].as.tensor->dtype)) continue;
    wide[i] = cast_to(Tensor::borrow(args[i].as.tensor), DT_FLOAT32);
    args[i] = box(wide[i]);
  }
  run_composite(op, args, n_args, result, 1);
  const Tensor single = Tensor::steal(result->as.tensor);
  *result = dt_value{};
  give(*result, single->dtype == DT_FLOAT32 ? cast_to(single, dtype) : single);
  return true;
}

// ---- host ops -------------------------------------------------------------------------------------------

// A call's arguments with every tensor on the CPU. They live as long as this.
class OnHost {
 public:
  OnHost(const Op& op, const dt_value* given, int n_args) : op_(op), args_(given, given + n_args) {
    for (dt_value& arg : args_) {
      if (arg.tag == DT_TENSOR) {
        arg.as.tensor = move(arg.as.tensor);
      } else if (arg.tag == DT_TENSORS) {
        lists_.push_back(std::make_unique<TensorImpl*[]>(arg.count + 1));
        for (int i = 0; i < arg.count; ++i) {
          TensorImpl* t = arg.as.tensors[i];
          lists_.back()[i] = t ? move(t) : nullptr;
        }
        arg.as.tensors = lists_.back().get();
      }
    }
  }
  const dt_value* args() const { return args_.data(); }

 private:
  TensorImpl* move(TensorImpl* t) {
    kept_.push_back(on_device(op_.name().c_str(), t, kCpu));
    return kept_.back().get();
  }

  const Op& op_;
  std::vector<dt_value> args_;
  std::vector<Tensor> kept_;
  std::vector<std::unique_ptr<TensorImpl*[]>> lists_;
};

static void move_result(const Op& op, dt_value& result, Device device) {
  const int count = result.tag == DT_TENSORS ? result.count : result.tag == DT_TENSOR;
  TensorImpl** tensors = result.tag == DT_TENSORS ? result.as.tensors : &result.as.tensor;
  for (int i = 0; i < count; ++i) {
    const Tensor made = Tensor::steal(tensors[i]);
    tensors[i] = on_device(op.name().c_str(), made.get(), device).release();
  }
}

// A host op where the backend has no kernel: by the library's function on the CPU, or by the CPU's kernel.
static void run_on_host(const Op& op, const dt_value* args, int n_args, dt_value* results, int n_outs) {
  TensorArgs tensors;
  collect_tensors(op, args, n_args, tensors);
  if (tensors.device == kCpu) {
    if (!op.foreign) nothing_to_run(op, args, n_args);
    return check_status(op.foreign(op.foreign_self, &op, args, n_args, results, n_outs));
  }
  const OnHost moved(op, args, n_args);
  execute(op, moved.args(), n_args, results, n_outs);
  for (int k = 0; k < n_outs; ++k) move_result(op, results[k], tensors.device);
}

void run_decomposition(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  if (!op.decomposes() && !op.host) nothing_to_run(op, args, n_args);
  dt_value results[kMaxOutputs + 1];
  for (int k = 0; k < n_outs; ++k) put(results[k], nullptr);
  const bool fused = op.composite && op.form == DT_FORM_ELEMENTWISE;
  if (op.host)
    run_on_host(op, args, n_args, results, n_outs);
  else if (!op.composite)
    check_status(op.foreign(op.foreign_self, &op, args, n_args, results, n_outs));
  else if (!fused || !run_in_single(op, args, n_args, results))
    run_composite(op, args, n_args, results, n_outs);
  if (op.schema.writes) bump_written(op, args, n_args);
  for (int k = 0; k < n_outs; ++k) {
    if (outs[k].tag != DT_TENSOR) {
      outs[k] = results[k];
      continue;
    }
    Tensor result = Tensor::steal(results[k].as.tensor);
    write_result(op, outs[k].as.tensor, result.get());
    retain(outs[k].as.tensor);
  }
}

void execute(const Op& op, const dt_value* args, int n_args, dt_value* outs, int n_outs) {
  if (op.form == DT_FORM_VIEW) return run_view(op, args, n_args, outs);
  if (op.copy_form) return run_copy_form(op, args, outs);
  if (try_kernel(op, args, n_args, outs)) return;
  run_decomposition(op, args, n_args, outs, n_outs);
}

}  // namespace dovetail
