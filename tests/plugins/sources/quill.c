/* A backend with nothing but its table, and a client of the table of functions: whichever header it is compiled
 * against, it asks for that header's ABI. */
#include "dovetail/abi.h"

#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* ---- the backend "quill": host memory, copies and negation -------------------------------------------- */

static int32_t device_count(void* self) {
  (void)self;
  return 1;
}

static dt_status neg(const void* self, dt_kernel_context* context, const dt_array* outs, int32_t n_outs,
                     const dt_array* ins, int32_t n_ins, const dt_value* args, int32_t n_args) {
  (void)self, (void)n_outs, (void)n_ins, (void)args, (void)n_args;
  if (outs[0].ndim > 1) return context->fail(context, DT_ERR_VALUE, "neg: quill writes lines, not pages");
  const int64_t count = outs[0].ndim ? outs[0].sizes[0] : 1, to = outs[0].ndim ? outs[0].strides[0] : 0,
                from = ins[0].ndim ? ins[0].strides[0] : 0;
  for (int64_t i = 0; i < count; ++i) ((float*)outs[0].data)[i * to] = -((const float*)ins[0].data)[i * from];
  return DT_OK;
}

static dt_status get_kernel(void* self, const char* op, const int32_t* dtypes, int32_t n_dtypes, dt_kernel* kernel) {
  (void)self;
  if (n_dtypes == 1 && dtypes[0] == DT_FLOAT32 && strcmp(op, "neg") == 0) kernel->fn = neg;
  return DT_OK;
}

static dt_status allocate(void* self, int32_t index, size_t bytes, void* stream, void** out) {
  (void)self, (void)index, (void)stream;
  *out = aligned_alloc(64, (bytes + 63) / 64 * 64);
  return *out ? DT_OK : DT_ERR_MEMORY;
}

static void deallocate(void* self, int32_t index, void* data, size_t bytes, void* stream) {
  (void)self, (void)index, (void)bytes, (void)stream;
  free(data);
}

static dt_status copy(void* self, int32_t index, void* to, const void* from, size_t bytes, int32_t direction,
                      void* stream) {
  (void)self, (void)index, (void)direction, (void)stream;
  memmove(to, from, bytes);
  return DT_OK;
}

#ifndef STRUCT_SIZE
#define STRUCT_SIZE sizeof(dt_backend)
#endif
#ifndef NAME
#define NAME "quill"
#endif

static dt_backend table = {
    .abi_major = DT_ABI_MAJOR,
    .abi_minor = DT_ABI_MINOR,
    .struct_size = STRUCT_SIZE,
    .flags = DT_BACKEND_HOST_MEMORY,
    .name = NAME,
    .device_count = device_count,
#ifndef WITHOUT_KERNELS
    .get_kernel = get_kernel,
#endif
    .alloc = allocate,
    .free = deallocate,
    .copy = copy,
};

#ifdef WITHOUT_TABLE
EXPORT const dt_backend* dovetail_backend(const dt_api* api) {
  api->set_error(DT_ERR_RUNTIME, "quill: the ink has dried");
  return NULL;
}
#elif !defined(WITHOUT_ENTRY)
EXPORT const dt_backend* dovetail_backend(const dt_api* api) {
  (void)api;
  return &table;
}
#endif

/* ---- the client: it makes tensors and calls ops ------------------------------------------------------- */

/* sum(exp(zeros(n))), which is n, in *out. */
EXPORT dt_status quill_sum(const dt_api* api, int64_t n, double* out) {
  dt_tensor* x = NULL;
  dt_status status = api->empty(1, &n, DT_FLOAT64, (dt_device){0, 0}, &x);
  if (status != DT_OK) return status;
  dt_tensor_info info = {.struct_size = sizeof info};
  api->tensor_info(x, &info);
  if (info.data) memset(info.data, 0, (size_t)info.numel * sizeof(double));
  const dt_value arg = {.tag = DT_TENSOR, .count = 0, .as = {.tensor = x}};
  dt_value e = {.tag = DT_NONE}, total = {.tag = DT_NONE}, number = {.tag = DT_NONE};
  status = api->call(api->find_op("exp"), &arg, 1, &e, 1);
  if (status == DT_OK) status = api->call(api->find_op("sum"), &e, 1, &total, 1);
  if (status == DT_OK) status = api->item(total.as.tensor, &number);
  if (status == DT_OK) *out = number.as.f;
  api->release_value(&e);
  api->release_value(&total);
  api->release(x);
  return status;
}
