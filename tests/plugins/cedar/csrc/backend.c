/* The table by which Dovetail knows this backend, and the way from its kernels to ours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cedar.h"

static const kernel* const families[] = {
    unary_kernels,   binary_kernels,      compare_kernels, select_kernels, create_kernels,
    reduce_kernels,  gather_kernels,      scatter_kernels, join_kernels,   sort_kernels,
    product_kernels, convolution_kernels, pool_kernels,    random_kernels,
};

static const kernel* find(const char* op, int kind) {
  for (size_t f = 0; f < sizeof families / sizeof *families; ++f)
    for (const kernel* k = families[f]; k->op; ++k)
      if ((k->kinds & kind) && strcmp(k->op, op) == 0) return k;
  return NULL;
}

/* ---- calling a kernel --------------------------------------------------------------------------------- */

static void to_host(dt_array* to, const dt_array* from, int32_t n) {
  for (int32_t i = 0; i < n; ++i) {
    to[i] = from[i];
    to[i].data = host_address(from[i].data);
  }
}

static dt_status run(const void* self, dt_kernel_context* context, const dt_array* outs, int32_t n_outs,
                     const dt_array* ins, int32_t n_ins, const dt_value* args, int32_t n_args) {
  enum { FEW = 8 };
  dt_array few[FEW];
  dt_array* arrays = n_outs + n_ins <= FEW ? few : malloc(sizeof(dt_array) * (size_t)(n_outs + n_ins));
  if (!arrays) return context->fail(context, DT_ERR_MEMORY, "out of memory");
  to_host(arrays, outs, n_outs);
  to_host(arrays + n_outs, ins, n_ins);
  const call c = {self, context, arrays, arrays + n_outs, n_outs, n_ins, args, n_args};
  const dt_status status = c.kernel->run(&c);
  if (arrays != few) free(arrays);
  return status;
}

/* ---- the table ---------------------------------------------------------------------------------------- */

static int32_t device_count(void* self) {
  (void)self;
  return DEVICES;
}

/* The first dtype decides; one that is unknown here has no kernel. */
static dt_status get_kernel(void* self, const char* op, const int32_t* dtypes, int32_t n_dtypes, dt_kernel* out) {
  (void)self;
  out->fn = NULL;
  for (int32_t i = 0; i < n_dtypes; ++i)
    if (!dtype_of(dtypes[i])) return DT_OK;
  const kernel* found = find(op, n_dtypes ? dtype_of(dtypes[0])->kind : REAL);
  if (found) {
    out->fn = run;
    out->self = found;
  }
  return DT_OK;
}

static dt_status device_name(void* self, int32_t index, char* out, size_t capacity) {
  (void)self;
  snprintf(out, capacity, "Cedar %d", (int)index);
  return DT_OK;
}

/* Which device "cedar" without an index means. */
static int32_t current = 0;

static int32_t current_device(void* self) {
  (void)self;
  return current;
}

static dt_status set_current_device(void* self, int32_t index) {
  (void)self;
  if (index < 0 || index >= DEVICES) return DT_ERR_VALUE;
  current = index;
  return DT_OK;
}

static dt_status synchronize(void* self, int32_t index, void* stream) {
  (void)self, (void)index, (void)stream;
  return DT_OK; /* every call has finished when it returns */
}

static const dt_backend table = {
    .abi_major = DT_ABI_MAJOR,
    .abi_minor = 0, /* no slot here is newer than that */
    .struct_size = sizeof(dt_backend),
    .name = "cedar",
    .device_count = device_count,
    .get_kernel = get_kernel,
    .alloc = memory_alloc,
    .free = memory_free,
    .copy = memory_copy,
    .device_name = device_name,
    .memory_stats = memory_statistics,
    .current_device = current_device,
    .set_current_device = set_current_device,
    .synchronize = synchronize,
};

/* What Dovetail asks the library for. */
__attribute__((visibility("default"))) const dt_backend* dovetail_backend(const dt_api* api) {
  (void)api; /* kernels get all that they need by their context */
  return &table;
}
