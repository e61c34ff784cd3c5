// Where the user's program is, noted so cheaply that it can be done for every op that keeps a tensor.
//
// A place is a function's code and an instruction in it, which becomes a line only if somebody asks. Codes have numbers
// and are kept alive by the table of these, so that a place is a plain number that nobody has to free.
#include "bindings/places.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "bindings/py.h"

#if PY_VERSION_HEX < 0x030C0000
// The frames themselves: what the public API gives are objects, made anew for every call.
#define Py_BUILD_CORE
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#endif

namespace dovetail::py {

namespace {

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

// Codes that were met, each in the slot that its address says. Plain data, so that reaching it costs nothing.
struct Recent {
  PyCodeObject* code;
  uint32_t number;
};
constexpr size_t kRecent = 256;
Recent recent[kRecent];
Recent& recent_of(const PyCodeObject* code) { return recent[reinterpret_cast<uintptr_t>(code) / 64 % kRecent]; }

// The codes of the functions that were met, by number. Used under Python's lock; never freed, as the interpreter may
// end first.
class Codes {
 public:
  PyCodeObject* code_of(uint32_t number) const {
    const auto found = codes_.find(number);
    return found == codes_.end() ? nullptr : found->second;
  }

  // 0 for the library's own.
  uint32_t number_of(PyCodeObject* code) {
    auto found = numbers_.find(code);
    if (found == numbers_.end()) {
      const uint32_t number = is_ours(code) ? 0 : ++last_;
      found = numbers_.emplace(code, number).first;
      if (number) codes_.emplace(number, code);
      Py_INCREF(code);
      if (numbers_.size() > most_) forget_dead();
    }
    recent_of(code) = {code, found->second};
    return found->second;
  }

  // Programs may make functions without end, and nobody tells when the last place in one is gone. So of the codes that
  // nobody else holds the oldest are let go of.
  void forget_dead() {
    std::vector<uint32_t> dead;
    for (const auto& [number, code] : codes_)
      if (Py_REFCNT(code) == 1) dead.push_back(number);
    std::sort(dead.begin(), dead.end());
    dead.resize(dead.size() > kMostDead ? dead.size() - kMostDead : 0);
    std::vector<PyCodeObject*> dropped;  // destroyed when the table is whole again: that may run Python
    for (uint32_t number : dead) {
      const auto at = codes_.find(number);
      dropped.push_back(at->second);
      numbers_.erase(at->second);
      codes_.erase(at);
    }
    std::fill(std::begin(recent), std::end(recent), Recent());
    most_ = std::max<size_t>(2 * numbers_.size(), 2 * kMostDead);
    for (PyCodeObject* code : dropped) Py_DECREF(code);
  }

  static constexpr size_t kMostDead = 1024;
  std::unordered_map<PyCodeObject*, uint32_t> numbers_;
  std::unordered_map<uint32_t, PyCodeObject*> codes_;  // with a reference of its own; without the library's
  uint32_t last_ = 0;
  size_t most_ = 2 * kMostDead;
};

Codes& codes() {
  static auto* const made = new Codes();
  return *made;
}

uint32_t number_of(PyCodeObject* code) {
  const Recent& met = recent_of(code);
  return __builtin_expect(met.code == code, 1) ? met.number : codes().number_of(code);
}

uint64_t as_place(uint32_t code, int instruction) {
  return uint64_t{code} << 32 | static_cast<uint32_t>(instruction + 1);  // -1 where the function has only begun
}

#if PY_VERSION_HEX < 0x030C0000

uint64_t place_in(PyThreadState* thread) {
  for (_PyInterpreterFrame* frame = thread->cframe->current_frame; frame; frame = frame->previous) {
    if (const uint32_t code = number_of(frame->f_code))
      return as_place(code, _PyInterpreterFrame_LASTI(frame) * static_cast<int>(sizeof(_Py_CODEUNIT)));
  }
  return 0;
}
PyThreadState* holder() { return _PyThreadState_UncheckedGet(); }

#else

uint64_t place_in(PyThreadState* thread) {
  uint64_t place = 0;
  PyFrameObject* frame = PyThreadState_GetFrame(thread);
  while (frame && !place) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    if (const uint32_t number = number_of(code)) place = as_place(number, PyFrame_GetLasti(frame));
    Py_DECREF(code);
    PyFrameObject* outer = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = outer;
  }
  Py_XDECREF(frame);
  return place;
}
#if PY_VERSION_HEX < 0x030D0000
PyThreadState* holder() { return _PyThreadState_UncheckedGet(); }
#else
PyThreadState* holder() { return PyThreadState_GetUnchecked(); }
#endif

#endif

}  // namespace

uint64_t place_now() noexcept {
  // Whether this thread has Python's lock is told by two words; the rest is for the first time, and for the others.
  static thread_local struct {
    PyThreadState* state;
    unsigned long id;  // a state's address may be another thread's, later
  } mine __attribute__((tls_model("initial-exec"))) = {};
  PyThreadState* const has_lock = holder();
  const bool known = has_lock && has_lock == mine.state && has_lock->thread_id == mine.id;
  try {
    if (__builtin_expect(known, 1)) return place_in(has_lock);
    PyThreadState* const thread = PyGILState_GetThisThreadState();
    if (!thread) return 0;  // no Python function runs on this thread
    if (thread == has_lock) {
      mine = {thread, PyThread_get_thread_ident()};
      return place_in(thread);
    }
    const Gil gil;
    return gil.held() ? place_in(thread) : 0;
  } catch (const std::exception&) {
    return 0;  // no memory for the table
  }
}

PyObject* describe_place(uint64_t place) {
  PyCodeObject* const code = codes().code_of(static_cast<uint32_t>(place >> 32));
  if (!code) Py_RETURN_NONE;
  const int line = PyCode_Addr2Line(code, static_cast<int>(static_cast<uint32_t>(place)) - 1);
  return Py_BuildValue("(OOi)", code->co_filename, code->co_name, line);
}

}  // namespace dovetail::py
