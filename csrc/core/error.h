// Errors inside core are C++ exceptions; at the ABI boundary they become a dt_status and the thread's error slot.
#pragma once

#include <exception>
#include <sstream>
#include <string>

#include "dovetail/abi.h"

// An error out of its slot. `payload` carries a Python exception whole (owned; see bindings/errors.cc).
struct dt_error {
  dt_status status = DT_OK;
  std::string message;
  void* payload = nullptr;
};

namespace dovetail {

class Error : public std::exception {
 public:
  Error(dt_status status, std::string message) : status_(status), message_(std::move(message)) {}
  const char* what() const noexcept override { return message_.c_str(); }
  dt_status status() const { return status_; }

 private:
  dt_status status_;
  std::string message_;
};

// Thrown when the error already waits in the thread's slot (a kernel, a layer or Python put it there).
class SlotError : public std::exception {
 public:
  explicit SlotError(dt_status status) : status_(status) {}
  const char* what() const noexcept override;
  dt_status status() const { return status_; }

 private:
  dt_status status_;
};

namespace detail {
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}
}  // namespace detail

template <class... Parts>
[[noreturn]] void fail(dt_status status, const Parts&... parts) {
  throw Error(status, detail::concat(parts...));
}
template <class... Parts>
[[noreturn]] void value_error(const Parts&... parts) {
  fail(DT_ERR_VALUE, parts...);
}
template <class... Parts>
[[noreturn]] void type_error(const Parts&... parts) {
  fail(DT_ERR_TYPE, parts...);
}
template <class... Parts>
[[noreturn]] void index_error(const Parts&... parts) {
  fail(DT_ERR_INDEX, parts...);
}
template <class... Parts>
[[noreturn]] void runtime_error(const Parts&... parts) {
  fail(DT_ERR_RUNTIME, parts...);
}

// Throw what a status says went wrong.
inline void check_status(dt_status status) {
  if (__builtin_expect(status != DT_OK, 0)) throw SlotError(status);
}

// The thread's error slot.
dt_status set_error(dt_status status, const std::string& message) noexcept;
dt_error& error_slot() noexcept;
void clear_error() noexcept;
// Bindings say how to drop a Python exception that nobody took.
extern void (*drop_error_payload)(void* payload);

// Run `body`; turn whatever it throws into a status.
template <class Body>
dt_status guarded(Body&& body) noexcept {
  try {
    body();
    return DT_OK;
  } catch (const Error& error) {
    return set_error(error.status(), error.what());
  } catch (const SlotError& error) {
    return error.status();
  } catch (const std::bad_alloc&) {
    return set_error(DT_ERR_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return set_error(DT_ERR_RUNTIME, error.what());
  }
}

}  // namespace dovetail
