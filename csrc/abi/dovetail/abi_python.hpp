// How a compiled Python module gets the C table: from the capsule that tensor-core's module holds.
//
//   PYBIND11_MODULE(_engine, m) {
//     dt::init(dt::import_api("dovetail.autograd", "dovetail-autograd"));
//     ...
//
// A client that uses only slots of an older minor may define DT_ABI_TARGET_MINOR before including this, and then runs
// with every tensor-core since then. Each newer slot must be guarded by dt_has_slot().
#pragma once

#include <Python.h>

#include <stdexcept>
#include <string>

#include "dovetail/abi.hpp"

#ifndef DT_ABI_TARGET_MINOR
#define DT_ABI_TARGET_MINOR DT_ABI_MINOR
#endif

namespace dt {

namespace detail {

inline std::string version_text(uint32_t major, uint32_t minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

// Why a client of this ABI can't use a table of that one; empty if it can.
inline std::string mismatch(const char* client, const char* distribution, uint32_t major, uint32_t minor) {
  const int target = DT_ABI_TARGET_MINOR;
  if (major == DT_ABI_MAJOR && static_cast<int>(minor) >= target) return "";
  const bool core_is_newer = major > DT_ABI_MAJOR;
  return std::string(client) + " was compiled against ABI " + version_text(DT_ABI_MAJOR, DT_ABI_TARGET_MINOR) +
         " but tensor-core offers " + version_text(major, minor) + ": upgrade " +
         (core_is_newer ? distribution : "dovetail-tensor-core");
}

}  // namespace detail

// The table; the GIL is held. Throws std::runtime_error, which pybind11 reports as an ImportError, when the installed
// tensor-core does not fit. If the capsule itself can't be had, a Python exception is set and null is returned.
inline const dt_api* import_api(const char* client, const char* distribution) {
  const auto* table = static_cast<const dt_api*>(PyCapsule_Import(DT_API_CAPSULE, 0));
  if (!table) return nullptr;
  const std::string why = detail::mismatch(client, distribution, table->abi_major, table->abi_minor);
  if (!why.empty()) throw std::runtime_error(why);
  return table;
}

}  // namespace dt
