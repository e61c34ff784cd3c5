/* Cedar: a Dovetail backend in plain C, built against dovetail/abi.h alone.
 *
 * Every dtype computes as one of four: real (double), whole (int64_t), natural (uint64_t, and bool as 0 or 1) or
 * complex (double _Complex). A kernel sees cells, which were loaded from the tensor's dtype and will be stored in the
 * result's, so each op is written once for every dtype that it has.
 *
 *   dtype.c   loading and storing      walk.c     strided arrays as runs     memory.c   the devices' memory
 *   backend.c the table and its kernels; the other files hold a family of ops each
 */
#ifndef CEDAR_H
#define CEDAR_H

#include <complex.h>
#undef complex /* abi.h has a member of that name */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dovetail/abi.h"

/* ---- cells -------------------------------------------------------------------------------------------- */

typedef union cell {
  double real;
  int64_t whole;
  uint64_t natural;
  double _Complex number;
} cell;

/* What a dtype computes as; a set of them, for the ops that are the same for several. */
enum {
  REAL = 1,
  WHOLE = 2,
  NATURAL = 4,
  COMPLEX = 8,
  EXACT = WHOLE | NATURAL,
  ORDERED = REAL | EXACT,
  ANY = ORDERED | COMPLEX
};

typedef struct dtype {
  int kind;                                                          /* REAL, WHOLE, NATURAL or COMPLEX */
  size_t size;                                                       /* bytes of an element */
  void (*load)(cell* to, const char* from, int64_t step, int64_t n); /* step in bytes */
  void (*store)(char* to, int64_t step, const cell* from, int64_t n);
} dtype;

const dtype* dtype_of(int32_t code);                     /* NULL: not one of ours */
cell convert(cell value, int from_kind, int32_t to);     /* to the cell that dtype `to` computes with */
cell cell_of_number(const dt_value* number, int32_t to); /* a boxed number as such a cell */

/* ---- a kernel's call ---------------------------------------------------------------------------------- */

typedef struct kernel kernel;

typedef struct call {
  const kernel* kernel;
  dt_kernel_context* context;
  const dt_array *outs, *ins; /* with addresses that the host can read */
  int32_t n_outs, n_ins;
  const dt_value* args;
  int32_t n_args;
} call;

/* n cells of the result from n cells of every input (NULL for one that was not given). Returns NULL, or what is wrong
 * with the values. */
typedef const char* (*block_fn)(const call*, cell* out, cell* const* in, int64_t n);
/* Fold n cells into one. */
typedef void (*fold_fn)(cell* total, const cell* in, int64_t n);

/* A kernel of one op for the dtypes of some kinds. */
struct kernel {
  const char* op; /* NULL ends a table */
  int kinds;
  dt_status (*run)(const call*);
  block_fn block; /* for run = elementwise */
  fold_fn fold;   /* for run = reduction and scan */
  cell start;     /* what a fold starts from */
};

extern const kernel unary_kernels[], binary_kernels[], compare_kernels[], select_kernels[], create_kernels[],
    reduce_kernels[], gather_kernels[], scatter_kernels[], join_kernels[], sort_kernels[], product_kernels[],
    convolution_kernels[], pool_kernels[], random_kernels[];

dt_status elementwise(const call*);
dt_status fail(const call*, dt_status status, const char* format, ...) __attribute__((format(printf, 3, 4)));

/* ---- arrays (walk.c) ---------------------------------------------------------------------------------- */

enum { BLOCK = 256 }; /* cells that are worked on at a time */

int64_t count_of(const dt_array*);                                    /* its elements */
int64_t offset_of(const dt_array*, int64_t i);                        /* of element i in row-major order, in elements */
void load_range(const dt_array*, cell* to, int64_t begin, int64_t n); /* elements in row-major order */
void store_range(const dt_array*, const cell* from, int64_t begin, int64_t n);
/* The whole of input k as cells, in scratch memory; NULL: out of memory, and the error is recorded. */
cell* load_input(const call*, int k);
cell* new_cells(const call*, int64_t n);
void store_output(const call*, int k, const cell* from);

/* A shape seen from one of its dims: (outer, size, inner). Zero-dim counts as one dim of size 1. */
typedef struct lines {
  int64_t outer, size, inner;
} lines;
lines lines_of(const dt_array*, int64_t dim);

bool is_zero(int kind, cell);

static inline int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- memory (memory.c) -------------------------------------------------------------------------------- */

enum { DEVICES = 2 };

/* Device addresses are far from anything that the host can touch: to read one is a fault at once. */
void* host_address(const void* device_address);

dt_status memory_alloc(void*, int32_t index, size_t bytes, void* stream, void** out);
void memory_free(void*, int32_t index, void* data, size_t bytes, void* stream);
dt_status memory_copy(void*, int32_t index, void* to, const void* from, size_t bytes, int32_t direction, void* stream);
dt_status memory_statistics(void*, int32_t index, dt_memory_stats* out, int32_t reset_peaks);

#endif
