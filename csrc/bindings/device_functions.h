// What the functions for devices, streams and graphs share. Streams, events and graphs are plain numbers in Python: the
// addresses that the backend gave.
#pragma once

#include "bindings/errors.h"
#include "bindings/types.h"
#include "bindings/values.h"
#include "core/backend.h"

namespace dovetail::py {

inline void* pointer_of(unsigned long long number) { return reinterpret_cast<void*>(static_cast<uintptr_t>(number)); }
inline PyObject* number_of(const void* pointer) {
  return PyLong_FromUnsignedLongLong(reinterpret_cast<uintptr_t>(pointer));
}

// The device that a function was given, resolved; one that is there.
struct Where {
  Device device;
  const dt_backend* table;

  Where(const char* who, PyObject* object) {
    if (!to_device(object, &device)) type_error(who, ": expected a device, got ", given_text(object));
    device = resolve_device(device);
    check_device(who, device);
    table = &backend(device.kind);
  }
  // The slot, which must be there.
  template <class Slot>
  Slot need(const char* who, Slot slot) const {
    if (!slot) runtime_error(who, ": the backend '", table->name, "' has no such function");
    return slot;
  }
};

// In a function whose Where is called `where`.
#define SLOT(who, member) where.need(who, where.table->member)

// name(device, numbers...): parses the device and up to two numbers, then runs the body.
struct DeviceArguments {
  PyObject* device;
  unsigned long long first = 0, second = 0;
  bool parse(PyObject* args, const char* format) { return PyArg_ParseTuple(args, format, &device, &first, &second); }
};

}  // namespace dovetail::py
