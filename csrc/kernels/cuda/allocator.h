// A caching allocator for device memory. Blocks come in sizes of eight steps to a power of two and are kept when freed,
// for the stream that they were made for: what is queued on one stream runs in order, so a block can be handed out
// again at once. A block that was used on other streams waits for events on these.
//
// What is allocated for a stream that is being captured is of the capture's pool: the graph has its address, so it goes
// back to that pool alone, for the capture to use again, until the last graph of the pool is gone. While a capture is
// under way nothing may wait for the device, so blocks that have to do so wait for its end.
//
// The driver is a template argument, so that the logic is tested without a device:
//   bool allocate(size_t, void**);  void release(void*);  void wait_for_all();
//   void* record(void* stream);  bool finished(void* event);  void wait(void* event);   (both end the event once it is)
//   bool is_capturing(void* stream);
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
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
    const Place place{is_captured(stream) ? capturing_ : 0, stream};
    void* data = take(size, place);
    if (!data) {
      if (!driver_.allocate(size, &data)) {
        release_cached();
        if (!driver_.allocate(size, &data)) return nullptr;
      }
      ++stats_.system_allocations;
      reserve(size);
    }
    live_[data] = {size, place, {}};
    ++stats_.allocations;
    stats_.allocated += size;
    stats_.peak_allocated = std::max(stats_.peak_allocated, stats_.allocated);
    return data;
  }

  // The memory is used on `stream` too.
  void use_on(void* data, void* stream) {
    std::lock_guard lock(mutex_);
    const auto found = live_.find(data);
    if (found == live_.end() || stream == found->second.place.stream) return;
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
    // The graph may read it, and finds there what is there now.
    if (block.place.pool == 0 && is_captured(stream)) {
      held_.push_back({data, block.size, {capturing_, block.place.stream}});
      return;
    }
    std::vector<void*>& others = block.others;
    if (stream != block.place.stream && std::find(others.begin(), others.end(), stream) == others.end())
      others.push_back(stream);
    if (others.empty()) {
      cache_[{block.place, block.size}].push_back(data);
      return;
    }
    waiting_.push_back({data, block.size, block.place, std::move(others), {}});
    if (capturing_ == 0) record_events(waiting_.back());
  }

  // A block that somebody kept to himself goes back to where it came from; he has waited for it.
  void give_back(void* data) {
    std::lock_guard lock(mutex_);
    const auto found = live_.find(data);
    if (found == live_.end()) return;
    stats_.allocated -= found->second.size;
    cache_[{found->second.place, found->second.size}].push_back(data);
    live_.erase(found);
  }

  // ---- pools of graphs ----

  // A capture is under way from now on, of one graph more that uses the pool.
  void begin_capture(uint64_t pool) {
    std::lock_guard lock(mutex_);
    capturing_ = pool;
    ++graphs_[pool];
  }

  void end_capture() {
    std::lock_guard lock(mutex_);
    capturing_ = 0;
    for (Waiting& each : waiting_)
      if (each.events.empty()) record_events(each);
    for (uint64_t pool : std::exchange(ended_, {})) dissolve(pool);
  }

  // A graph that uses the pool is gone. After the last one all of the pool's blocks are like any others.
  void release_pool(uint64_t pool) {
    std::lock_guard lock(mutex_);
    const auto found = graphs_.find(pool);
    if (found == graphs_.end() || --found->second > 0) return;
    graphs_.erase(found);
    if (capturing_ != 0)
      ended_.push_back(pool);
    else
      dissolve(pool);
  }

  void empty_cache() {
    std::lock_guard lock(mutex_);
    release_cached();
  }

  // A stream that is going away leaves its blocks to the default one; whoever calls has waited for it.
  void forget_stream(void* stream) {
    std::lock_guard lock(mutex_);
    for (auto& [data, block] : live_) {
      if (block.place.stream == stream) block.place.stream = nullptr;
      block.others.erase(std::remove(block.others.begin(), block.others.end(), stream), block.others.end());
    }
    for (auto& each : waiting_) {
      if (each.place.stream == stream) each.place.stream = nullptr;
      each.others.erase(std::remove(each.others.begin(), each.others.end(), stream), each.others.end());
    }
    for (auto& each : held_)
      if (each.place.stream == stream) each.place.stream = nullptr;
    rename([stream](Place place) { return Place{place.pool, place.stream == stream ? nullptr : place.stream}; });
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
  struct Place {
    uint64_t pool;  // 0: of no graph
    void* stream;
    bool operator<(const Place& other) const { return std::tie(pool, stream) < std::tie(other.pool, other.stream); }
  };
  struct Block {
    size_t size;
    Place place;
    std::vector<void*> others;  // streams on which it is used besides
  };
  struct Waiting {
    void* data;
    size_t size;
    Place place;
    std::vector<void*> others;  // streams that have no event yet
    std::vector<void*> events;
  };
  struct Held {  // by a pool, for good
    void* data;
    size_t size;
    Place place;
  };

  bool is_captured(void* stream) { return capturing_ != 0 && driver_.is_capturing(stream); }

  void* take(size_t size, Place place) {
    const auto found = cache_.find({place, size});
    if (found == cache_.end() || found->second.empty()) return nullptr;
    void* data = found->second.back();
    found->second.pop_back();
    return data;
  }

  void reserve(size_t size) {
    stats_.reserved += size;
    stats_.peak_reserved = std::max(stats_.peak_reserved, stats_.reserved);
  }

  void record_events(Waiting& block) {
    for (void* other : std::exchange(block.others, {})) block.events.push_back(driver_.record(other));
  }

  void collect_waiting() {
    if (capturing_ != 0) return;
    size_t kept = 0;
    for (Waiting& each : waiting_) {
      while (!each.events.empty() && driver_.finished(each.events.back())) each.events.pop_back();
      if (each.events.empty()) {
        cache_[{each.place, each.size}].push_back(each.data);
      } else {
        if (&waiting_[kept] != &each) waiting_[kept] = std::move(each);
        ++kept;
      }
    }
    waiting_.resize(kept);
  }

  void release_cached() {
    if (capturing_ != 0) return;
    driver_.wait_for_all();
    for (Waiting& each : waiting_) {
      for (void* event : each.events) driver_.wait(event);
      cache_[{each.place, each.size}].push_back(each.data);
    }
    waiting_.clear();
    for (auto at = cache_.begin(); at != cache_.end();) {
      const auto& [place, size] = at->first;
      if (place.pool != 0) {
        ++at;
        continue;
      }
      for (void* data : at->second) driver_.release(data);
      stats_.reserved -= size * at->second.size();
      at = cache_.erase(at);
    }
  }

  // Every cached block under the place that it has by `renamed`.
  template <class Renamed>
  void rename(const Renamed& renamed) {
    Cache before;
    cache_.swap(before);
    for (auto& [key, blocks] : before) {
      auto& kept = cache_[{renamed(key.first), key.second}];
      kept.insert(kept.end(), blocks.begin(), blocks.end());
    }
  }

  void dissolve(uint64_t pool) {
    driver_.wait_for_all();  // a launch may be running still
    const auto freed = [pool](Place place) { return Place{place.pool == pool ? 0 : place.pool, place.stream}; };
    for (auto& [data, block] : live_) block.place = freed(block.place);
    for (Waiting& each : waiting_) each.place = freed(each.place);
    rename(freed);
    const auto gone =
        std::partition(held_.begin(), held_.end(), [pool](const Held& h) { return h.place.pool != pool; });
    for (auto at = gone; at != held_.end(); ++at) cache_[{freed(at->place), at->size}].push_back(at->data);
    held_.erase(gone, held_.end());
  }

  Driver driver_;
  std::mutex mutex_;
  std::unordered_map<void*, Block> live_;
  using Cache = std::map<std::pair<Place, size_t>, std::vector<void*>>;
  Cache cache_;
  std::vector<Waiting> waiting_;
  std::vector<Held> held_;
  std::unordered_map<uint64_t, int> graphs_;  // of each pool
  std::vector<uint64_t> ended_;               // pools whose last graph went while a capture is under way
  uint64_t capturing_ = 0;                    // the pool of the capture that is under way
  dt_memory_stats stats_{sizeof(dt_memory_stats), 0, 0, 0, 0, 0, 0};
};

}  // namespace dovetail::cuda
