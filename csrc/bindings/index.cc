// x[...] and x[...] = value, with PyTorch's rules; slices may step backwards.
#include <limits>

#include "bindings/construct.h"
#include "bindings/op_type.h"
#include "bindings/tensor_type.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"
#include "core/short_vector.h"

namespace dovetail::py {

namespace {

Tensor select(TensorImpl* t, int dim, int64_t index) {
  dt_value args[3] = {box(t), box_int(dim), box_int(index)};
  return call_view(*fast.select, args, 3);
}

Tensor unsqueeze(TensorImpl* t, int dim) {
  dt_value args[2] = {box(t), box_int(dim)};
  return call_view(*fast.unsqueeze, args, 2);
}

// A slice's bound: None, or anything with __index__, clamped to 64 bits.
__attribute__((noinline)) void put_rare_bound(dt_value& out, PyObject* bound) {
  if (!PyIndex_Check(bound)) type_error("index: slice bounds must be ints or None, got ", given_text(bound));
  const Py_ssize_t value = PyNumber_AsSsize_t(bound, nullptr);
  if (value == -1 && PyErr_Occurred()) throw PythonError{};
  put_int(out, value);
}

inline void put_bound(dt_value& out, PyObject* bound) {
  int64_t small;
  if (bound == Py_None) return put_word(out, DT_NONE, 0, 0);
  if (small_int(bound, &small)) return put_int(out, small);
  put_rare_bound(out, bound);
}

Tensor slice(TensorImpl* t, int dim, PyObject* object) {
  const auto* slice = reinterpret_cast<PySliceObject*>(object);
  dt_value args[5];
  put(args[0], t);
  put_int(args[1], dim);
  put_bound(args[2], slice->start);
  put_bound(args[3], slice->stop);
  if (slice->step == Py_None)
    put_int(args[4], 1);
  else
    put_bound(args[4], slice->step);
  if (args[4].as.i == 0) value_error("index: a slice's step must not be zero, got 0");
  return call_view(*fast.slice, args, 5);
}

bool is_whole(PyObject* object) {
  const auto* slice = reinterpret_cast<PySliceObject*>(object);
  return slice->start == Py_None && slice->stop == Py_None && slice->step == Py_None;
}

// ---- what the index says --------------------------------------------------------------------------------

struct Item {
  enum Kind { integer, slice, none, ellipsis, truth, tensor } kind;
  int64_t value = 0;           // integer, truth
  PyObject* object = nullptr;  // slice; borrowed
  Tensor tensor_index;
  // How many of the tensor's dims the item speaks of.
  int dims() const {
    if (kind == integer || kind == slice) return 1;
    if (kind != tensor) return 0;
    return tensor_index->dtype == DT_BOOL ? tensor_index->ndim : 1;
  }
};

// Places of dtype uint64, none of which becomes a negative one in int64. Where they have no values yet, those that are
// larger than any size become the largest number, which is refused later.
Tensor within_int64(Tensor index, bool mapped) {
  static const Op &amax = get_op("amax"), &clamp = get_op("clamp");
  constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
  if (mapped) return call1(clamp, {box(index), box_none(), box(wrap_number(box_int(kLargest)))});
  if (index->numel == 0) return index;
  const dt_value value = dovetail::item(*call1(amax, {box(index)}));
  if (value.tag == DT_UINT)
    index_error("index: ", static_cast<uint64_t>(value.as.i), " is larger than any size of a dim");
  return index;
}

// A tensor as index: int64, int32 or bool; uint8 is a mask of old.
Item tensor_item(PyObject* object, Tensor t) {
  if (t->dtype == DT_UINT8) {
    check(PyErr_WarnEx(PyExc_DeprecationWarning, "indexing with a uint8 mask is deprecated; use a bool tensor", 1));
    t = call1(*fast.cast, {box(t), box_dtype(DT_BOOL)});
  }
  if (!is_exact(t->dtype)) {
    index_error("index: tensors used as indices must have an integer dtype or bool, got ", dtype_name(t->dtype));
  }
  Item item;
  // (An index that a transform maps has no value yet; as a tensor it gives the same.)
  const bool mapped = t->bits & DT_BIT_SHELL && t->dtype != DT_BOOL;
  if (t->ndim == 0 && !mapped) {
    if (object) concretize(object, "an index");
    item.kind = t->dtype == DT_BOOL ? Item::truth : Item::integer;
    const dt_value value = dovetail::item(*t);
    if (value.tag == DT_UINT)
      index_error("index: ", static_cast<uint64_t>(value.as.i), " is larger than any size of a dim");
    item.value = value.as.i;
    return item;
  }
  item.kind = Item::tensor;
  if (t->dtype == DT_UINT64) t = within_int64(std::move(t), mapped);
  const bool ready = t->dtype == DT_INT64 || t->dtype == DT_BOOL;
  item.tensor_index = ready ? t : call1(*fast.cast, {box(t), box_dtype(DT_INT64)});
  return item;
}

Item sequence_item_of(PyObject* object) {
  Tensor t = tensor_from_data(object, -1);
  // An empty list has no dtype of its own.
  if (t->numel == 0 && !is_exact(t->dtype)) t = call1(*fast.cast, {box(t), box_dtype(DT_INT64)});
  return tensor_item(nullptr, std::move(t));
}

Item read_item(PyObject* object) {
  Item item;
  if (PySlice_Check(object)) return item.kind = Item::slice, item.object = object, item;
  if (object == Py_None) return item.kind = Item::none, item;
  if (object == Py_Ellipsis) return item.kind = Item::ellipsis, item;
  if (PyBool_Check(object)) return item.kind = Item::truth, item.value = object == Py_True, item;
  if (is_tensor(object)) return tensor_item(object, Tensor::borrow(impl_of(object)));
  if (to_int(object, &item.value)) return item.kind = Item::integer, item;
  if (PyList_Check(object) || PyTuple_Check(object)) return sequence_item_of(object);
  if (!PyFloat_Check(object) && has_array(object)) return tensor_item(nullptr, tensor_from_buffer(object, "index"));
  if (PyRange_Check(object)) return sequence_item_of(object);
  index_error("index: only ints, slices, Ellipsis, None, and int64 or bool tensors or lists are indices, got ",
              given_text(object));
}

// ---- indexing -------------------------------------------------------------------------------------------

// The view that the basic items give, and the tensors that then index it.
struct Indexed {
  Tensor view;
  ShortVector<Tensor, 8> entries;  // null: the dim is taken whole
  bool advanced = false;
};

// True keeps everything along a new dim of size one, False nothing.
Tensor truth_index(bool truth) {
  Tensor index = empty({truth ? 1 : 0}, DT_INT64);
  if (truth) *reinterpret_cast<int64_t*>(index->data) = 0;
  return index;
}

using Items = ShortVector<Item, 8>;

// Applies items one after another; `dim` is the dim of the view that the next item speaks of.
class Indexer {
 public:
  explicit Indexer(TensorImpl* self) : self_(self), indexed_{Tensor::borrow(self), {}, false} {}

  Indexed run(const Items& items) {
    int specified = 0;
    for (const Item& item : items) specified += item.dims();
    if (specified > self_->ndim) {
      index_error("index: ", specified, " indices are too many for a tensor of ", self_->ndim, " dims, of shape ",
                  shape_text(*self_));
    }
    int rest = self_->ndim - specified;  // what the first Ellipsis stands for
    for (const Item& item : items) {
      if (item.kind == Item::ellipsis) {
        take_whole(rest);
        rest = 0;
      } else {
        apply(item);
      }
    }
    return std::move(indexed_);
  }

 private:
  void take_whole(int dims) {
    dim_ += dims;
    for (int i = 0; i < dims; ++i) indexed_.entries.push_back(Tensor());
  }

  void take_tensor(Tensor index, int dims) {
    dim_ += dims;
    indexed_.entries.push_back(std::move(index));
    indexed_.advanced = true;
  }

  void apply(const Item& item) {
    Tensor& view = indexed_.view;
    switch (item.kind) {
      case Item::integer:
        view = select(view.get(), dim_, item.value);
        break;
      case Item::slice:
        if (!is_whole(item.object)) view = slice(view.get(), dim_, item.object);
        take_whole(1);
        break;
      case Item::none:
        view = unsqueeze(view.get(), dim_);
        take_whole(1);
        break;
      case Item::truth:
        view = unsqueeze(view.get(), dim_);
        take_tensor(truth_index(item.value != 0), 1);
        break;
      default:
        take_tensor(item.tensor_index, item.dims());
    }
  }

  TensorImpl* self_;
  Indexed indexed_;
  int dim_ = 0;
};

Indexed apply_index(PyObject* self, PyObject* index) {
  Items items;
  if (PyTuple_Check(index)) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(index); ++i) items.push_back(read_item(PyTuple_GET_ITEM(index, i)));
  } else {
    items.push_back(read_item(index));
  }
  return Indexer(impl_of(self)).run(items);
}

// The entries as a boxed list.
dt_value box_entries(const Indexed& indexed, Arena& arena) {
  const int count = indexed.entries.size();
  TensorImpl** list = arena.room<TensorImpl*>(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) list[i] = indexed.entries[i].get();
  dt_value value{};
  value.tag = DT_TENSORS;
  value.count = count;
  value.as.tensors = list;
  return value;
}

// One plain int or slice, which most indices are; false for others.
bool simple_index(PyObject* self, PyObject* index, Tensor* view) {
  TensorImpl* t = impl_of(self);
  if (t->ndim == 0) return false;
  if (PyLong_CheckExact(index)) {
    int64_t i;
    if (!small_int(index, &i) && (i = PyLong_AsSsize_t(index)) == -1 && PyErr_Occurred()) {
      PyErr_Clear();
      raise(PyExc_IndexError, "index: %S is out of range for dim 0 of size %lld", index,
            static_cast<long long>(t->size(0)));
    }
    *view = select(t, 0, i);
    return true;
  }
  if (!PySlice_Check(index)) return false;
  *view = slice(t, 0, index);
  return true;
}

// ---- assignment -----------------------------------------------------------------------------------------

// The value as a tensor; `number` says whether it was a Python number.
Tensor value_tensor(PyObject* value, bool* number) {
  dt_value scalar;
  *number = false;
  if (is_tensor(value)) return Tensor::borrow(impl_of(value));
  if (to_number(value, &scalar)) return *number = true, wrap_number(scalar);
  return tensor_from_data(value, -1);
}

// Leading dims of size one that the destination does not have are dropped.
Tensor without_leading_ones(Tensor value, int ndim) {
  while (value->ndim > ndim && value->size(0) == 1) value = select(value.get(), 0, 0);
  return value;
}

void call_inplace(const Op* op, const dt_value* args, int n_args) {
  dt_value out = args[0];
  call_op(*op, args, n_args, &out, 1);
  release_value(&out);
}

void assign_view(TensorImpl* view, PyObject* value) {
  bool number;
  Tensor source = value_tensor(value, &number);
  if (!number) source = without_leading_ones(std::move(source), view->ndim);
  const dt_value args[2] = {box(view), box(source)};
  call_inplace(number ? fast.fill : fast.copy, args, 2);
}

void assign_entries(const Indexed& indexed, PyObject* value) {
  bool number;
  Tensor source = value_tensor(value, &number);
  if (!number && source->device != indexed.view->device && source->ndim == 0) {
    source = call1(*fast.to_device, {box(source), box_device(indexed.view->device)});
  }
  if (!number && source->dtype != indexed.view->dtype) {
    source = call1(*fast.cast, {box(source), box_dtype(indexed.view->dtype)});
  }
  Arena arena;
  const dt_value args[4] = {box(indexed.view), box_entries(indexed, arena), box(source), box_bool(false)};
  call_inplace(fast.index_put, args, 4);
}

}  // namespace

PyObject* subscript(PyObject* self, PyObject* index) {
  return entry_as("index", [&] {
    Tensor view;
    if (simple_index(self, index, &view)) return wrap(std::move(view));
    Indexed indexed = apply_index(self, index);
    if (indexed.advanced) {
      Arena arena;
      const dt_value args[2] = {box(indexed.view), box_entries(indexed, arena)};
      dt_value out{};
      call_op(*fast.index, args, 2, &out, 1);
      return wrap(Tensor::steal(out.as.tensor));
    }
    if (indexed.view.get() == impl_of(self)) {  // x[...] is another tensor, though of the same elements
      dt_value arg = box(impl_of(self));
      return wrap(call_view(*fast.alias, &arg, 1));
    }
    return wrap(std::move(indexed.view));
  });
}

PyObject* sequence_item(PyObject* self, Py_ssize_t index) {
  return entry([&] {
    if (impl_of(self)->ndim == 0) index_error("index: a zero-dim tensor has no items");
    return wrap(select(impl_of(self), 0, index));
  });
}

int assign_subscript(PyObject* self, PyObject* index, PyObject* value) {
  const int status = entry_int([&] {
    if (!value) type_error("index: elements of a tensor cannot be deleted");
    Tensor view;
    if (simple_index(self, index, &view)) {
      assign_view(view.get(), value);
      return 0;
    }
    Indexed indexed = apply_index(self, index);
    if (indexed.advanced) {
      assign_entries(indexed, value);
    } else {
      assign_view(indexed.view.get(), value);
    }
    return 0;
  });
  if (status < 0) speak_as("index");
  return status;
}

}  // namespace dovetail::py
