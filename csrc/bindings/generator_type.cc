// dovetail.Generator: a counter-based source of random numbers.
#include <cstring>
#include <mutex>

#include "bindings/keywords.h"
#include "bindings/types.h"
#include "bindings/wrapper.h"

namespace dovetail::py {

PyTypeObject* generator_type = nullptr;

namespace {

Generator* generator_of(PyObject* self) { return reinterpret_cast<GeneratorObject*>(self)->generator; }

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  release(generator_of(self));
  type->tp_free(self);
  Py_DECREF(type);
}

// Seeds are taken modulo 2**64, as negative ones are elsewhere.
uint64_t seed_of(PyObject* object) {
  Ref index = checked(PyNumber_Index(object));
  const uint64_t seed = PyLong_AsUnsignedLongLongMask(index.get());
  if (PyErr_Occurred()) throw PythonError{};
  return seed;
}

PyObject* manual_seed_method(PyObject* self, PyObject* seed) {
  return entry_as("Generator.manual_seed", [&] {
    manual_seed(generator_of(self), seed_of(seed));
    return Py_NewRef(self);
  });
}

PyObject* seed_method(PyObject* self, PyObject*) {
  return entry_as("Generator.seed", [&] { return PyLong_FromUnsignedLongLong(seed_from_system(generator_of(self))); });
}

PyObject* initial_seed(PyObject* self, PyObject*) {
  std::lock_guard<std::mutex> lock(generator_of(self)->mutex);
  return PyLong_FromUnsignedLongLong(generator_of(self)->key);
}

PyObject* reserve_method(PyObject* self, PyObject* blocks) {
  return entry_as("Generator.reserve", [&] {
    const int64_t count = PyLong_AsLongLong(blocks);
    if (count < 0) {
      if (PyErr_Occurred()) throw PythonError{};
      value_error("Generator.reserve: the number of blocks must not be negative, got ", count);
    }
    Generator* generator = generator_of(self);
    uint64_t key;
    {
      std::lock_guard<std::mutex> lock(generator->mutex);
      key = generator->key;
    }
    const uint64_t offset = reserve(generator, static_cast<uint64_t>(count));
    return Py_BuildValue("LL", static_cast<long long>(key), static_cast<long long>(offset));
  });
}

PyObject* get_device(PyObject*, void*) {
  return entry([] { return device_object(kCpu); });
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"device", nullptr};
  PyObject* device = nullptr;
  if (!parse_keywords(args, kwargs, "|O:Generator", keywords, &device)) {
    return nullptr;
  }
  return entry_as("Generator", [&] {
    Device where = kCpu;
    if (device && !to_device(device, &where)) {
      raise(PyExc_TypeError, "Generator: device must be a device or a str, got %s", Py_TYPE(device)->tp_name);
    }
    Ref self = checked(type->tp_alloc(type, 0));
    reinterpret_cast<GeneratorObject*>(self.get())->generator = new Generator();
    // The same seed as a fresh generator has elsewhere, so that two of them agree.
    manual_seed(generator_of(self.get()), 67280421310721u);
    return self.release();
  });
}

// The state is a uint8 tensor of the key and the offset, so that it can be saved beside other tensors.
PyObject* get_state(PyObject* self, PyObject*) {
  return entry([&] {
    Tensor state = empty({16}, DT_UINT8);
    std::lock_guard<std::mutex> lock(generator_of(self)->mutex);
    std::memcpy(state->data, &generator_of(self)->key, 8);
    std::memcpy(state->data + 8, &generator_of(self)->offset, 8);
    return wrap(std::move(state));
  });
}

PyObject* clone_state(PyObject* self, PyObject*) {
  return entry_as("Generator.clone_state", [&] {
    Ref copy = checked(generator_type->tp_alloc(generator_type, 0));
    auto* generator = new Generator();
    reinterpret_cast<GeneratorObject*>(copy.get())->generator = generator;
    std::lock_guard<std::mutex> lock(generator_of(self)->mutex);
    set_state(generator, generator_of(self)->key, generator_of(self)->offset);
    return copy.release();
  });
}

PyObject* set_state_method(PyObject* self, PyObject* object) {
  return entry_as("Generator.set_state", [&] {
    const TensorImpl* state = is_tensor(object) ? impl_of(object) : nullptr;
    if (!state || state->dtype != DT_UINT8 || state->numel != 16 || !state->contiguous || state->device != kCpu) {
      raise(PyExc_TypeError,
            "Generator.set_state: expected what get_state() returned, a uint8 tensor of 16 elements, got %s",
            state ? (std::string(dtype_name(state->dtype)) + " of shape " + shape_text(*state)).c_str()
                  : Py_TYPE(object)->tp_name);
    }
    uint64_t key, offset;
    std::memcpy(&key, state->data, 8);
    std::memcpy(&offset, state->data + 8, 8);
    set_state(generator_of(self), key, offset);
    return Py_NewRef(self);
  });
}

PyGetSetDef getset[] = {{"device", get_device, nullptr, "Where the generator's state lives: the CPU.", nullptr}, {}};
PyMethodDef methods[] = {
    {"manual_seed", manual_seed_method, METH_O, "manual_seed(seed): start the sequence of `seed`; returns self."},
    {"seed", seed_method, METH_NOARGS, "Seed from the system's entropy; returns the seed."},
    {"initial_seed", initial_seed, METH_NOARGS, "The seed that the sequence started from."},
    {"reserve", reserve_method, METH_O,
     "reserve(blocks): advance by `blocks` blocks of four 32-bit words; returns (key, offset), each as int64."},
    {"get_state", get_state, METH_NOARGS, "The state, as a uint8 tensor."},
    {"clone_state", clone_state, METH_NOARGS, "Another generator, which goes on from the same state."},
    {"set_state", set_state_method, METH_O, "set_state(state): go back to what get_state() returned; returns self."},
    {},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_getset, getset},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Generator(device='cpu'): a source of random numbers.\n\n"
                                  "The same seed gives the same numbers on every device and for any thread count.")},
    {0, nullptr},
};
PyType_Spec spec = {"dovetail.Generator", sizeof(GeneratorObject), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

PyObject* generator_object(Generator* generator) {
  Ref object = checked(generator_type->tp_alloc(generator_type, 0));
  generator->refs.fetch_add(1, std::memory_order_relaxed);
  reinterpret_cast<GeneratorObject*>(object.get())->generator = generator;
  return object.release();
}

void init_generator(PyObject* module) {
  generator_type = add_type(module, &spec);
  Ref object = checked(generator_object(default_generator()));
  check(PyModule_AddObjectRef(module, "default_generator", object.get()));
}

}  // namespace dovetail::py
