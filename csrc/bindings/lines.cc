// Where in the user's program a tensor's memory was written, for an error that comes later.
//
// Whoever will want to know sets kWatched; the place of the next write is then noted here.
#include "bindings/lines.h"

#include <algorithm>
#include <cstdlib>

#include "bindings/places.h"
#include "bindings/py.h"
#include "core/tensor.h"

namespace dovetail::py {

namespace {

struct Write {
  const void* memory;
  int64_t version;  // that the memory had before
  uint64_t place;
};

// The newest writes that were of interest. Read and written under Python's lock; never freed, as the interpreter may
// end first.
class Writes {
 public:
  void add(const Write& write) {
    if (!writes_) {
      writes_ = static_cast<Write*>(std::malloc(kMost * sizeof(Write)));
      if (!writes_) return;
      std::fill_n(writes_, kMost, Write{nullptr, -1, 0});  // takes the memory now: it does not seem to leak later
    }
    writes_[next_] = write;
    next_ = (next_ + 1) % kMost;
  }
  uint64_t last() const { return writes_ ? writes_[(next_ + kMost - 1) % kMost].place : 0; }
  // Newest first: memory is used again.
  uint64_t find(const void* memory, int64_t version) const {
    for (int i = 1; writes_ && i <= kMost; ++i) {
      const Write& write = writes_[(next_ + kMost - i) % kMost];
      if (write.memory == memory && write.version == version) return write.place;
    }
    return 0;
  }

 private:
  static constexpr int kMost = 1 << 14;
  Write* writes_ = nullptr;
  int next_ = 0;
};
Writes writes;

void note_write(const void* memory, int64_t version, int32_t again) {
  const Gil gil;
  if (gil.held()) writes.add({memory, version, again ? writes.last() : place_now()});
}

}  // namespace

PyObject* where_written(const TensorImpl& t, int64_t version) {
  return describe_place(writes.find(t.storage, version));
}

void init_lines() { set_write_observer(note_write); }

}  // namespace dovetail::py
