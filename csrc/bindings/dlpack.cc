// DLPack: tensors handed to other libraries, and theirs taken, without a copy. The protocol around it (who asks for
// which device, copy and version) is in Python, dovetail/interchange.py.
#include "bindings/dlpack.h"

#include <algorithm>
#include <memory>
#include <string>

#include "bindings/types.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

namespace {

using dlpack::Array;
using dlpack::Managed;
using dlpack::Versioned;

[[noreturn]] void refuse(const std::string& message) {
  PyErr_SetString(PyExc_BufferError, message.c_str());
  throw PythonError{};
}

// ---- dtypes and devices ---------------------------------------------------------------------------------

dlpack::DataType type_of(DType dtype) {
  const auto bits = static_cast<uint8_t>(8 * itemsize(dtype));
  if (dtype == DT_BOOL) return {dlpack::kBool, bits, 1};
  if (dtype == DT_BFLOAT16) return {dlpack::kBfloat, bits, 1};
  if (is_complex(dtype)) return {dlpack::kComplex, bits, 1};
  if (is_floating(dtype)) return {dlpack::kFloat, bits, 1};
  const bool is_unsigned = dtype == DT_UINT8 || dtype == DT_UINT16 || dtype == DT_UINT32 || dtype == DT_UINT64;
  return {is_unsigned ? dlpack::kUInt : dlpack::kInt, bits, 1};
}

DType dtype_of(dlpack::DataType type) {
  for (DType dtype = 0; dtype < DT_DTYPE_COUNT; ++dtype) {
    const dlpack::DataType known = type_of(dtype);
    if (known.code == type.code && known.bits == type.bits && type.lanes == 1) return dtype;
  }
  refuse("from_dlpack: there is no dtype for DLPack's type code " + std::to_string(type.code) + " with " +
         std::to_string(type.bits) + " bits and " + std::to_string(type.lanes) + " lanes");
}

int32_t device_type(int kind) {
  if (kind == 0) return dlpack::kCpu;
  const dt_backend& table = backend(kind);
  return table.dlpack_device_type ? table.dlpack_device_type(table.self) : dlpack::kExtension;
}

Device device_of(dlpack::Device device) {
  if (device.type == dlpack::kCpu || device.type == dlpack::kCudaHost) return dovetail::kCpu;
  for (int kind = 1; kind < backend_count(); ++kind) {
    // Backends without a type of their own all say "extension", which names none of them.
    if (!backend(kind).dlpack_device_type || device_type(kind) != device.type) continue;
    const Device found{static_cast<int16_t>(kind), static_cast<int16_t>(device.id)};
    if (device.id < 0 || device.id > INT16_MAX) break;
    check_device("from_dlpack", found);
    return found;
  }
  refuse("from_dlpack: no backend here has DLPack's device type " + std::to_string(device.type) + ", index " +
         std::to_string(device.id) + "; copy the array to the CPU first");
}

// ---- handing out ----------------------------------------------------------------------------------------

// A tensor's memory in other hands: owns a reference on the storage, which may not be resized meanwhile.
template <class Struct>
struct Handed {
  Struct managed{};
  Storage* storage;
  int64_t dims[2 * DT_MAX_DIMS];

  explicit Handed(const TensorImpl& t) : storage(t.storage) {
    retain(storage);
    storage->exports.fetch_add(1, std::memory_order_relaxed);
    std::copy_n(t.sizes(), t.ndim, dims);
    std::copy_n(t.strides(), t.ndim, dims + t.ndim);
    managed.array = {
        t.data, {device_type(t.device.kind), t.device.index}, t.ndim, type_of(t.dtype), dims, dims + t.ndim, 0};
    managed.context = this;
    managed.deleter = [](Struct* self) { delete static_cast<Handed*>(self->context); };
  }
  ~Handed() {
    storage->exports.fetch_sub(1, std::memory_order_relaxed);
    release(storage);
  }
};

// A capsule that nobody took still owns what is in it.
template <class Struct>
void drop_capsule(PyObject* capsule, const char* name) {
  if (!PyCapsule_IsValid(capsule, name)) return;  // taken, and renamed
  auto* managed = static_cast<Struct*>(PyCapsule_GetPointer(capsule, name));
  if (managed->deleter) managed->deleter(managed);
}

PyObject* capsule_of(const TensorImpl& t, bool versioned, bool copied) {
  if (t.storage->read_only && !versioned) {
    refuse("__dlpack__: the tensor's memory is read-only, which only consumers of DLPack 1.0 or later can be told");
  }
  if (!versioned) {
    auto handed = std::make_unique<Handed<Managed>>(t);
    Ref capsule = checked(PyCapsule_New(&handed->managed, dlpack::kName,
                                        [](PyObject* self) { drop_capsule<Managed>(self, dlpack::kName); }));
    handed.release();
    return capsule.release();
  }
  auto handed = std::make_unique<Handed<Versioned>>(t);
  handed->managed.major = dlpack::kMajor;
  handed->managed.minor = dlpack::kMinor;
  if (t.storage->read_only) handed->managed.flags |= dlpack::kReadOnly;
  if (copied) handed->managed.flags |= dlpack::kCopied;
  Ref capsule = checked(PyCapsule_New(&handed->managed, dlpack::kVersionedName,
                                      [](PyObject* self) { drop_capsule<Versioned>(self, dlpack::kVersionedName); }));
  handed.release();
  return capsule.release();
}

// _to_dlpack(tensor, versioned, copied)
PyObject* to_dlpack(PyObject*, PyObject* args) {
  PyObject* tensor;
  int versioned, copied;
  if (!PyArg_ParseTuple(args, "Opp:_to_dlpack", &tensor, &versioned, &copied)) return nullptr;
  return entry([&] {
    if (!is_tensor(tensor)) raise(PyExc_TypeError, "_to_dlpack: expected a Tensor, got %s", Py_TYPE(tensor)->tp_name);
    return capsule_of(*impl_of(tensor), versioned != 0, copied != 0);
  });
}

// _dlpack_device(device) -> (type, index)
PyObject* dlpack_device(PyObject*, PyObject* object) {
  return entry([&] {
    Device device;
    if (!to_device(object, &device)) raise(PyExc_TypeError, "_dlpack_device: expected a device");
    device = resolve_device(device);
    return Py_BuildValue("(ii)", device_type(device.kind), device.index);
  });
}

// _dlpack_wait(device, stream): what the device's current stream has been given happens before what `stream` gets next.
PyObject* dlpack_wait(PyObject*, PyObject* args) {
  PyObject* object;
  long long stream;
  if (!PyArg_ParseTuple(args, "OL:_dlpack_wait", &object, &stream)) return nullptr;
  return entry([&] {
    Device device;
    if (!to_device(object, &device)) raise(PyExc_TypeError, "_dlpack_wait: expected a device");
    device = resolve_device(device);
    const dt_backend& table = backend(device.kind);
    void* current = table.current_stream ? table.current_stream(table.self, device.index) : nullptr;
    if (!table.event_create || !table.event_record || !table.event_wait || !table.event_destroy) {
      if (table.synchronize) check_status(table.synchronize(table.self, device.index, current));
      Py_RETURN_NONE;
    }
    void* event = nullptr;
    check_status(table.event_create(table.self, device.index, &event));
    dt_status status = table.event_record(table.self, device.index, event, current);
    if (status == DT_OK) {
      status =
          table.event_wait(table.self, device.index, event, reinterpret_cast<void*>(static_cast<intptr_t>(stream)));
    }
    table.event_destroy(table.self, device.index, event);
    check_status(status);
    Py_RETURN_NONE;
  });
}

// _dlpack_stream(device): the device's current stream as a number; 0 where it has none.
PyObject* dlpack_stream(PyObject*, PyObject* object) {
  return entry([&] {
    Device device;
    if (!to_device(object, &device)) raise(PyExc_TypeError, "_dlpack_stream: expected a device");
    device = resolve_device(device);
    const dt_backend& table = backend(device.kind);
    void* stream = table.current_stream ? table.current_stream(table.self, device.index) : nullptr;
    return PyLong_FromVoidPtr(stream);
  });
}

// ---- taking ---------------------------------------------------------------------------------------------

template <class Struct>
void give_back(Storage* storage) {
  auto* managed = static_cast<Struct*>(storage->context);
  Gil gil;  // a deleter may touch Python objects
  if (gil.held() && managed->deleter) managed->deleter(managed);
}

struct Geometry {
  int64_t sizes[DT_MAX_DIMS], strides[DT_MAX_DIMS];
  int64_t lowest = 0, highest = 0;  // the reach of the elements around the first, in elements
  bool empty = false;
};

Geometry geometry_of(const Array& array, int64_t item) {
  if (array.ndim < 0 || array.ndim > DT_MAX_DIMS) {
    refuse("from_dlpack: " + std::to_string(array.ndim) + " dims; there may be up to " + std::to_string(DT_MAX_DIMS));
  }
  if (array.ndim > 0 && !array.shape)
    refuse("from_dlpack: the array of " + std::to_string(array.ndim) + " dims has no shape");
  Geometry g;
  std::copy_n(array.shape, array.ndim, g.sizes);
  checked_numel("from_dlpack", array.ndim, g.sizes, item);
  if (array.strides) {
    std::copy_n(array.strides, array.ndim, g.strides);
  } else {
    contiguous_strides(array.ndim, g.sizes, g.strides);
  }
  for (int i = 0; i < array.ndim; ++i) {
    g.empty |= g.sizes[i] == 0;
    int64_t reach, bytes;
    if (__builtin_mul_overflow(std::max<int64_t>(g.sizes[i] - 1, 0), g.strides[i], &reach) ||
        __builtin_add_overflow(reach < 0 ? g.lowest : g.highest, reach, reach < 0 ? &g.lowest : &g.highest) ||
        __builtin_mul_overflow(reach < 0 ? g.lowest : g.highest, 2 * item, &bytes)) {
      refuse("from_dlpack: shape " + shape_text(array.ndim, g.sizes) + " with stride " + std::to_string(g.strides[i]) +
             " reaches beyond all memory");
    }
  }
  if (g.empty) g.lowest = 0, g.highest = -1;
  return g;
}

// The address of the first element, from which all of them can be reached.
uintptr_t first_element(const Array& array, const Geometry& g, int64_t item) {
  const auto memory = reinterpret_cast<uintptr_t>(array.data);
  uintptr_t data, end;
  const uintptr_t before = static_cast<uintptr_t>(-g.lowest * item),
                  behind = static_cast<uintptr_t>((g.highest + 1) * item);
  if (__builtin_add_overflow(memory, array.byte_offset, &data) || __builtin_add_overflow(data, behind, &end) ||
      data < before) {
    refuse("from_dlpack: byte_offset " + std::to_string(array.byte_offset) + " reaches beyond all memory");
  }
  return data;
}

template <class Struct>
Tensor take(Struct* managed, bool read_only, PyObject* capsule, const char* used) {
  const Array& array = managed->array;
  const DType dtype = dtype_of(array.dtype);
  const Device device = device_of(array.device);
  const int64_t item = itemsize(dtype);
  const Geometry g = geometry_of(array, item);
  if (!array.data && !g.empty)
    refuse("from_dlpack: the array of shape " + shape_text(array.ndim, g.sizes) + " has elements and no memory");
  const uintptr_t data = first_element(array, g, item);
  if (!g.empty && data % std::min<int64_t>(item, 8) != 0) {
    refuse("from_dlpack: the array's memory, byte_offset " + std::to_string(array.byte_offset) +
           " added, is not aligned to its items of " + std::to_string(item) + " bytes; copy it first");
  }
  Storage* storage = new_storage(device, 0);
  storage->data = g.empty ? nullptr : reinterpret_cast<char*>(data + static_cast<uintptr_t>(g.lowest * item));
  storage->bytes = static_cast<size_t>((g.highest - g.lowest + 1) * item);
  storage->read_only = read_only;
  storage->context = managed;
  check(PyCapsule_SetName(capsule, used));  // from here on the array is ours
  PyCapsule_SetDestructor(capsule, nullptr);
  storage->release = give_back<Struct>;
  struct Drop {
    Storage* storage;
    ~Drop() { release(storage); }
  } drop{storage};
  return over_storage(storage, array.ndim, g.sizes, g.strides, -g.lowest, dtype);
}

// _from_dlpack(capsule)
PyObject* from_dlpack(PyObject*, PyObject* capsule) {
  return entry([&] {
    if (PyCapsule_IsValid(capsule, dlpack::kVersionedName)) {
      auto* managed = static_cast<Versioned*>(PyCapsule_GetPointer(capsule, dlpack::kVersionedName));
      if (managed->major != dlpack::kMajor) {
        refuse("from_dlpack: the array speaks DLPack " + std::to_string(managed->major) + "." +
               std::to_string(managed->minor) + "; this library speaks " + std::to_string(dlpack::kMajor) + ".x");
      }
      return wrap(take(managed, (managed->flags & dlpack::kReadOnly) != 0, capsule, "used_dltensor_versioned"));
    }
    if (PyCapsule_IsValid(capsule, dlpack::kName)) {
      return wrap(
          take(static_cast<Managed*>(PyCapsule_GetPointer(capsule, dlpack::kName)), false, capsule, "used_dltensor"));
    }
    if (!PyCapsule_CheckExact(capsule)) {
      raise(PyExc_TypeError, "from_dlpack: expected a DLPack capsule, got %s", Py_TYPE(capsule)->tp_name);
    }
    const char* name = PyCapsule_GetName(capsule);
    PyErr_Clear();
    raise(PyExc_ValueError, "from_dlpack: expected a capsule named 'dltensor_versioned' or 'dltensor', got '%s'%s",
          name ? name : "", name && std::string(name).rfind("used_", 0) == 0 ? "; a capsule can be taken once" : "");
  });
}

PyMethodDef functions[] = {
    {"_to_dlpack", to_dlpack, METH_VARARGS, "_to_dlpack(tensor, versioned, copied): a DLPack capsule."},
    {"_dlpack_device", dlpack_device, METH_O, "_dlpack_device(device): DLPack's device type and index."},
    {"_dlpack_wait", dlpack_wait, METH_VARARGS, "_dlpack_wait(device, stream): order our stream before another."},
    {"_dlpack_stream", dlpack_stream, METH_O, "_dlpack_stream(device): the current stream as a number."},
    {"_from_dlpack", from_dlpack, METH_O, "_from_dlpack(capsule): a tensor over the memory in a DLPack capsule."},
    {},
};

}  // namespace

PyMethodDef* dlpack_functions() { return functions; }

}  // namespace dovetail::py
