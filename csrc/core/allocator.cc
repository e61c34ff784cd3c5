// The caching CPU allocator.
//
// Small blocks (up to 32 KB) belong to size classes. Each thread keeps a list of free blocks per class, so that taking
// and giving one costs a few instructions; the lists are refilled from and drained to a central list in batches, and
// the central list carves new blocks out of slabs. A block may be freed by any thread: it joins that thread's list.
//
// Large blocks live in one shared cache, ordered by size. What a large tensor costs is the page faults of fresh
// memory, and a cached block has none. A block is never split, so sizes that come and go would leave ever more that
// wait: a fresh block that takes the process far beyond the most that was ever in use sends the oldest of them back.
//
// Built with DOVETAIL_EXACT_MEMORY (for AddressSanitizer), every block comes from the heap with exactly the bytes asked
// for, and goes back when freed: an access a byte outside a tensor, or after its end, is seen.
#include "core/allocator.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <unordered_map>

namespace dovetail {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kLinearLimit = 1024;  // up to here the classes are multiples of 64
constexpr int kLinearClasses = kLinearLimit / kAlignment;
constexpr size_t kSmallLimit = 32 * 1024;  // above 1 KB there are four classes to a doubling
constexpr int kClasses = kLinearClasses + 4 * 5;
constexpr size_t kSlabBytes = 1 << 20;
constexpr size_t kThreadBytes = 128 * 1024;  // what a thread keeps of one class before it gives half back
constexpr size_t kHugePage = 2 << 20;
#ifdef DOVETAIL_EXACT_MEMORY
constexpr bool kExact = true;
#else
constexpr bool kExact = false;
#endif

int class_of(size_t bytes) {
  if (bytes <= kLinearLimit) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / kAlignment);
  const int log = 63 - __builtin_clzll(bytes - 1);  // 2^log <= bytes - 1 < 2^(log + 1)
  const int quarter = static_cast<int>((bytes - 1) >> (log - 2)) & 3;
  return kLinearClasses + (log - 10) * 4 + quarter;
}

size_t class_bytes(int index) {
  if (index < kLinearClasses) return (index + 1) * kAlignment;
  const int step = index - kLinearClasses;
  return (size_t{1} << (10 + step / 4)) / 4 * (5 + step % 4);
}

int thread_limit(int index) { return static_cast<int>(std::max<size_t>(8, kThreadBytes / class_bytes(index))); }

// ---- statistics ---------------------------------------------------------------------------------------------

std::atomic<int64_t> allocated_bytes{0}, peak_allocated{0};
std::atomic<uint64_t> retired_allocations{0};  // counted by threads that are gone, or have no cache
// Under the mutex of the central state:
uint64_t reserved_bytes = 0, peak_reserved = 0, system_allocations = 0;

void count_alloc(size_t bytes) {
  const int64_t now = allocated_bytes.fetch_add(bytes, std::memory_order_relaxed) + static_cast<int64_t>(bytes);
  int64_t peak = peak_allocated.load(std::memory_order_relaxed);
  while (__builtin_expect(now > peak, 0) &&
         !peak_allocated.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void count_free(size_t bytes) { allocated_bytes.fetch_sub(bytes, std::memory_order_relaxed); }

void count_system(size_t bytes) {
  reserved_bytes += bytes;
  peak_reserved = std::max(peak_reserved, reserved_bytes);
  ++system_allocations;
}

// ---- the central state --------------------------------------------------------------------------------------

struct FreeBlock {
  FreeBlock* next;
};

struct ThreadCache {
  struct List {
    FreeBlock* head;
    int count;
  } lists[kClasses];
  std::atomic<uint64_t> allocations;  // written by its thread alone
  ThreadCache *next, *previous;
};

struct CachedBlock {
  void* data;
  uint64_t age;
};

struct Central {
  std::mutex mutex;
  FreeBlock* free[kClasses] = {};
  char* slab = nullptr;
  size_t slab_left = 0;
  ThreadCache* threads = nullptr;
  // Large blocks: those in use, by address, and those that wait, by size.
  std::unordered_map<void*, size_t> live;
  std::multimap<size_t, CachedBlock> cached;
  size_t cached_bytes = 0, cache_limit = 0;
  size_t most_in_use = 0;
  uint64_t clock = 0;
};

Central& central();

void* map_pages(size_t bytes) {
  // Mapped with room to spare, so that the block can begin on a huge page.
  if (bytes > SIZE_MAX - kHugePage) return nullptr;
  char* mapped = static_cast<char*>(
      mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  if (mapped == MAP_FAILED) return nullptr;
  char* data = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(mapped) + kHugePage - 1) & ~(kHugePage - 1));
  if (data > mapped) munmap(mapped, data - mapped);
  munmap(data + bytes, mapped + kHugePage - data);
#ifdef MADV_HUGEPAGE
  madvise(data, bytes, MADV_HUGEPAGE);
#endif
  return data;
}

void* system_alloc(size_t bytes) {
  if (bytes >= kHugePage) return map_pages(bytes);
  void* data = nullptr;
  return posix_memalign(&data, kAlignment, bytes) == 0 ? data : nullptr;
}

void system_free(void* data, size_t bytes) {
  if (bytes >= kHugePage) {
    munmap(data, bytes);
  } else {
    std::free(data);
  }
}

void release_cached(Central& state, std::multimap<size_t, CachedBlock>::iterator block) {
  system_free(block->second.data, block->first);
  state.cached_bytes -= block->first;
  reserved_bytes -= block->first;
  state.cached.erase(block);
}

void release_all_cached(Central& state) {
  while (!state.cached.empty()) release_cached(state, state.cached.begin());
}

// From the system; where it has none, what waits in the cache is given back first.
void* fresh_block(Central& state, size_t bytes) {
  void* data = system_alloc(bytes);
  if (!data && !state.cached.empty()) {
    release_all_cached(state);
    data = system_alloc(bytes);
  }
  if (!data) throw std::bad_alloc();
  count_system(bytes);
  return data;
}

// ---- small blocks -------------------------------------------------------------------------------------------

FreeBlock* carve(Central& state, size_t bytes) {
  if (state.slab_left < bytes) {
    state.slab = static_cast<char*>(fresh_block(state, kSlabBytes));  // the rest of the old slab is at most a block
    state.slab_left = kSlabBytes;
  }
  char* block = state.slab;
  state.slab += bytes;
  state.slab_left -= bytes;
  return reinterpret_cast<FreeBlock*>(block);
}

FreeBlock* take_central(Central& state, int index) {
  if (FreeBlock* block = state.free[index]) {
    state.free[index] = block->next;
    return block;
  }
  return carve(state, class_bytes(index));
}

void give_central(Central& state, int index, FreeBlock* block) {
  block->next = state.free[index];
  state.free[index] = block;
}

// The calling thread's cache: null before its first use, kNone when the thread is about to end (blocks freed by later
// destructors go straight to the central lists).
ThreadCache* const kNone = reinterpret_cast<ThreadCache*>(1);
__attribute__((tls_model("initial-exec"))) thread_local ThreadCache* thread_cache = nullptr;
pthread_key_t thread_exit_key;

void retire_thread(void* arg) {
  ThreadCache* cache = static_cast<ThreadCache*>(arg);
  thread_cache = kNone;
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  for (int index = 0; index < kClasses; ++index) {
    while (FreeBlock* block = cache->lists[index].head) {
      cache->lists[index].head = block->next;
      give_central(state, index, block);
    }
  }
  retired_allocations += cache->allocations;
  (cache->previous ? cache->previous->next : state.threads) = cache->next;
  if (cache->next) cache->next->previous = cache->previous;
  std::free(cache);
}

ThreadCache* new_thread_cache() {
  Central& state = central();
  ThreadCache* cache = static_cast<ThreadCache*>(std::calloc(1, sizeof(ThreadCache)));
  if (!cache || pthread_setspecific(thread_exit_key, cache) != 0) {
    std::free(cache);
    return nullptr;
  }
  std::lock_guard<std::mutex> lock(state.mutex);
  cache->next = state.threads;
  if (cache->next) cache->next->previous = cache;
  state.threads = cache;
  return thread_cache = cache;
}

__attribute__((noinline)) void* refill(int index) {
  ThreadCache* cache = thread_cache ? thread_cache : new_thread_cache();
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  if (!cache || cache == kNone) {
    retired_allocations.fetch_add(1, std::memory_order_relaxed);
    return take_central(state, index);
  }
  // Half of what the thread may keep, but no more than 16 KB at a time: little programs stay little.
  const int batch = std::clamp<int>(static_cast<int>(16 * 1024 / class_bytes(index)), 1, thread_limit(index) / 2);
  for (int i = 1; i < batch; ++i) {
    FreeBlock* block = take_central(state, index);
    block->next = cache->lists[index].head;
    cache->lists[index].head = block;
    ++cache->lists[index].count;
  }
  cache->allocations.store(cache->allocations.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return take_central(state, index);
}

__attribute__((noinline)) void drain(int index, FreeBlock* block) {
  ThreadCache* cache = thread_cache ? thread_cache : new_thread_cache();
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  give_central(state, index, block);
  if (!cache || cache == kNone) return;
  ThreadCache::List& list = cache->lists[index];
  for (int keep = thread_limit(index) / 2; list.count > keep; --list.count) {
    FreeBlock* next = list.head->next;
    give_central(state, index, list.head);
    list.head = next;
  }
}

// Limits as a table, so that freeing needs no division.
struct Limits {
  int of[kClasses];
  Limits() {
    for (int index = 0; index < kClasses; ++index) of[index] = thread_limit(index);
  }
};
const Limits limits;

// ---- large blocks -------------------------------------------------------------------------------------------

// Rounded to an eighth of the power of two below, so that nearly equal requests share blocks.
size_t large_bytes(size_t bytes) {
  const size_t step = std::max<size_t>(4096, (size_t{1} << (63 - __builtin_clzll(bytes))) / 8);
  if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
  return (bytes + step - 1) / step * step;
}

void release_oldest(Central& state) {
  release_cached(state, std::min_element(state.cached.begin(), state.cached.end(),
                                         [](auto& a, auto& b) { return a.second.age < b.second.age; }));
}

// How much may be reserved: some more than the most that was ever in use.
size_t reserve_limit(Central& state, size_t bytes) {
  constexpr size_t kAlwaysFine = 32 << 20;
  const size_t in_use = static_cast<size_t>(allocated_bytes.load(std::memory_order_relaxed)) + bytes;
  state.most_in_use = std::max(state.most_in_use, in_use);
  return std::max(kAlwaysFine, state.most_in_use / 5 * 6);
}

// A block that waits and is not much too large; where a fresh one would be one too many, one that is.
void* take_cached(Central& state, size_t bytes, bool too_many) {
  auto block = state.cached.lower_bound(bytes);
  if (block == state.cached.end() || (too_many ? block->first / 4 : block->first / 4 * 3) > bytes) return nullptr;
  void* data = block->second.data;
  state.live.emplace(data, block->first);
  state.cached_bytes -= block->first;
  state.cached.erase(block);
  return data;
}

void* alloc_large(size_t bytes) {
  const size_t wanted = large_bytes(bytes);
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  retired_allocations.fetch_add(1, std::memory_order_relaxed);
  const size_t limit = reserve_limit(state, bytes);
  if (void* data = take_cached(state, wanted, reserved_bytes + wanted > limit)) return data;
  while (!state.cached.empty() && reserved_bytes + wanted > limit) release_oldest(state);
  void* data = fresh_block(state, wanted);
  state.live.emplace(data, wanted);
  return data;
}

void free_large(void* data) {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  auto block = state.live.find(data);
  if (block == state.live.end()) return;
  state.cached.emplace(block->second, CachedBlock{data, ++state.clock});
  state.cached_bytes += block->second;
  state.live.erase(block);
  while (state.cached_bytes > state.cache_limit) release_oldest(state);
}

// ---- without caches -----------------------------------------------------------------------------------------

void* alloc_exact(size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, std::max<size_t>(bytes, 1)) != 0 || !data) throw std::bad_alloc();
  retired_allocations.fetch_add(1, std::memory_order_relaxed);
  count_alloc(bytes);
  std::lock_guard<std::mutex> lock(central().mutex);
  count_system(bytes);
  return data;
}

void free_exact(void* data, size_t bytes) {
  std::free(data);
  std::lock_guard<std::mutex> lock(central().mutex);
  reserved_bytes -= bytes;
}

// ---- set-up -------------------------------------------------------------------------------------------------

// The state is never destroyed: tensors may be freed by other static destructors.
Central& central() {
  static Central* const state = [] {
    auto* made = new Central;
    // What waits in the cache is at most a quarter of the machine's memory.
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    made->cache_limit = pages > 0 && page > 0 ? static_cast<size_t>(pages) * page / 4 : size_t{1} << 30;
    pthread_key_create(&thread_exit_key, retire_thread);
    // A fork must not happen while another thread holds the mutex: the child would wait for it for ever.
    pthread_atfork([] { central().mutex.lock(); }, [] { central().mutex.unlock(); }, [] { central().mutex.unlock(); });
    return made;
  }();
  return *state;
}

}  // namespace

void* cpu_alloc(size_t bytes) {
  if (kExact) return alloc_exact(bytes);
  void* data;
  if (__builtin_expect(bytes <= kSmallLimit, 1)) {
    const int index = class_of(bytes);
    ThreadCache* cache = thread_cache;
    FreeBlock* block;
    if (__builtin_expect(cache > kNone && (block = cache->lists[index].head) != nullptr, 1)) {
      cache->lists[index].head = block->next;
      --cache->lists[index].count;
      cache->allocations.store(cache->allocations.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      data = block;
    } else {
      data = refill(index);
    }
  } else {
    data = alloc_large(bytes);
  }
  count_alloc(bytes);
  return data;
}

void cpu_free(void* data, size_t bytes) noexcept {
  if (!data) return;
  count_free(bytes);
  if (kExact) return free_exact(data, bytes);
  if (__builtin_expect(bytes > kSmallLimit, 0)) return free_large(data);
  const int index = class_of(bytes);
  ThreadCache* cache = thread_cache;
  FreeBlock* block = static_cast<FreeBlock*>(data);
  if (__builtin_expect(cache <= kNone || cache->lists[index].count >= limits.of[index], 0)) return drain(index, block);
  block->next = cache->lists[index].head;
  cache->lists[index].head = block;
  ++cache->lists[index].count;
}

void cpu_memory_stats(dt_memory_stats* out, bool reset_peaks) {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  dt_memory_stats stats{};
  stats.struct_size = sizeof(stats);
  stats.allocated = allocated_bytes.load(std::memory_order_relaxed);
  stats.peak_allocated = peak_allocated.load(std::memory_order_relaxed);
  stats.reserved = reserved_bytes;
  stats.peak_reserved = peak_reserved;
  stats.system_allocations = system_allocations;
  stats.allocations = retired_allocations.load(std::memory_order_relaxed);
  for (ThreadCache* cache = state.threads; cache; cache = cache->next) stats.allocations += cache->allocations;
  if (out) {
    // A caller compiled against a shorter struct gets the fields that it knows.
    const uint32_t size = out->struct_size ? std::min<uint32_t>(out->struct_size, sizeof(stats)) : sizeof(stats);
    stats.struct_size = size;
    std::memcpy(out, &stats, size);
  }
  if (reset_peaks) {
    peak_allocated.store(allocated_bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    peak_reserved = reserved_bytes;
  }
}

void cpu_empty_cache() {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  release_all_cached(state);
}

}  // namespace dovetail
