// Where in the user's program a tensor's memory was written, for an error that comes later.
//
// Whoever will want to know sets kWatched; the next write is then noted here. Of a write only its place in the byte
// code is kept, which becomes a line if it is asked for.
#include "bindings/lines.h"

#include "bindings/py.h"
#include "core/tensor.h"

namespace dovetail::py {

namespace {

struct Place {
  PyCodeObject* code = nullptr;  // owned
  int instruction = 0;
};

struct Write {
  const void* memory = nullptr;
  int64_t version = 0;  // that the memory had before
  Place place;
};

// The newest writes that were of interest. Read and written under Python's lock; never freed, as the interpreter may
// end first.
class Writes {
 public:
  void add(const void* memory, int64_t version, Place place) {
    Write& oldest = writes_[next_];
    next_ = (next_ + 1) % kMost;
    PyCodeObject* const before = oldest.place.code;
    oldest = {memory, version, place};
    Py_XDECREF(before);
  }
  Place last() const { return writes_[(next_ + kMost - 1) % kMost].place; }
  // Newest first: memory is used again.
  Place find(const void* memory, int64_t version) const {
    for (int i = 1; i <= kMost; ++i) {
      const Write& write = writes_[(next_ + kMost - i) % kMost];
      if (write.memory == memory && write.version == version) return write.place;
    }
    return {};
  }

 private:
  static constexpr int kMost = 4096;
  Write writes_[kMost];
  int next_ = 0;
};
Writes* writes = nullptr;
// The folders of the library's own files, each with a separator at its end.
PyObject* own_folders() {
  static PyObject* folders = nullptr;
  if (folders) return folders;
  Ref library = Ref::steal(PyImport_ImportModule("dovetail"));
  Ref path = library ? Ref::steal(PyObject_GetAttrString(library.get(), "__path__")) : Ref();
  Ref list = path ? Ref::steal(PySequence_List(path.get())) : Ref();
  if (!list) {
    PyErr_Clear();
    return nullptr;
  }
  PyObject* made = PyTuple_New(PyList_GET_SIZE(list.get()));
  for (Py_ssize_t i = 0; made && i < PyTuple_GET_SIZE(made); ++i)
    PyTuple_SET_ITEM(made, i, PyUnicode_FromFormat("%S/", PyList_GET_ITEM(list.get(), i)));
  return folders = made;
}

bool is_ours(PyCodeObject* code) {
  PyObject* const folders = own_folders();
  if (!folders) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(folders); ++i)
    if (PyUnicode_Tailmatch(code->co_filename, PyTuple_GET_ITEM(folders, i), 0, PY_SSIZE_T_MAX, -1) == 1) return true;
  return false;
}

// Where the innermost function that is not the library's is now.
Place place_now() {
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    if (!is_ours(code)) {
      const Place place{code, PyFrame_GetLasti(frame)};
      Py_DECREF(frame);
      return place;
    }
    Py_DECREF(code);
    PyFrameObject* outer = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = outer;
  }
  return {};
}

void note_write(const void* memory, int64_t version, int32_t again) {
  Gil gil;
  if (!gil.held()) return;
  Place place = again ? writes->last() : place_now();
  if (again) Py_XINCREF(place.code);
  writes->add(memory, version, place);
}

}  // namespace

PyObject* where_written(const TensorImpl& t, int64_t version) {
  const Place place = writes->find(t.storage, version);
  if (!place.code) Py_RETURN_NONE;
  const int line = PyCode_Addr2Line(place.code, place.instruction);
  return Py_BuildValue("(OOi)", place.code->co_filename, place.code->co_name, line);
}

void init_lines() {
  writes = new Writes();
  set_write_observer(note_write);
}

}  // namespace dovetail::py
