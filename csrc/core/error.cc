#include "core/error.h"

namespace dovetail {

void (*drop_error_payload)(void* payload) = nullptr;

dt_error& error_slot() noexcept {
  thread_local dt_error slot;
  return slot;
}

void clear_error() noexcept {
  dt_error& slot = error_slot();
  if (slot.payload && drop_error_payload) drop_error_payload(slot.payload);
  slot.payload = nullptr;
  slot.status = DT_OK;
}

dt_status set_error(dt_status status, const std::string& message) noexcept {
  clear_error();
  dt_error& slot = error_slot();
  slot.status = status;
  try {
    slot.message = message;
  } catch (...) {
    slot.message.clear();
  }
  return status;
}

const char* SlotError::what() const noexcept { return error_slot().message.c_str(); }

}  // namespace dovetail
