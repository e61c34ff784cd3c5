// Autocast, from Python.
#include "autograd/autocast.h"

#include <pybind11/stl.h>

#include "autograd/bindings/python.h"

namespace dovetail::autograd {

namespace {

constexpr std::pair<const char*, CastPolicy> kPolicies[] = {{"none", CastPolicy::none},
                                                            {"lower_precision", CastPolicy::lower_precision},
                                                            {"float32", CastPolicy::float32},
                                                            {"promote", CastPolicy::promote},
                                                            {"input_dtype", CastPolicy::input_dtype},
                                                            {"decompose", CastPolicy::decompose},
                                                            {"banned", CastPolicy::banned}};

CastPolicy policy_named(const std::string& name) {
  for (const auto& [known, policy] : kPolicies)
    if (name == known) return policy;
  throw py::value_error("there is no autocast policy " + name);
}

dt_value boxed(const py::object& object) {
  dt_value value{};
  dt::check(dt::api().value_from_py(object.ptr(), &value));
  return value;
}
int16_t kind_of(const py::object& device) { return boxed(device).as.device.kind; }

py::object dtype_object(int32_t dtype) {
  const dt_value value = dt::box(dt::DType{dtype});
  return py::reinterpret_steal<py::object>(dt::api().value_to_py(&value));
}

AutocastRegion region(const py::object& device, bool enabled, const py::object& dtype) {
  return {device.attr("type").cast<std::string>(), enabled, static_cast<int32_t>(boxed(dtype).as.i)};
}

py::tuple current(const py::object& device) {
  const AutocastRegion found = autocast_region(kind_of(device));
  return py::make_tuple(found.enabled, dtype_object(found.dtype));
}

// (device type, dtype) of every region that is enabled.
py::list enabled() {
  py::list found;
  for (const int16_t kind : autocast_kinds()) {
    const AutocastRegion each = autocast_region(kind);
    found.append(py::make_tuple(each.device_type, dtype_object(each.dtype)));
  }
  return found;
}

}  // namespace

void bind_autocast(py::module_& m) {
  py::class_<AutocastScope>(m, "AutocastScope");
  m.def(
      "enter_autocast",
      [](const py::object& device, bool enabled, const py::object& dtype, bool cache_enabled) {
        return enter_autocast(kind_of(device), region(device, enabled, dtype), cache_enabled);
      },
      py::arg("device"), py::arg("enabled"), py::arg("dtype"), py::arg("cache_enabled"));
  m.def("leave_autocast", leave_autocast, py::arg("scope"));
  m.def("autocast_region", current, py::arg("device"));
  m.def(
      "set_autocast_region",
      [](const py::object& device, bool enabled, const py::object& dtype) {
        set_autocast_region(kind_of(device), region(device, enabled, dtype));
      },
      py::arg("device"), py::arg("enabled"), py::arg("dtype"));
  m.def("enabled_autocasts", enabled);
  m.def("autocast_cache_enabled", autocast_cache_enabled);
  m.def("set_autocast_cache_enabled", set_autocast_cache_enabled, py::arg("enabled"));
  m.def("clear_autocast_cache", clear_autocast_cache);
  m.def("autocast_cache_size", autocast_cache_size);
  m.def(
      "set_cast_policy",
      [](const std::string& device_type, const std::string& op, const std::string& policy) {
        set_cast_policy(device_type, op, policy_named(policy));
      },
      py::arg("device_type"), py::arg("op"), py::arg("policy"));
  m.def(
      "cast_policy",
      [](const std::string& device_type, const std::string& op) {
        const CastPolicy policy = cast_policy(device_type, op);
        for (const auto& [name, known] : kPolicies)
          if (policy == known) return name;
        return "none";
      },
      py::arg("device_type"), py::arg("op"));
}

}  // namespace dovetail::autograd
