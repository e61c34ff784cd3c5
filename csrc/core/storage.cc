// Storage: owned or borrowed blocks of memory, and what reaches the backends' allocators.
#include <new>

#include "core/allocator.h"
#include "core/backend.h"
#include "core/freelist.h"
#include "core/tensor.h"

namespace dovetail {

namespace {
FreeList<Storage>& free_storages() { return thread_free_list<Storage>(); }

// Storages of the CPU's smallest blocks that wait with their block, as new: an op on a few numbers takes both at once.
class KeptStorages {
 public:
  ~KeptStorages() {
    closed_ = true;
    while (count_) {
      Storage* storage = items_[--count_];
      cpu_note_reuse(storage->bytes);
      cpu_free(storage->data, storage->bytes);
      free_storages().give(storage);
    }
  }
  Storage* take(size_t bytes) {
    if (count_ == 0) return nullptr;
    Storage* storage = items_[--count_];
    storage->bytes = bytes;
    cpu_note_reuse(bytes);
    return storage;
  }
  bool give(Storage* storage) noexcept {
    if (closed_ || count_ == kMost) return false;
    cpu_note_keeping(storage->bytes);
    storage->refs.store(1, std::memory_order_relaxed);
    storage->version.store(0, std::memory_order_relaxed);
    storage->exports.store(0, std::memory_order_relaxed);
    storage->read_only = false;
    storage->watched.store(false, std::memory_order_relaxed);
    storage->context = nullptr;
    items_[count_++] = storage;
    return true;
  }

 private:
  static constexpr int kMost = 64;
  Storage* items_[kMost];
  int count_ = 0;
  bool closed_ = false;  // the thread is ending
};
KeptStorages& kept_storages() {
  static thread_local KeptStorages kept;
  return kept;
}

}  // namespace

Storage* new_storage(Device device, size_t bytes) {
  if (device.kind == 0 && bytes - 1 < kKeptBytes)
    if (Storage* kept = kept_storages().take(bytes)) return kept;
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
      if (storage->bytes - 1 < kKeptBytes && kept_storages().give(storage)) return;
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
