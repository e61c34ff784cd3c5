// cuBLAS, loaded at run time: neither its headers nor the library are needed to build or to import the package.
#include "kernels/cuda/blas.h"

#include <dlfcn.h>

#include <string>

#include "kernels/cuda/device.h"
#include "kernels/cuda/graph.h"

namespace dovetail::cuda {
namespace {

// cublasComputeType_t, cudaDataType_t and the like, by their documented values.
enum { kComputeFloat = 68, kComputeDouble = 70, kNoTranspose = 0, kTranspose = 1, kDefaultAlgorithm = -1 };
constexpr int kExactReductions = 16;  // CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION; and no TF32

using Handle = struct cublasContext*;

struct Library {
  int (*create)(Handle*) = nullptr;
  int (*set_stream)(Handle, cudaStream_t) = nullptr;
  int (*set_workspace)(Handle, void*, size_t) = nullptr;
  int (*set_math_mode)(Handle, int) = nullptr;
  int (*gemm)(Handle, int, int, int, int, int, const void*, const void*, int, int, long long, const void*, int, int,
              long long, const void*, void*, int, int, long long, int, int, int) = nullptr;
  const char* (*status_text)(int) = nullptr;
  std::string missing;  // why there is none

  Library() {
    void* loaded = dlopen("libcublas.so.13", RTLD_NOW | RTLD_LOCAL);  // in our rpath: the wheel nvidia-cublas
    if (!loaded) {
      const char* why = dlerror();
      missing = std::string("cuBLAS can't be loaded (") + (why ? why : "no reason given") +
                "): pip install 'nvidia-cublas>=13,<14'";
      return;
    }
    const auto find = [&](auto& function, const char* name) {
      function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(loaded, name));
      if (!function) missing = std::string("this cuBLAS has no ") + name;
    };
    find(create, "cublasCreate_v2");
    find(set_stream, "cublasSetStream_v2");
    find(set_workspace, "cublasSetWorkspace_v2");
    find(set_math_mode, "cublasSetMathMode");
    find(gemm, "cublasGemmStridedBatchedEx");
    find(status_text, "cublasGetStatusString");
  }
};

const Library& library() {
  static const Library* const loaded = new Library;  // never unloaded
  return *loaded;
}

// One handle a thread and device; a handle may not be shared. They live as long as the process.
Handle& kept_handle(int device) {
  thread_local Handle handles[kMostDevices] = {};
  return handles[device];
}

Handle handle_of(int device, int& status) {
  Handle& handle = kept_handle(device);
  status = 0;
  if (!handle) {
    status = library().create(&handle);
    if (status == 0) status = library().set_math_mode(handle, kExactReductions);
  }
  return handle;
}

struct Types {
  int data, compute;
};
Types types_of(int32_t dtype) {
  switch (dtype) {
    case DT_FLOAT32:
      return {0, kComputeFloat};
    case DT_FLOAT64:
      return {1, kComputeDouble};
    case DT_FLOAT16:
      return {2, kComputeFloat};
    case DT_BFLOAT16:
      return {14, kComputeFloat};
    case DT_COMPLEX64:
      return {4, kComputeFloat};
    default:
      return {5, kComputeDouble};
  }
}

constexpr size_t kWorkspace = size_t{32} << 20;  // as cuBLAS asks for on Hopper

}  // namespace

void prepare_products(int device) {
  int status;
  if (library().missing.empty()) handle_of(device, status);
}

dt_status multiply(const Call& call, const Product& p) {
  const Library& blas = library();
  if (!blas.missing.empty()) return call.fail(DT_ERR_RUNTIME, blas.missing.c_str());
  if (!kept_handle(call.context->device.index) && is_capturing(call.stream))
    return call.fail(DT_ERR_RUNTIME, "the first product of a thread can't be captured into a graph; multiply before");
  int status;
  const Handle handle = handle_of(call.context->device.index, status);
  // The workspace is ours: one stream's product never waits for, or writes over, another's; a graph's is of its pool.
  void* workspace = call.workspace<char>(kWorkspace);
  if (!workspace) return call.out_of_memory();
  if (status == 0) status = blas.set_stream(handle, call.stream);
  if (status == 0) status = blas.set_workspace(handle, workspace, kWorkspace);
  if (status == 0) {
    const Types types = types_of(p.dtype);
    const double ones[2] = {1, 0}, zeros[2] = {0, 0};
    const float float_ones[2] = {1, 0}, float_zeros[2] = {0, 0};
    const bool wide = types.compute == kComputeDouble;
    const void *alpha = wide ? static_cast<const void*>(ones) : float_ones,
               *beta = wide ? static_cast<const void*>(zeros) : float_zeros;
    const auto flag = [](const Product::Operand& o) { return o.transposed ? kTranspose : kNoTranspose; };
    const auto narrow = [](int64_t x) { return static_cast<int>(x); };
    // By columns, as cuBLAS has it, the transposed result is b a.
    status = blas.gemm(handle, flag(p.b), flag(p.a), narrow(p.n), narrow(p.m), narrow(p.k), alpha, p.b.data, types.data,
                       narrow(p.b.leading), p.b.batch, p.a.data, types.data, narrow(p.a.leading), p.a.batch, beta, p.c,
                       types.data, narrow(p.c_leading), p.c_batch, narrow(p.count), types.compute, kDefaultAlgorithm);
  }
  if (status == 0) return DT_OK;
  return call.fail(DT_ERR_RUNTIME, (std::string("cuBLAS failed: ") + blas.status_text(status)).c_str());
}

}  // namespace dovetail::cuda
