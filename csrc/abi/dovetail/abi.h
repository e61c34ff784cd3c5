/* The Dovetail C ABI: everything a compiled piece (autograd, a backend, a plug-in) may use of tensor-core.
 *
 * One header, plain C11. A client gets `const dt_api*` from the PyCapsule `dovetail._core._api`
 * (see dt_api_import in dovetail/abi.hpp) and uses nothing else: no symbol of tensor-core is ever linked.
 *
 * Rules that keep a plug-in compiled today running tomorrow:
 *   - every table starts with abi_major, abi_minor, struct_size;
 *   - tables and enums are append-only: a slot never moves, changes its type or goes away;
 *   - a slot marked (optional) may be NULL, and the caller checks;
 *   - a slot that a newer minor added is read only after dt_has_slot() says that it is there;
 *   - csrc/abi/ledger.txt records the version in which each slot appeared, and a test checks the layout.
 *
 * Conventions: inputs are borrowed, outputs are owned by the caller. A function that can fail returns a
 * dt_status; the message waits in the thread's error slot (dt_api.error_message). No C++ exception crosses.
 */
#ifndef DOVETAIL_ABI_H
#define DOVETAIL_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DT_ABI_MAJOR 1
#define DT_ABI_MINOR 1
#define DT_API_CAPSULE "dovetail._core._api"
#define DT_MAX_DIMS 64

/* ---- status ------------------------------------------------------------------------------------------- */

typedef int32_t dt_status;
enum {
  DT_OK = 0,
  DT_ERR_TYPE = 1,            /* TypeError */
  DT_ERR_VALUE = 2,           /* ValueError */
  DT_ERR_INDEX = 3,           /* IndexError */
  DT_ERR_RUNTIME = 4,         /* RuntimeError */
  DT_ERR_NOT_IMPLEMENTED = 5, /* NotImplementedError */
  DT_ERR_MEMORY = 6,          /* MemoryError */
  DT_ERR_PYTHON = 7           /* a Python exception, kept whole in the error slot and raised again unchanged */
};

/* ---- dtypes and devices ------------------------------------------------------------------------------- */

enum {
  DT_FLOAT32 = 0,
  DT_FLOAT64 = 1,
  DT_FLOAT16 = 2,
  DT_BFLOAT16 = 3,
  DT_INT8 = 4,
  DT_INT16 = 5,
  DT_INT32 = 6,
  DT_INT64 = 7,
  DT_UINT8 = 8,
  DT_UINT16 = 9,
  DT_UINT32 = 10,
  DT_UINT64 = 11,
  DT_BOOL = 12,
  DT_COMPLEX64 = 13,
  DT_COMPLEX128 = 14,
  DT_DTYPE_COUNT = 15 /* grows with the minor; never use it to size an array that crosses the boundary */
};

typedef struct dt_device {
  int16_t kind;  /* 0 is the CPU; others are given out when a backend registers */
  int16_t index; /* -1: the backend's current device */
} dt_device;

/* ---- opaque objects ----------------------------------------------------------------------------------- */

typedef struct dt_tensor dt_tensor;       /* atomically reference-counted, usable without the GIL */
typedef struct dt_op dt_op;               /* a registered op; lives as long as the process */
typedef struct dt_generator dt_generator; /* a counter-based random generator */
typedef struct dt_error dt_error;         /* an error taken out of its thread's slot */
struct _object;                           /* PyObject */

/* ---- boxed values ------------------------------------------------------------------------------------- */

enum {
  DT_NONE = 0,
  DT_TENSOR = 1,     /* as.tensor */
  DT_TENSORS = 2,    /* as.tensors[count]; an entry may be NULL where the schema says Tensor?[] */
  DT_BOOLEAN = 3,    /* as.i, 0 or 1 */
  DT_INT = 4,        /* as.i */
  DT_FLOAT = 5,      /* as.f */
  DT_COMPLEX = 6,    /* as.complex, or as.c */
  DT_INTS = 7,       /* as.ints[count]; bool[] too */
  DT_FLOATS = 8,     /* as.floats[count] */
  DT_SCALARS = 9,    /* as.values[count], each a scalar value */
  DT_DTYPE = 10,     /* as.i, one of DT_FLOAT32... */
  DT_DEVICE = 11,    /* as.device */
  DT_GENERATOR = 12, /* as.generator */
  DT_STRING = 13,    /* as.string, NUL-terminated UTF-8 */
  DT_UINT = 14       /* since 1.1: as.i, the bits of an int from 2**63 on; a kernel gets one for uint64 alone */
};

typedef struct dt_complex {
  double re, im;
} dt_complex;

typedef struct dt_value {
  int32_t tag;
  int32_t count; /* length of a list */
  union {
    dt_tensor* tensor;
    dt_tensor** tensors;
    int64_t i;
    double f;
#ifndef complex /* <complex.h> takes the name from C, which then says as.c */
    dt_complex complex;
#endif
    const int64_t* ints;
    const double* floats;
    const struct dt_value* values;
    dt_device device;
    dt_generator* generator;
    const char* string;
    dt_complex c;
  } as;
} dt_value;

/* ---- kernels ------------------------------------------------------------------------------------------ */

/* What a kernel sees of a tensor. Strides count elements and may be zero or negative.
 * An optional tensor that was not given has data == NULL and ndim == -1. */
typedef struct dt_array {
  void* data;
  const int64_t* sizes;
  const int64_t* strides;
  int32_t ndim;
  int32_t dtype;
} dt_array;

typedef struct dt_kernel_context dt_kernel_context;
struct dt_kernel_context {
  uint32_t struct_size;
  dt_device device;
  void* stream; /* the backend's current stream, NULL on the CPU */
  void* state;  /* core's own */
  /* Split [0, n) into ranges of at least `grain` and run them on the pool; serial for small n. The split
   * depends on nothing but n, grain and the pool, so a kernel must give the same bits for any split. */
  void (*parallel_for)(dt_kernel_context*, int64_t n, int64_t grain,
                       void (*body)(void* arg, int64_t begin, int64_t end), void* arg);
  /* Scratch memory of the kernel's device, 64-byte aligned, freed when the kernel returns. NULL: out of memory. */
  void* (*workspace)(dt_kernel_context*, size_t bytes);
  /* Dynamic form only: allocate output `index`, contiguous, and return where its data is. NULL: failed. */
  void* (*allocate_output)(dt_kernel_context*, int32_t index, int32_t ndim, const int64_t* sizes);
  /* Record an error; returns `status`, so that a kernel can `return ctx->fail(ctx, DT_ERR_INDEX, "...")`. */
  dt_status (*fail)(dt_kernel_context*, dt_status status, const char* message);
};

/* outs: the op's outputs; ins: its tensor arguments in schema order, tensor lists laid out flat.
 * args: the whole boxed argument list after inference has normalised it (dims wrapped, defaults filled in), in
 * schema order, for the attributes; tensors in it are for counting only (args[i].count of a list). */
typedef dt_status (*dt_kernel_fn)(const void* self, dt_kernel_context* ctx, const dt_array* outs, int32_t n_outs,
                                  const dt_array* ins, int32_t n_ins, const dt_value* args, int32_t n_args);

typedef struct dt_kernel {
  dt_kernel_fn fn;  /* NULL: no kernel */
  const void* self; /* handed back as the first argument; lives as long as the backend */
} dt_kernel;

/* The form says what core has done before the kernel runs. */
enum {
  DT_FORM_VIEW = 0,        /* no kernel: core makes the view */
  DT_FORM_ELEMENTWISE = 1, /* inputs cast to one dtype and broadcast; dims collapsed, innermost last; outputs share the
                              inputs' sizes; every array has the same ndim and sizes */
  DT_FORM_REDUCTION = 2,   /* one input; outputs have its ndim with stride 0 on the reduced dims; dims collapsed */
  DT_FORM_PLAIN = 3,       /* outputs allocated; dims as they are */
  DT_FORM_DYNAMIC = 4,     /* the kernel finds the result's size and calls allocate_output */
  DT_FORM_COMPOSITE = 5    /* no kernel at all: always decomposed */
};

/* ---- backends ----------------------------------------------------------------------------------------- */

enum { DT_COPY_HOST_TO_DEVICE = 0, DT_COPY_DEVICE_TO_HOST = 1, DT_COPY_DEVICE_TO_DEVICE = 2 };

typedef struct dt_memory_stats {
  uint32_t struct_size;
  uint64_t allocated;      /* bytes in live tensors */
  uint64_t peak_allocated; /* its maximum since the last reset */
  uint64_t reserved;       /* bytes held from the system, cached ones included */
  uint64_t peak_reserved;
  uint64_t allocations;        /* calls so far */
  uint64_t system_allocations; /* of which went to the system */
} dt_memory_stats;

/* Where a generator of random numbers stands: of numbers that a graph draws, from `offset` on. */
typedef struct dt_draw {
  uint64_t key, offset;
} dt_draw;

/* What CUDA's capture modes are: which calls of other libraries spoil a capture. */
enum { DT_CAPTURE_GLOBAL = 0, DT_CAPTURE_THREAD_LOCAL = 1, DT_CAPTURE_RELAXED = 2 };

typedef struct dt_backend {
  uint32_t abi_major, abi_minor, struct_size, flags; /* flags: DT_BACKEND_* */
  void* self;                                        /* first argument of every slot */
  const char* name;                                  /* the device type: "cuda", "reference" */

  /* How many devices there are now. With 0, `explain` says why. */
  int32_t (*device_count)(void* self);
  /* A kernel for this op whose inputs, after promotion, have these dtypes (one for elementwise and reduction ops, else
   * one for every tensor argument given). Leave kernel->fn NULL where there is none: core then decomposes. */
  dt_status (*get_kernel)(void* self, const char* op, const int32_t* dtypes, int32_t n_dtypes, dt_kernel* kernel);
  /* Memory, at least 64-byte aligned. bytes > 0. */
  dt_status (*alloc)(void* self, int32_t index, size_t bytes, void* stream, void** out);
  void (*free)(void* self, int32_t index, void* data, size_t bytes, void* stream);
  /* Copy bytes; for the two host directions the call returns when the host memory may be reused. */
  dt_status (*copy)(void* self, int32_t index, void* dst, const void* src, size_t bytes, int32_t direction,
                    void* stream);

  const char* (*explain)(void* self);                                                              /* (optional) */
  dt_status (*device_name)(void* self, int32_t index, char* out, size_t capacity);                 /* (optional) */
  dt_status (*memory_stats)(void* self, int32_t index, dt_memory_stats* out, int32_t reset_peaks); /* (optional) */
  void (*empty_cache)(void* self, int32_t index);                                                  /* (optional) */
  int32_t (*current_device)(void* self);                                                           /* (optional) */
  dt_status (*set_current_device)(void* self, int32_t index);                                      /* (optional) */
  void* (*current_stream)(void* self, int32_t index);                                              /* (optional) */
  dt_status (*synchronize)(void* self, int32_t index, void* stream);                               /* (optional) */
  dt_status (*event_create)(void* self, int32_t index, void** event);                              /* (optional) */
  void (*event_destroy)(void* self, int32_t index, void* event);                                   /* (optional) */
  dt_status (*event_record)(void* self, int32_t index, void* event, void* stream);                 /* (optional) */
  dt_status (*event_wait)(void* self, int32_t index, void* event, void* stream);                   /* (optional) */

  /* since 1.1 */

  /* The DLDeviceType of DLPack under which other libraries know this memory (2 for CUDA). */
  int32_t (*dlpack_device_type)(void* self); /* (optional) */

  /* Streams: queues whose work runs in order, beside that of others. NULL stands for the default one. Errors of work
   * that runs after its call are told by whichever slot or kernel is called next, and name the op that they are of. */

  dt_status (*stream_create)(void* self, int32_t index, int32_t priority, void** stream); /* (optional) */
  void (*stream_destroy)(void* self, int32_t index, void* stream);                        /* (optional) */
  /* For the calling thread: what `current_stream` gives from now on. */
  dt_status (*set_current_stream)(void* self, int32_t index, void* stream);                            /* (optional) */
  dt_status (*stream_query)(void* self, int32_t index, void* stream, int32_t* done);                   /* (optional) */
  dt_status (*event_query)(void* self, int32_t index, void* event, int32_t* done);                     /* (optional) */
  dt_status (*event_synchronize)(void* self, int32_t index, void* event);                              /* (optional) */
  dt_status (*event_elapsed)(void* self, int32_t index, void* start, void* end, double* milliseconds); /* (optional) */
  /* Memory from `alloc` is used on `stream` too: once freed, it is given out again only when that has been done. */
  dt_status (*record_stream)(void* self, int32_t index, void* data, void* stream); /* (optional) */

  /* What there is to know of a device: `tell` is called with the name and the value (DT_INT, DT_FLOAT, DT_BOOLEAN or
   * DT_STRING, borrowed) of each property, `total_memory` in bytes among them. */
  dt_status (*device_properties)(void* self, int32_t index, void (*tell)(void* arg, const char* name, const dt_value*),
                                 void* arg); /* (optional) */

  /* Graphs: work that is recorded from a stream, without being run, and then run as a whole any number of times; all
   * five slots or none. Core lets one capture be under way at a time in the process. Meanwhile it refuses copies to and
   * from the host and kernels of dynamic form; what else would wait for the device, the backend refuses. */

  /* From now on `stream` records. What `alloc` gives for it is of the pool of that number (from 1 on) and goes back to
   * it alone, until every graph that was captured with this pool is destroyed. `mode`: DT_CAPTURE_*. */
  dt_status (*capture_begin)(void* self, int32_t index, void* stream, uint64_t pool, int32_t mode); /* (optional) */
  /* The graph of what was recorded; where `graph` is NULL, all of it is dropped. Also after a failure the capture is
   * over, the stream can be used and the pool is given up. */
  dt_status (*capture_end)(void* self, int32_t index, void* stream, void** graph); /* (optional) */
  /* Whether the stream records. What core then copies to the device is a number of at most 16 bytes, to be kept. */
  dt_status (*capture_query)(void* self, int32_t index, void* stream, int32_t* capturing); /* (optional) */
  /* Run it behind what `stream` was given. draws: what dt_api.captured_draw numbered, as it stands for this run. */
  dt_status (*graph_launch)(void* self, int32_t index, void* graph, void* stream, const dt_draw* draws,
                            int32_t n_draws);                    /* (optional) */
  void (*graph_destroy)(void* self, int32_t index, void* graph); /* (optional) */
} dt_backend;

enum { DT_BACKEND_HOST_MEMORY = 1 /* data pointers may be read by the host */ };

/* A backend may be a shared library that links nothing of Dovetail's nor of Python's: dt.backends.load_library(path)
 * asks what it exports under this name for its table, which must outlive the process. NULL: none, and api->set_error()
 * has said why. Read no slot of api before its abi_major is known to be DT_ABI_MAJOR. */
#define DT_BACKEND_ENTRY "dovetail_backend"
struct dt_api;
typedef const dt_backend* (*dt_backend_entry)(const struct dt_api* api);

/* ---- layers ------------------------------------------------------------------------------------------- */

/* A layer stands between a call and the backend. It is entered with the thread narrowed to what is below it, so
 * dt_api.call passes on, and dt_api.decompose runs the op's decomposition with this layer seeing its ops. */
typedef dt_status (*dt_layer_fn)(void* self, const dt_op* op, const dt_value* args, int32_t n_args, dt_value* outs,
                                 int32_t n_outs);

enum { /* positions, outermost highest */
       DT_LAYER_BACKEND = 0,
       DT_LAYER_TRACE = 1,
       DT_LAYER_AUTOGRAD = 2,  /* the lowest transform: entered when a tensor carries DT_BIT_GRAD and grad mode is on */
       DT_LAYER_TRANSFORM = 3, /* a stack of levels: jvp, vmap, grad */
       DT_LAYER_AUTOCAST = 4,
       DT_LAYER_PROFILER = 5
};

enum {                       /* a tensor's bits */
       DT_BIT_GRAD = 1,      /* autograd takes part (requires_grad) */
       DT_BIT_WRAPPED = 2,   /* a Python number on its way through an op: it does not decide the dtype */
       DT_BIT_INFERENCE = 4, /* made in inference mode */
       DT_BIT_SHELL = 8      /* geometry without memory (dt_api.shell) */
};

/* What hangs in a tensor's extension slot. Core only destroys it. */
typedef struct dt_slot {
  uint32_t struct_size;
  void (*destroy)(struct dt_slot*);
  /* (optional) Report the Python objects owned through the slot, for the garbage collector. */
  int (*traverse)(struct dt_slot*, int (*visit)(struct _object*, void*), void* arg);
  /* (optional) Drop them. */
  void (*clear)(struct dt_slot*);
} dt_slot;

/* ---- tensors ------------------------------------------------------------------------------------------ */

typedef struct dt_tensor_info {
  uint32_t struct_size;
  int32_t dtype;
  dt_device device;
  int32_t ndim;
  uint32_t bits;
  const int64_t* sizes;   /* valid while the tensor lives and is not resized */
  const int64_t* strides; /* in elements */
  int64_t numel;
  int64_t offset; /* of the first element in the storage, in elements */
  void* data;     /* first element; NULL where numel is 0 */
} dt_tensor_info;

/* ---- op metadata -------------------------------------------------------------------------------------- */

enum {
  DT_OP_DIFFERENTIABLE = 1, /* not marked non_differentiable */
  DT_OP_DECOMPOSES = 2,     /* has a decomposition */
  DT_OP_VIEW = 4,           /* the output shares the first argument's storage */
  DT_OP_RANDOM = 8          /* draws from a generator */
};

typedef struct dt_op_info {
  uint32_t struct_size;
  int32_t id; /* dense, from 0; stable within a process */
  const char* name;
  const char* schema;
  int32_t form;
  uint32_t flags;
  int32_t n_args, n_returns; /* n_returns is -1 where the op returns a list */
} dt_op_info;

/* ---- the table ---------------------------------------------------------------------------------------- */

typedef struct dt_api {
  uint32_t abi_major, abi_minor, struct_size, reserved;

  /* errors: the thread's slot */
  dt_status (*set_error)(dt_status status, const char* message);
  const char* (*error_message)(void);    /* of the last error; valid until the next one */
  dt_error* (*take_error)(void);         /* empty the slot, to carry the error to another thread; NULL if empty */
  dt_status (*restore_error)(dt_error*); /* put it back (consumes it) and return its status */
  void (*clear_error)(void);

  /* ops */
  const dt_op* (*find_op)(const char* name); /* NULL: none of that name */
  void (*op_info)(const dt_op*, dt_op_info* out);
  int32_t (*op_count)(void);
  const dt_op* (*op_at)(int32_t id);
  const char* (*op_arg_name)(const dt_op*, int32_t index);
  /* The boxed call. n_args may be smaller than the schema's: the rest are the defaults. outs[i] is DT_NONE on entry, or
   * a DT_TENSOR to write the result into (out= and in-place; in-place where it is also the first argument). On DT_OK
   * every out is owned by the caller (release_value); on failure none is. */
  dt_status (*call)(const dt_op*, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs);
  /* Run the op's decomposition; inside a layer its ops enter at that layer again. */
  dt_status (*decompose)(const dt_op*, const dt_value* args, int32_t n_args, dt_value* outs, int32_t n_outs);
  void (*release_value)(dt_value*);              /* release what an owned value holds and make it DT_NONE */
  dt_tensor** (*new_tensor_list)(int32_t count); /* for an op that returns a list; freed by release_value */

  /* tensors */
  void (*retain)(dt_tensor*);
  void (*release)(dt_tensor*);
  int64_t (*use_count)(const dt_tensor*);
  void (*tensor_info)(const dt_tensor*, dt_tensor_info* out);
  /* A fresh uninitialised contiguous tensor. */
  dt_status (*empty)(int32_t ndim, const int64_t* sizes, int32_t dtype, dt_device device, dt_tensor** out);
  /* A zero-dim tensor that stands for a Python number (DT_BIT_WRAPPED), on the CPU. */
  dt_status (*wrap_number)(const dt_value* number, dt_tensor** out);
  /* The single element of a tensor as a bool, int, float or complex value. */
  dt_status (*item)(const dt_tensor*, dt_value* out);
  uint32_t (*bits)(const dt_tensor*);
  void (*set_bits)(dt_tensor*, uint32_t set, uint32_t clear);
  int64_t (*version)(const dt_tensor*);
  void (*bump_version)(dt_tensor*);
  dt_tensor* (*base)(const dt_tensor*); /* the tensor that this is a view of (never itself a view), borrowed; or NULL */
  dt_status (*detach)(dt_tensor*, dt_tensor** out); /* same storage and version, no bits, no slot */
  dt_tensor* (*grad)(const dt_tensor*);             /* borrowed; NULL if none */
  void (*set_grad)(dt_tensor*, dt_tensor* grad);    /* retains; NULL clears */
  dt_slot* (*slot)(const dt_tensor*);
  void (*set_slot)(dt_tensor*, dt_slot*); /* takes ownership; destroys the old one */

  /* thread state */
  int32_t (*grad_mode)(void);
  int32_t (*set_grad_mode)(int32_t enabled); /* returns the old one */
  /* The autograd layer is one function for the process; others are pushed on the thread's stack at a position. */
  dt_status (*set_autograd_layer)(dt_layer_fn fn, void* self);
  dt_status (*push_layer)(int32_t position, dt_layer_fn fn, void* self);
  dt_status (*pop_layer)(int32_t position);

  /* Python objects; the GIL is held */
  dt_tensor* (*tensor_from_py)(struct _object*); /* borrowed; NULL without an exception if it is no Tensor */
  struct _object* (*tensor_to_py)(dt_tensor*);   /* new reference to its one wrapper; NULL with an exception set */
  void (*raise_py)(dt_status);                   /* set the Python exception for the thread's error */
  dt_status (*error_from_py)(void);              /* move the current Python exception into the thread's error slot */
  dt_status (*value_from_py)(struct _object*, dt_value* out); /* owned: release_value */
  struct _object* (*value_to_py)(const dt_value*);            /* new reference */
  const dt_op* (*op_from_py)(struct _object*);                /* the op of an Op object, or NULL */

  /* backends */
  dt_status (*register_backend)(const dt_backend*, int16_t* kind); /* the table must outlive the process */

  /* pool */
  void (*parallel_for)(int64_t n, int64_t grain, void (*body)(void* arg, int64_t begin, int64_t end), void* arg);
  int32_t (*num_threads)(void);

  /* shells: tensors whose value a layer keeps elsewhere (in their slot) */
  /* Geometry without memory (DT_BIT_SHELL). Whatever reaches the backend with one, or reads its value, is refused. */
  dt_status (*shell)(int32_t ndim, const int64_t* sizes, const int64_t* strides, int64_t offset, int32_t dtype,
                     dt_device device, dt_tensor** out);
  /* The view that a view op makes of a shell, its first argument: geometry and base, no slot. Meets no layer. */
  dt_status (*shell_view)(const dt_op*, const dt_value* args, int32_t n_args, dt_tensor** out);

  /* graphs: for a random kernel that is being captured, whose key and offset are those of this run alone. Each run
   * reads them from memory instead: from what graph_launch is given as draws[*draw], its offset raised by *distance.
   * With *draw -1 they are constants: no generator gave them during the capture. */
  dt_status (*captured_draw)(uint64_t key, uint64_t offset, int32_t* draw, uint64_t* distance);
} dt_api;

#define dt_has_slot(table, member) ((table)->struct_size >= offsetof(dt_api, member) + sizeof((table)->member))

#ifdef __cplusplus
}
#endif
#endif
