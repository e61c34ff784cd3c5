// dt_error <-> Python exceptions.
#pragma once

#include <functional>
#include <string>

#include "bindings/py.h"

namespace dovetail::py {

// Move the current Python exception into the thread's error slot; always DT_ERR_PYTHON.
dt_status error_from_python() noexcept;
// Set the Python exception for what waits in the thread's slot, and empty the slot.
void python_from_slot(dt_status status) noexcept;
// Run a body that throws Error, SlotError or PythonError; all become a status and the slot.
template <class Body>
dt_status guarded_python(Body&& body) noexcept {
  dt_status status = DT_OK;
  try {
    status = guarded([&] {
      try {
        body();
      } catch (const PythonError&) {
        throw SlotError(error_from_python());
      }
    });
  } catch (...) {
    status = DT_ERR_RUNTIME;
  }
  return status;
}
// Change the message of the current Python exception, if it is of one of Python's own kinds; one that Python code
// raised only where that is asked for.
void reword(const std::function<std::string(const std::string&)>& words, bool of_python_code) noexcept;
void init_errors();

}  // namespace dovetail::py
