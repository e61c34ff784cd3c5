// Large blocks of memory: runs of whole pages, cut to what is asked for and joined again when they are given back.
//
// What a large block costs is the page faults of fresh memory, and a run that waits has none. So that sizes which come
// and go leave little more than what they need, fresh pages that would take the process beyond the most that was ever
// in use replace pages that wait: these lose their memory and keep their addresses. Huge pages do so whole. Where the
// rest of one that is used in part would be too much, a large block is on small pages; where that is too much as well,
// huge pages that wait in part are broken up. Not for several threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace dovetail {

class Pages {
 public:
  explicit Pages(size_t cache_limit) : cache_limit_(cache_limit) {}
  Pages(const Pages&) = delete;

  void* take(size_t bytes);  // throws std::bad_alloc
  void give(void* data, size_t bytes) noexcept;
  // Return to the system all that waits.
  void release() noexcept;

  size_t reserved() const { return in_use_ + waiting_; }
  size_t peak_reserved() const { return peak_reserved_; }
  void reset_peak() { peak_reserved_ = reserved(); }
  size_t system_allocations() const { return system_allocations_; }

 private:
  using Runs = std::map<char*, size_t>;  // bytes by address
  using Size = std::pair<size_t, char*>;

  static constexpr size_t kPage = 4096, kHugePage = 2 << 20;
  // Mapped pages that nobody uses.
  struct Area {
    size_t mapping;  // the least that is mapped at once
    size_t page;     // huge ones, or the system's
    Runs runs;
    std::set<Size> by_size;
    Runs cold;  // parts of them without memory

    bool map(size_t bytes);
    void add(char* data, size_t bytes);
    void remove(Runs::iterator run);
    char* cut(size_t bytes);
    bool is_cold(char* at) const;
    template <typename F>
    void each_cold(char* data, size_t bytes, const F& body);
    size_t cold_in(char* data, size_t bytes);
    size_t warm_up(char* data, size_t bytes);
    size_t cool(size_t bytes, size_t step);
    size_t cool(Size run, size_t bytes, size_t step);
    void unmap() noexcept;
  };

  // What is small is not cut from what is large, and what is large is on huge pages.
  static constexpr size_t kMiddle = 512 << 10, kLarge = 3 << 20;
  Area& area_for(size_t bytes) { return bytes >= kLarge ? large_ : bytes >= kMiddle ? middle_ : small_; }
  char* cut(Area& area, size_t bytes);
  size_t cool(size_t bytes);

  Area small_{size_t{8} << 20, kPage, {}, {}, {}}, middle_{size_t{16} << 20, kPage, {}, {}, {}},
      large_{size_t{64} << 20, kHugePage, {}, {}, {}};
  std::set<const void*> on_small_pages_;  // large blocks
  const size_t cache_limit_;
  size_t in_use_ = 0, waiting_ = 0, most_in_use_ = 0;  // of those with memory
  size_t peak_reserved_ = 0, system_allocations_ = 0;
};

}  // namespace dovetail
