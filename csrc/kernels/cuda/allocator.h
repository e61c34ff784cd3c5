// A caching allocator for device memory. Blocks come in sizes of eight steps to a power of two and are kept when freed,
// for the stream that they were made for: what is queued on one stream runs in order, so a block can be handed out
// again at once. A block that was used on other streams waits for events on these.
//
// The driver is a template argument, so that the logic is tested without a device:
//   bool allocate(size_t, void**);  void release(void*);  void wait_for_all();
//   void* record(void* stream);  bool finished(void* event);  void wait(void* event);   (both end the event once it is)
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dovetail/abi.h"

namespace dovetail::cuda {

constexpr size_t kSmallestBlock = 512;

// The size of the block that serves a request: at most an eighth more, but for the smallest.
inline size_t block_size(size_t bytes) {
  if (bytes <= kSmallestBlock) return kSmallestBlock;
  size_t step = kSmallestBlock / 8;
  while (bytes > step * 16) step *= 2;
  return (bytes + step - 1) / step * step;
}

template <class Driver>
class CachingAllocator {
 public:
  explicit CachingAllocator(Driver driver) : driver_(std::move(driver)) {}

  // Null: out of memory, also after everything cached went back to the system.
  void* allocate(size_t bytes, void* stream) {
    const size_t size = block_size(bytes);
    std::lock_guard lock(mutex_);
    collect_waiting();
    void* data = take(size, stream);
    if (!data) {
      if (!driver_.allocate(size, &data)) {
        release_cached();
        if (!driver_.allocate(size, &data)) return nullptr;
      }
      ++stats_.system_allocations;
      reserve(size);
    }
    live_[data] = {size, stream, {}};
    ++stats_.allocations;
    stats_.allocated += size;
    stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
    return data;
  }

  // The memory is used on `stream` too.
  void use_on(void* data, void* stream) {
    std::lock_guard lock(mutex_);
    const auto found = live_.find(data);
    if (found == live_.end() || stream == found->second.stream) return;
    std::vector<void*>& others = found->second.others;
    if (std::find(others.begin(), others.end(), stream) == others.end()) others.push_back(stream);
  }

  // `stream`: where it was used last.
  void free(void* data, void* stream) {
    std::lock_guard lock(mutex_);
    const auto found = live_.find(data);
    if (found == live_.end()) return;
    Block block = std::move(found->second);
    live_.erase(found);
    stats_.allocated -= block.size;
    std::vector<void*>& others = block.others;
    if (stream != block.stream && std::find(others.begin(), others.end(), stream) == others.end())
      others.push_back(stream);
    if (others.empty()) {
      cache_[{block.stream, block.size}].push_back(data);
      return;
    }
    std::vector<void*> events;
    for (void* other : others) events.push_back(driver_.record(other));
    waiting_.push_back({data, block.size, block.stream, std::move(events)});
  }

  void empty_cache() {
    std::lock_guard lock(mutex_);
    release_cached();
  }

  // A stream that is going away leaves its blocks to the default one; whoever calls has waited for it.
  void forget_stream(void* stream) {
    std::lock_guard lock(mutex_);
    for (auto& [data, block] : live_) {
      if (block.stream == stream) block.stream = nullptr;
      block.others.erase(std::remove(block.others.begin(), block.others.end(), stream), block.others.end());
    }
    for (auto& each : waiting_)
      if (each.stream == stream) each.stream = nullptr;
    for (auto at = cache_.begin(); at != cache_.end();) {
      if (at->first.first != stream) {
        ++at;
        continue;
      }
      auto& kept = cache_[{nullptr, at->first.second}];
      kept.insert(kept.end(), at->second.begin(), at->second.end());
      at = cache_.erase(at);
    }
  }

  dt_memory_stats stats(bool reset_peaks) {
    std::lock_guard lock(mutex_);
    const dt_memory_stats now = stats_;
    if (reset_peaks) {
      stats_.peak_allocated = stats_.allocated;
      stats_.peak_reserved = stats_.reserved;
    }
    return now;
  }

 private:
  struct Block {
    size_t size;
    void* stream;
    std::vector<void*> others;  // streams on which it is used besides
  };
  struct Waiting {
    void* data;
    size_t size;
    void* stream;
    std::vector<void*> events;
  };

  void* take(size_t size, void* stream) {
    const auto found = cache_.find({stream, size});
    if (found == cache_.end() || found->second.empty()) return nullptr;
    void* data = found->second.back();
    found->second.pop_back();
    return data;
  }

  void reserve(size_t size) {
    stats_.reserved += size;
    stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
  }

  void collect_waiting() {
    size_t kept = 0;
    for (Waiting& each : waiting_) {
      while (!each.events.empty() && driver_.finished(each.events.back())) each.events.pop_back();
      if (each.events.empty()) {
        cache_[{each.stream, each.size}].push_back(each.data);
      } else {
        if (&waiting_[kept] != &each) waiting_[kept] = std::move(each);
        ++kept;
      }
    }
    waiting_.resize(kept);
  }

  void release_cached() {
    driver_.wait_for_all();
    for (Waiting& each : waiting_) {
      for (void* event : each.events) driver_.wait(event);
      cache_[{each.stream, each.size}].push_back(each.data);
    }
    waiting_.clear();
    for (auto& [key, blocks] : cache_)
      for (void* data : blocks) {
        driver_.release(data);
        stats_.reserved -= key.second;
      }
    cache_.clear();
  }

  Driver driver_;
  std::mutex mutex_;
  std::unordered_map<void*, Block> live_;
  std::map<std::pair<void*, size_t>, std::vector<void*>> cache_;
  std::vector<Waiting> waiting_;
  dt_memory_stats stats_{sizeof(dt_memory_stats), 0, 0, 0, 0, 0, 0};
};

}  // namespace dovetail::cuda
