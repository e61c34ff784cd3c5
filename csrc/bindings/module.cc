// The extension module dovetail._core.
#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>

#include "bindings/construct.h"
#include "bindings/dlpack.h"
#include "bindings/errors.h"
#include "bindings/graphs.h"
#include "bindings/lines.h"
#include "bindings/members.h"
#include "bindings/op_type.h"
#include "bindings/places.h"
#include "bindings/python_ops.h"
#include "bindings/requires_grad.h"
#include "bindings/streams.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"
#include "core/allocator.h"
#include "core/api.h"
#include "core/pool.h"

namespace dovetail::py {

namespace {

// Run a body of core from a pybind11 function: its errors become Python's.
template <class Body>
auto from_core(Body&& body) {
  try {
    return body();
  } catch (const PythonError&) {
    throw pybind11::error_already_set();
  } catch (const Error&) {
    set_python_error();
    throw pybind11::error_already_set();
  } catch (const SlotError&) {
    set_python_error();
    throw pybind11::error_already_set();
  }
}

TensorImpl& tensor_argument(const char* who, pybind11::handle object) {
  if (!is_tensor(object.ptr())) type_error(who, ": expected a Tensor, got ", given_text(object.ptr()));
  return *impl_of(object.ptr());
}

DType dtype_argument(const char* who, pybind11::handle object) {
  DType dtype;
  if (!to_dtype(object.ptr(), &dtype)) type_error(who, ": expected a dtype, got ", given_text(object.ptr()));
  return dtype;
}

pybind11::dict memory_stats(const std::string& device, bool reset_peaks) {
  dt_memory_stats stats{};
  stats.struct_size = sizeof stats;
  const Device where = resolve_device(parse_device(device));
  if (where.kind == 0) {
    cpu_memory_stats(&stats, reset_peaks);
  } else {
    const dt_backend& table = backend(where.kind);
    if (!table.memory_stats) runtime_error("memory_stats: the backend ", table.name, " keeps none");
    check_status(table.memory_stats(table.self, where.index, &stats, reset_peaks));
  }
  pybind11::dict result;
  result["allocated"] = stats.allocated;
  result["peak_allocated"] = stats.peak_allocated;
  result["reserved"] = stats.reserved;
  result["peak_reserved"] = stats.peak_reserved;
  result["allocations"] = stats.allocations;
  result["system_allocations"] = stats.system_allocations;
  return result;
}

// ---- the thread's modes ---------------------------------------------------------------------------------

bool set_grad_enabled(bool enabled) {
  ThreadState& state = thread_state();
  const bool old = state.grad_mode;
  state.grad_mode = enabled;
  update_active_bits(state);
  return old;
}

bool set_inference(bool enabled) {
  ThreadState& state = thread_state();
  mark_fresh_tensors(enabled ? DT_BIT_INFERENCE : 0);
  return std::exchange(state.inference_mode, enabled);
}

void set_hook(pybind11::object hook) {
  PyObject* old = std::exchange(concretize_hook, hook.is_none() ? nullptr : hook.release().ptr());
  Py_XDECREF(old);
}

// ---- registration ---------------------------------------------------------------------------------------

void define_modes(pybind11::module_& m) {
  m.def("is_grad_enabled", [] { return thread_state().grad_mode; }, "Whether this thread records gradients.");
  m.def("set_grad_enabled", set_grad_enabled, "Say whether this thread records gradients; returns what was before.");
  m.def("is_inference_mode", [] { return thread_state().inference_mode; }, "Whether this thread is in inference mode.");
  m.def("set_inference_mode", set_inference, "Enter or leave inference mode; returns what was before.");
  m.def("_set_concretize_hook", set_hook,
        "Have hook(tensor, what) called before Python reads a tensor's values; None for none. Returns nothing.");
  m.def("load_autograd", [] { from_core([] { return load_autograd(), 0; }); }, "Import dovetail.autograd.");
}

void define_devices(pybind11::module_& m) {
  m.def(
      "get_default_device",
      [] {
        const Device* chosen = default_device();
        return pybind11::reinterpret_steal<pybind11::object>(device_object(chosen ? *chosen : kCpu));
      },
      "Where this thread makes tensors that are given no device.");
  m.def(
      "set_default_device",
      [](pybind11::handle device) {
        from_core([&] {
          if (device.is_none()) return set_default_device(nullptr), 0;
          Device wanted;
          if (!to_device(device.ptr(), &wanted))
            type_error("set_default_device: expected a device, a str such as 'cpu', or None, got ",
                       given_text(device.ptr()));
          check_device("set_default_device", resolve_device(wanted));
          return set_default_device(&wanted), 0;
        });
      },
      "Choose where this thread makes tensors that are given no device; None for the CPU.");
}

void define_dtypes(pybind11::module_& m) {
  m.def(
      "get_default_dtype", [] { return pybind11::reinterpret_borrow<pybind11::object>(dtype_object(default_dtype())); },
      "The dtype of tensors made of Python floats.");
  m.def(
      "set_default_dtype",
      [](pybind11::handle dtype) {
        from_core([&] {
          const DType wanted = dtype_argument("set_default_dtype", dtype);
          if (!is_floating(wanted)) type_error("set_default_dtype: must be a floating dtype, got ", dtype_name(wanted));
          return set_default_dtype(wanted), 0;
        });
      },
      "Set the dtype of tensors made of Python floats.");
  m.def(
      "promote_types",
      [](pybind11::handle a, pybind11::handle b) {
        return from_core([&] {
          const DType x = dtype_argument("promote_types", a), y = dtype_argument("promote_types", b);
          const DType met = [&] {
            try {
              return promote(x, y);
            } catch (const Error& error) {
              fail(error.status(), "promote_types: ", error.what());
            }
          }();
          return pybind11::reinterpret_borrow<pybind11::object>(dtype_object(met));
        });
      },
      "The dtype in which two dtypes meet.");
  m.def(
      "can_cast",
      [](pybind11::handle from, pybind11::handle to) {
        return from_core([&] { return can_cast(dtype_argument("can_cast", from), dtype_argument("can_cast", to)); });
      },
      "Whether values of one dtype may be written into a tensor of another.");
}

void define_system(pybind11::module_& m) {
  m.def("get_num_threads", num_threads, "How many threads an op may use.");
  m.def(
      "set_num_threads", [](int n) { from_core([&] { return set_num_threads(n), 0; }); },
      "Set how many threads an op may use.");
  m.def(
      "memory_stats",
      [](const std::string& device, bool reset_peaks) {
        return from_core([&] { return memory_stats(device, reset_peaks); });
      },
      pybind11::arg("device") = "cpu", pybind11::arg("reset_peaks") = false, "Counts of a device's memory.");
  m.def(
      "empty_cache",
      [](const std::string& device) {
        from_core([&] {
          const Device where = resolve_device(parse_device(device));
          if (where.kind == 0) return cpu_empty_cache(), 0;
          const dt_backend& table = backend(where.kind);
          if (table.empty_cache) table.empty_cache(table.self, where.index);
          return 0;
        });
      },
      pybind11::arg("device") = "cpu", "Give cached memory back to the system.");
  m.def(
      "synchronize",
      [](const std::string& device) {
        from_core([&] {
          const Device where = resolve_device(parse_device(device));
          if (where.kind == 0) return 0;
          const dt_backend& table = backend(where.kind);
          pybind11::gil_scoped_release released;
          if (table.synchronize) check_status(table.synchronize(table.self, where.index, nullptr));
          return 0;
        });
      },
      pybind11::arg("device") = "cpu", "Wait until a device has done what it was given.");
}

void define_tensor_functions(pybind11::module_& m) {
  m.def(
      "_bump_version",
      [](pybind11::handle t) { from_core([&] { return bump_version(&tensor_argument("_bump_version", t)), 0; }); },
      "Count a write that core did not see.");
  m.def(
      "_where_written",
      [](pybind11::handle t, int64_t version) {
        return pybind11::reinterpret_steal<pybind11::object>(
            from_core([&] { return where_written(tensor_argument("_where_written", t), version); }));
      },
      "(file, function, line) of the write that found a tensor at a version, or None; of tensors that were watched.");
  m.def(
      "_describe_place",
      [](uint64_t place) { return pybind11::reinterpret_steal<pybind11::object>(describe_place(place)); },
      pybind11::arg("place"), "(file, function, line) of a place that `_place` gave, or None.");
  // For siblings, to be called for every op.
  m.attr("_place") = pybind11::capsule(reinterpret_cast<const void*>(&place_now), "uint64_t (*)() noexcept");
  m.def(
      "_use_count",
      [](pybind11::handle t) { return from_core([&] { return tensor_argument("_use_count", t).refs.load(); }); },
      "How many references there are on the C++ tensor.");
  m.def(
      "_is_shell",
      [](pybind11::handle t) {
        return from_core([&] { return (tensor_argument("_is_shell", t).bits & DT_BIT_SHELL) != 0; });
      },
      "Whether a tensor is geometry without memory, whose value a layer keeps elsewhere.");
  m.def(
      "_is_wrapped_number",
      [](pybind11::handle t) {
        return from_core([&] { return (tensor_argument("_is_wrapped_number", t).bits & DT_BIT_WRAPPED) != 0; });
      },
      "Whether the tensor stands for a Python number, which does not decide a dtype.");
  m.def("is_tensor", [](pybind11::handle object) { return is_tensor(object.ptr()); }, "Whether obj is a Tensor.");
}

// What `from dovetail._core import *` gives the package: names that users see. The rest is for dovetail's own pieces.
void define_all(pybind11::module_& m) {
  pybind11::list all;
  for (const char* name : {"Tensor",
                           "Size",
                           "dtype",
                           "device",
                           "Generator",
                           "Op",
                           "default_generator",
                           "tensor",
                           "as_tensor",
                           "from_numpy",
                           "frombuffer",
                           "is_tensor",
                           "is_grad_enabled",
                           "is_inference_mode",
                           "get_default_device",
                           "set_default_device",
                           "get_default_dtype",
                           "set_default_dtype",
                           "promote_types",
                           "can_cast",
                           "get_num_threads",
                           "set_num_threads"}) {
    all.append(name);
  }
  for (DType dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) all.append(dtype_name(dtype));
  m.attr("__all__") = all;
}

void initialise(pybind11::module_& m) {
  initialize();
  init_errors();
  init_wrapper();
  init_lines();
  PyObject* module = m.ptr();
  init_size(module);
  init_dtype(module);
  init_device(module);
  init_generator(module);
  init_op(module);
  init_fast_ops();
  init_tensor(module);
  init_python_backend(module);
  for (PyMethodDef* functions :
       {construct_functions(), dlpack_functions(), python_op_functions(), layer_functions(), python_backend_functions(),
        backend_library_functions(), stream_functions(), graph_functions(), member_functions()}) {
    check(PyModule_AddFunctions(module, functions));
  }
  for (int32_t id = 0; id < op_count(); ++id) install_methods(*op_at(id));
  publish_api(module);
}

}  // namespace

}  // namespace dovetail::py

PYBIND11_MODULE(_core, m) {
  namespace py = dovetail::py;
  m.doc() = "The compiled core of Dovetail: tensors, ops, devices and the registry.";
  try {
    py::initialise(m);
    py::define_modes(m);
    py::define_devices(m);
    py::define_dtypes(m);
    py::define_system(m);
    py::define_tensor_functions(m);
    py::define_all(m);
  } catch (const py::PythonError&) {
    throw pybind11::error_already_set();
  } catch (const dovetail::Error& error) {
    throw std::runtime_error(error.what());
  }
}
