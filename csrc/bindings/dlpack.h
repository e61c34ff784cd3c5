// DLPack's structs, as its specification 1.1 lays them out (https://dmlc.github.io/dlpack/latest/c_api.html), and what
// the module makes of them.
#pragma once

#include <cstdint>

#include "bindings/py.h"

namespace dovetail::py {

namespace dlpack {

constexpr uint32_t kMajor = 1, kMinor = 1;

enum DeviceType : int32_t { kCpu = 1, kCudaHost = 3, kExtension = 12 };
enum TypeCode : uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBfloat = 4, kComplex = 5, kBool = 6 };
enum Flags : uint64_t { kReadOnly = 1, kCopied = 2 };

struct Device {
  int32_t type, id;
};
struct DataType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct Array {
  void* data;
  Device device;
  int32_t ndim;
  DataType dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: row-major
  uint64_t byte_offset;
};
struct Managed {
  Array array;
  void* context;
  void (*deleter)(Managed*);
};
struct Versioned {
  uint32_t major, minor;
  void* context;
  void (*deleter)(Versioned*);
  uint64_t flags;
  Array array;
};

constexpr const char* kName = "dltensor";
constexpr const char* kVersionedName = "dltensor_versioned";

}  // namespace dlpack

PyMethodDef* dlpack_functions();

}  // namespace dovetail::py
