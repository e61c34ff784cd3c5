#include "core/pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <iterator>
#include <new>

namespace dovetail {

namespace {

constexpr size_t kSlack = 2 << 20;  // always fine to keep
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
  cold.emplace(data, size);
  add(data, size);
  return true;
}

// Joins the run to its neighbours.
void Pages::Area::add(char* data, size_t bytes) {
  auto after = runs.lower_bound(data);
  if (after != runs.begin()) {
    if (auto before = std::prev(after); before->first + before->second == data) {
      data = before->first;
      bytes += before->second;
      remove(before);
    }
  }
  if (after != runs.end() && data + bytes == after->first) {
    bytes += after->second;
    remove(after);
  }
  runs.emplace(data, bytes);
  by_size.emplace(bytes, data);
}

void Pages::Area::remove(Runs::iterator run) {
  by_size.erase({run->second, run->first});
  runs.erase(run);
}

char* Pages::Area::cut(std::set<Size>::iterator run, size_t bytes) {
  const auto [size, data] = *run;
  remove(runs.find(data));
  if (size > bytes) add(data + bytes, size - bytes);
  return data;
}

// The first pages of a run are about to be used, and with them the rest of the last one. How many bytes of them had no
// memory.
size_t Pages::Area::warm_up(char* data, size_t bytes) {
  char* const end = up(data + bytes);
  size_t found = 0;
  for (auto part = cold.lower_bound(data); part != cold.end() && part->first < end;) {
    const auto [from, size] = *part;
    const size_t inside = std::min<size_t>(size, end - from);
    part = cold.erase(part);
    if (inside < size) cold.emplace(from + inside, size - inside);
    found += inside;
  }
  return found;
}

// Take the memory of some pages, from the end of the largest runs, of which the least is cut. How many bytes there
// were.
size_t Pages::Area::cool(size_t bytes) {
  size_t gone = 0;
  for (auto run = by_size.rbegin(); run != by_size.rend() && gone < bytes; ++run) gone += cool(*run, bytes - gone);
  return gone;
}

size_t Pages::Area::cool(Size run, size_t bytes) {
  char *const first = up(run.second), *end = down(run.second + run.first);
  size_t gone = 0;
  while (end > first && gone < bytes) {
    // What lies between the last cold part before the end and the end is warm.
    char* start = first;
    if (auto after = cold.lower_bound(end); after != cold.begin()) {
      const auto& [from, size] = *std::prev(after);
      start = std::max(start, from + size);
      if (start == end) {
        end = from;
        continue;
      }
    }
    char* from = down(end - std::min<size_t>(bytes - gone, end - start));
    if (madvise(from, end - from, MADV_DONTNEED) != 0) return gone;
    cold.emplace(from, end - from);
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

void Pages::cool(size_t bytes) {
  size_t gone = 0;
  for (Area* area = std::end(areas_); area != areas_ && gone < bytes;) gone += (--area)->cool(bytes - gone);
  waiting_ -= gone;
}

void Pages::release() noexcept {
  for (Area& area : areas_) area.unmap();
  waiting_ = 0;
  most_in_use_ = in_use_;
}

void* Pages::take(size_t bytes) {
  if (bytes > kMost) throw std::bad_alloc();
  const size_t wanted = rounded(bytes, kPage);
  Area& area = area_for(wanted);
  auto run = area.by_size.lower_bound({wanted, nullptr});
  if (run == area.by_size.end()) {
    if (!area.map(wanted)) {
      release();
      if (!area.map(wanted)) throw std::bad_alloc();
    }
    run = area.by_size.lower_bound({wanted, nullptr});
  }
  char* data = area.cut(run, wanted);
  const size_t fresh = area.warm_up(data, wanted);
  waiting_ = waiting_ + fresh - wanted;
  in_use_ += wanted;
  most_in_use_ = std::max(most_in_use_, in_use_);
  if (fresh) {
    ++system_allocations_;
    const size_t limit = most_in_use_ + std::max<size_t>(kSlack, most_in_use_ / 8);
    if (reserved() > limit) cool(reserved() - limit);
    peak_reserved_ = std::max(peak_reserved_, reserved());
  }
  return data;
}

void Pages::give(void* data, size_t bytes) noexcept {
  const size_t size = rounded(bytes, kPage);
  in_use_ -= size;
  try {
    area_for(size).add(static_cast<char*>(data), size);
    waiting_ += size;
    if (waiting_ > cache_limit_) cool(waiting_ - cache_limit_);
  } catch (const std::bad_alloc&) {  // no memory for the record of them: the pages are lost, the process is not
  }
}

}  // namespace dovetail
