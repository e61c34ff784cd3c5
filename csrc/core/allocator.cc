// The caching CPU allocator.
//
// Small blocks (up to 32 KB) belong to size classes. Each thread keeps a list of free blocks per class, so that taking
// and giving one costs a few instructions; the lists are refilled from and drained to a central list in batches, and
// the central list carves new blocks out of slabs. A block may be freed by any thread: it joins that thread's list.
//
// Large blocks are runs of pages, shared by all threads (pages.h).
//
// Built with DOVETAIL_EXACT_MEMORY (for AddressSanitizer), every block comes from the heap with exactly the bytes asked
// for, and goes back when freed: an access a byte outside a tensor, or after its end, is seen.
#include "core/allocator.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "core/pages.h"

namespace dovetail {
namespace {

constexpr size_t kAlignment = 64;
static_assert(kKeptBytes <= kAlignment, "a kept block is one of the smallest class");
constexpr size_t kLinearLimit = 1024;  // up to here the classes are multiples of 64
constexpr int kLinearClasses = kLinearLimit / kAlignment;
constexpr size_t kSmallLimit = 32 * 1024;  // above 1 KB there are four classes to a doubling
constexpr int kClasses = kLinearClasses + 4 * 5;
constexpr size_t kSlabBytes = 256 << 10;
constexpr size_t kThreadBytes = 128 * 1024;  // what a thread keeps of one class before it gives half back
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

void count_alloc(size_t bytes) {
  const int64_t now = allocated_bytes.fetch_add(bytes, std::memory_order_relaxed) + static_cast<int64_t>(bytes);
  int64_t peak = peak_allocated.load(std::memory_order_relaxed);
  while (__builtin_expect(now > peak, 0) &&
         !peak_allocated.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
}

void count_free(size_t bytes) { allocated_bytes.fetch_sub(bytes, std::memory_order_relaxed); }

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

struct Central {
  explicit Central(size_t cache_limit) : pages(cache_limit) {}

  std::mutex mutex;
  FreeBlock* free[kClasses] = {};
  char* slab = nullptr;
  size_t slab_left = 0;
  ThreadCache* threads = nullptr;
  Pages pages;
};

Central& central();

// ---- small blocks -------------------------------------------------------------------------------------------

FreeBlock* carve(Central& state, size_t bytes) {
  if (state.slab_left < bytes) {
    state.slab = static_cast<char*>(state.pages.take(kSlabBytes));  // the rest of the old slab is at most a block
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

void* alloc_large(size_t bytes) {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  retired_allocations.fetch_add(1, std::memory_order_relaxed);
  return state.pages.take(bytes);
}

void free_large(void* data, size_t bytes) noexcept {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.pages.give(data, bytes);
}

// ---- without caches -----------------------------------------------------------------------------------------

void* alloc_exact(size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, kAlignment, std::max<size_t>(bytes, 1)) != 0 || !data) throw std::bad_alloc();
  retired_allocations.fetch_add(1, std::memory_order_relaxed);
  count_alloc(bytes);
  return data;
}

// ---- set-up -------------------------------------------------------------------------------------------------

// The state is never destroyed: tensors may be freed by other static destructors.
Central& central() {
  static Central* const state = [] {
    // What waits is at most a quarter of the machine's memory.
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    auto* made = new Central(pages > 0 && page > 0 ? static_cast<size_t>(pages) * page / 4 : size_t{1} << 30);
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
  if (kExact) return std::free(data);
  if (__builtin_expect(bytes > kSmallLimit, 0)) return free_large(data, bytes);
  const int index = class_of(bytes);
  ThreadCache* cache = thread_cache;
  FreeBlock* block = static_cast<FreeBlock*>(data);
  if (__builtin_expect(cache <= kNone || cache->lists[index].count >= limits.of[index], 0)) return drain(index, block);
  block->next = cache->lists[index].head;
  cache->lists[index].head = block;
  ++cache->lists[index].count;
}

void cpu_note_reuse(size_t bytes) noexcept {
  count_alloc(bytes);
  ThreadCache* cache = thread_cache;
  if (__builtin_expect(cache > kNone, 1))
    cache->allocations.store(cache->allocations.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  else
    retired_allocations.fetch_add(1, std::memory_order_relaxed);
}

void cpu_note_keeping(size_t bytes) noexcept { count_free(bytes); }

void cpu_memory_stats(dt_memory_stats* out, bool reset_peaks) {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  dt_memory_stats stats{};
  stats.struct_size = sizeof(stats);
  stats.allocated = allocated_bytes.load(std::memory_order_relaxed);
  stats.peak_allocated = peak_allocated.load(std::memory_order_relaxed);
  stats.reserved = kExact ? stats.allocated : state.pages.reserved();
  stats.peak_reserved = kExact ? stats.peak_allocated : state.pages.peak_reserved();
  stats.allocations = retired_allocations.load(std::memory_order_relaxed);
  for (ThreadCache* cache = state.threads; cache; cache = cache->next) stats.allocations += cache->allocations;
  stats.system_allocations = kExact ? stats.allocations : state.pages.system_allocations();
  if (out) {
    // A caller compiled against a shorter struct gets the fields that it knows.
    const uint32_t size = out->struct_size ? std::min<uint32_t>(out->struct_size, sizeof(stats)) : sizeof(stats);
    stats.struct_size = size;
    std::memcpy(out, &stats, size);
  }
  if (reset_peaks) {
    peak_allocated.store(allocated_bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
    state.pages.reset_peak();
  }
}

void cpu_empty_cache() {
  Central& state = central();
  std::lock_guard<std::mutex> lock(state.mutex);
  state.pages.release();
}

}  // namespace dovetail
