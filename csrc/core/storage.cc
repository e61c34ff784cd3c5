// Storage: owned or borrowed blocks of memory, and what reaches the backends' allocators.
#include <new>

#include "core/allocator.h"
#include "core/backend.h"
#include "core/freelist.h"
#include "core/tensor.h"

namespace dovetail {

namespace {
FreeList<Storage>& free_storages() { return thread_free_list<Storage>(); }
}  // namespace

Storage* new_storage(Device device, size_t bytes) {
  Storage* storage = free_storages().take();
  storage->device = device;
  storage->bytes = bytes;
  if (bytes == 0) return storage;
  try {
    if (device.kind == 0) {
      storage->data = cpu_alloc(bytes);
    } else {
      const dt_backend& table = backend(device.kind);
      void* stream = table.current_stream ? table.current_stream(table.self, device.index) : nullptr;
      check_status(table.alloc(table.self, device.index, bytes, stream, &storage->data));
    }
  } catch (const std::bad_alloc&) {
    free_storages().give(storage);
    fail(DT_ERR_MEMORY, "out of memory for ", bytes, " bytes");
  } catch (...) {
    free_storages().give(storage);
    throw;
  }
  return storage;
}

void release(Storage* storage) noexcept {
  if (!storage || !drop_reference(storage->refs)) return;
  if (storage->release) {
    storage->release(storage);
  } else if (storage->data) {
    if (storage->device.kind == 0) {
      cpu_free(storage->data, storage->bytes);
    } else {
      const dt_backend& table = backend(storage->device.kind);
      void* stream = table.current_stream ? table.current_stream(table.self, storage->device.index) : nullptr;
      table.free(table.self, storage->device.index, storage->data, storage->bytes, stream);
    }
  }
  free_storages().give(storage);
}

}  // namespace dovetail
