#include "core/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <new>

namespace dovetail {

namespace {

constexpr size_t kSlack = 3 << 19;  // always fine to keep,
constexpr size_t kSlackPart = 10;   // and this part of the most that was in use
constexpr size_t kMost = size_t{1} << 62;

size_t rounded(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

// Mapped with room to spare, so that it can begin on a huge page.
char* map_pages(size_t bytes, size_t alignment) {
  char* mapped = static_cast<char*>(
      mmap(nullptr, bytes + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (mapped == MAP_FAILED) return nullptr;
  char* data = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(mapped) + alignment - 1) & ~(alignment - 1));
  if (data > mapped) munmap(mapped, data - mapped);
  munmap(data + bytes, mapped + alignment - data);
  return data;
}

char* down(char* at, size_t page) { return at - reinterpret_cast<uintptr_t>(at) % page; }
char* up(char* at, size_t page) { return down(at + page - 1, page); }

// Adds a run and joins it to its neighbours, of which `gone` is told the sizes and addresses.
template <typename F>
std::map<char*, size_t>::iterator join(std::map<char*, size_t>& runs, char* data, size_t bytes, const F& gone) {
  auto after = runs.lower_bound(data);
  if (after != runs.begin()) {
    if (auto before = std::prev(after); before->first + before->second == data) {
      data = before->first;
      bytes += before->second;
      gone({before->second, before->first});
      runs.erase(before);
    }
  }
  if (after != runs.end() && data + bytes == after->first) {
    bytes += after->second;
    gone({after->second, after->first});
    after = runs.erase(after);
  }
  return runs.emplace_hint(after, data, bytes);
}

}  // namespace

// ---- one area -----------------------------------------------------------------------------------------------

bool Pages::Area::map(size_t bytes) {
  const size_t least = rounded(bytes, kHugePage);
  size_t size = std::max(mapping, least);
  char* data = map_pages(size, kHugePage);
  if (!data && size > least) data = map_pages(size = least, kHugePage);
  if (!data) return false;
#ifdef MADV_HUGEPAGE
  if (page == kHugePage) madvise(data, size, MADV_HUGEPAGE);
#endif
  join(cold, data, size, [](Size) {});
  add(data, size);
  return true;
}

void Pages::Area::add(char* data, size_t bytes) {
  const auto run = join(runs, data, bytes, [this](Size gone) { by_size.erase(gone); });
  by_size.emplace(run->second, run->first);
}

void Pages::Area::remove(Runs::iterator run) {
  by_size.erase({run->second, run->first});
  runs.erase(run);
}

// From the least run that has so many; null if none has.
char* Pages::Area::cut(size_t bytes) {
  const auto run = by_size.lower_bound({bytes, nullptr});
  if (run == by_size.end()) return nullptr;
  const auto [size, data] = *run;
  remove(runs.find(data));
  if (size > bytes) add(data + bytes, size - bytes);
  return data;
}

// Whether the whole page there has no memory.
bool Pages::Area::is_cold(char* at) const {
  char* const first = down(at, page);
  const auto after = cold.upper_bound(first);
  return after != cold.begin() && std::prev(after)->first + std::prev(after)->second >= first + page;
}

// The cold parts of a run and of the rest of its outer pages, where they have no memory yet and get it whole:
// body(part, from, end).
template <typename F>
void Pages::Area::each_cold(char* data, size_t bytes, const F& body) {
  char* const first = is_cold(data) ? down(data, page) : data;
  char* const end = is_cold(data + bytes - 1) ? up(data + bytes, page) : data + bytes;
  auto part = cold.upper_bound(first);
  if (part != cold.begin() && std::prev(part)->first + std::prev(part)->second > first) --part;
  while (part != cold.end() && part->first < end) {
    const auto here = part++;
    body(here, std::max(here->first, first), std::min(here->first + here->second, end));
  }
}

// How many bytes of memory the use of a run would add.
size_t Pages::Area::cold_in(char* data, size_t bytes) {
  size_t found = 0;
  each_cold(data, bytes, [&](Runs::iterator, char* from, char* end) { found += end - from; });
  return found;
}

// It is about to be used.
size_t Pages::Area::warm_up(char* data, size_t bytes) {
  size_t found = 0;
  each_cold(data, bytes, [&](Runs::iterator part, char* from, char* end) {
    found += end - from;
    const auto [start, size] = *part;
    cold.erase(part);
    if (start < from) cold.emplace(start, from - start);
    if (end < start + size) cold.emplace(end, start + size - end);
  });
  return found;
}

// Take the memory of some pages, from the end of the largest runs, of which the least is cut. How many bytes there
// were.
size_t Pages::Area::cool(size_t bytes, size_t step) {
  size_t gone = 0;
  for (auto run = by_size.rbegin(); run != by_size.rend() && gone < bytes; ++run) {
    gone += cool(*run, bytes - gone, step);
  }
  return gone;
}

size_t Pages::Area::cool(Size run, size_t bytes, size_t step) {
  char *const first = up(run.second, step), *end = down(run.second + run.first, step);
  size_t gone = 0;
  while (end > first && gone < bytes) {
    // What lies between the last cold part before the end and the end is warm.
    char* start = first;
    if (auto after = cold.lower_bound(end); after != cold.begin()) {
      const auto& [from, size] = *std::prev(after);
      start = std::max(start, std::min(from + size, end));
      if (start == end) {
        end = from;
        continue;
      }
    }
    char* from = std::max(start, down(end - std::min<size_t>(bytes - gone, end - start), step));
    if (madvise(from, end - from, MADV_DONTNEED) != 0) return gone;
    join(cold, from, end - from, [](Size) {});
    gone += end - from;
    end = from;
  }
  return gone;
}

void Pages::Area::unmap() noexcept {
  for (const auto& [data, size] : runs) munmap(data, size);
  runs.clear();
  by_size.clear();
  cold.clear();
}

// ---- both ---------------------------------------------------------------------------------------------------

size_t Pages::cool(size_t bytes) {
  size_t gone = large_.cool(bytes, kHugePage);
  if (gone < bytes) gone += middle_.cool(bytes - gone, kPage);
  if (gone < bytes) gone += small_.cool(bytes - gone, kPage);
  waiting_ -= gone;
  return gone;
}

void Pages::release() noexcept {
  small_.unmap();
  middle_.unmap();
  large_.unmap();
  waiting_ = 0;
  most_in_use_ = in_use_;
}

char* Pages::cut(Area& area, size_t bytes) {
  char* data = area.cut(bytes);
  if (data) return data;
  if (!area.map(bytes)) {
    release();
    if (!area.map(bytes)) throw std::bad_alloc();
  }
  return area.cut(bytes);
}

void* Pages::take(size_t bytes) {
  if (bytes > kMost) throw std::bad_alloc();
  const size_t wanted = rounded(bytes, kPage);
  Area* area = &area_for(wanted);
  char* data = cut(*area, wanted);
  size_t fresh = area->cold_in(data, wanted);
  const size_t most = std::max(most_in_use_, in_use_ + wanted), limit = most + std::max(kSlack, most / kSlackPart);
  const auto excess = [&] { return fresh && reserved() + fresh > limit ? reserved() + fresh - limit : 0; };
  const auto move_to_small_pages = [&](char* there) {
    area->add(data, wanted);
    area = &middle_;
    data = there;
    on_small_pages_.insert(data);
    fresh = area->cold_in(data, wanted);
  };
  if (excess() && area == &large_) {
    // What was there before may wait there: else its pages would go, and come anew.
    if (char* there = middle_.cut(wanted)) {
      middle_.cold_in(there, wanted) == 0 ? move_to_small_pages(there) : middle_.add(there, wanted);
    }
  }
  if (excess()) cool(excess());
  if (excess() && area == &large_) {
    move_to_small_pages(cut(middle_, wanted));
    if (excess()) cool(excess());
  }
  if (excess()) waiting_ -= large_.cool(excess(), kPage);
  waiting_ = waiting_ + area->warm_up(data, wanted) - wanted;
  in_use_ += wanted;
  most_in_use_ = most;
  if (fresh) {
    ++system_allocations_;
    peak_reserved_ = std::max(peak_reserved_, reserved());
  }
  return data;
}

void Pages::give(void* data, size_t bytes) noexcept {
  const size_t size = rounded(bytes, kPage);
  in_use_ -= size;
  try {
    (on_small_pages_.erase(data) ? middle_ : area_for(size)).add(static_cast<char*>(data), size);
    waiting_ += size;
    if (waiting_ > cache_limit_) cool(waiting_ - cache_limit_);
  } catch (const std::bad_alloc&) {  // no memory for the record of them: the pages are lost, the process is not
  }
}

}  // namespace dovetail
