// Checks of the allocator and of layouts on the host; see test_host.py.
#include <cstdio>
#include <cstdlib>
#include <set>

#include "kernels/cuda/allocator.h"
#include "kernels/cuda/layout.h"

namespace {

int failures = 0;
#define CHECK(condition)                                        \
  if (!(condition)) {                                           \
    std::printf("line %d: not so: %s\n", __LINE__, #condition); \
    ++failures;                                                 \
  }

// What the driver was asked, and what it answers.
struct Log {
  size_t left = size_t{1} << 30;
  int allocations = 0, releases = 0, waits = 0;
  std::set<void*> pending;  // events that have not come
  int events = 0;
  std::set<void*> capturing;  // streams
};

struct CountingDriver {
  Log* log;
  bool allocate(size_t bytes, void** out) {
    if (bytes > log->left) return false;
    log->left -= bytes;
    ++log->allocations;
    *out = std::malloc(sizeof(size_t));
    *static_cast<size_t*>(*out) = bytes;
    return true;
  }
  void release(void* data) {
    log->left += *static_cast<size_t*>(data);
    ++log->releases;
    std::free(data);
  }
  void wait_for_all() { ++log->waits; }
  void* record(void*) {
    void* event = reinterpret_cast<void*>(static_cast<intptr_t>(++log->events));
    log->pending.insert(event);
    return event;
  }
  bool finished(void* event) { return log->pending.count(event) == 0; }
  void wait(void* event) { log->pending.erase(event); }
  bool is_capturing(void* stream) { return log->capturing.count(stream) != 0; }
};

using Allocator = dovetail::cuda::CachingAllocator<CountingDriver>;
void* const kDefault = nullptr;
void* const kSide = reinterpret_cast<void*>(8);

void check_sizes() {
  using dovetail::cuda::block_size;
  for (size_t bytes : {size_t{1}, size_t{512}, size_t{513}, size_t{4000}, size_t{1} << 20, (size_t{1} << 30) + 1}) {
    const size_t size = block_size(bytes);
    CHECK(size >= bytes);
    CHECK(size % 64 == 0);
    CHECK(bytes < 512 || size <= bytes + bytes / 8 + 64);
    CHECK(block_size(size) == size);
  }
}

void check_reuse() {
  Log log;
  Allocator memory({&log});
  void* a = memory.allocate(1000, kDefault);
  memory.free(a, kDefault);
  CHECK(memory.allocate(990, kDefault) == a);  // the same block, without asking the system
  CHECK(log.allocations == 1);
  void* b = memory.allocate(1000, kSide);  // another stream's memory is not taken
  CHECK(b != a);
  const dt_memory_stats stats = memory.stats(false);
  CHECK(stats.allocated == 2048 && stats.reserved == 2048 && stats.allocations == 3 && stats.system_allocations == 2);
  memory.free(a, kDefault);
  memory.free(b, kSide);
  CHECK(memory.stats(true).peak_allocated == 2048);
  CHECK(memory.stats(false).peak_allocated == 0);
  memory.empty_cache();
  CHECK(log.releases == 2 && log.left == size_t{1} << 30);
}

void check_other_streams() {
  Log log;
  Allocator memory({&log});
  void* a = memory.allocate(1000, kDefault);
  memory.use_on(a, kSide);
  memory.free(a, kDefault);  // the side stream still reads it
  CHECK(log.pending.size() == 1);
  void* b = memory.allocate(1000, kDefault);
  CHECK(b != a);
  log.pending.clear();
  CHECK(memory.allocate(1000, kDefault) == a);
  memory.free(b, kSide);  // freed where it was not made
  CHECK(log.pending.size() == 1);
  log.pending.clear();
  CHECK(memory.allocate(1000, kDefault) == b);
}

void check_out_of_memory() {
  Log log;
  log.left = 4096;
  Allocator memory({&log});
  void* a = memory.allocate(2048, kDefault);
  void* b = memory.allocate(1024, kDefault);
  memory.free(a, kDefault);
  CHECK(memory.allocate(3072, kDefault) != nullptr);  // after what was cached went back
  CHECK(log.releases == 1 && log.waits == 1);
  CHECK(memory.allocate(3072, kDefault) == nullptr);
  memory.free(b, kDefault);
}

void check_a_stream_that_ends() {
  Log log;
  Allocator memory({&log});
  void* a = memory.allocate(1000, kSide);
  void* b = memory.allocate(1000, kSide);
  memory.free(a, kSide);
  memory.forget_stream(kSide);
  CHECK(memory.allocate(1000, kDefault) == a);
  memory.free(b, kDefault);
  CHECK(log.events == 0);
  CHECK(memory.allocate(1000, kDefault) == b);
}

void check_pools_of_graphs() {
  Log log;
  Allocator memory({&log});
  void* before = memory.allocate(1000, kSide);
  void* input = memory.allocate(1000, kSide);
  memory.free(before, kSide);
  log.capturing = {kSide};
  memory.begin_capture(1);
  void* a = memory.allocate(1000, kSide);
  CHECK(a != before);                                // of the pool
  CHECK(memory.allocate(1000, kDefault) != before);  // another stream is as ever
  memory.free(a, kSide);
  CHECK(memory.allocate(1000, kSide) == a);
  memory.free(input, kSide);  // the graph may read it
  void* crossing = memory.allocate(2000, kSide);
  memory.use_on(crossing, kDefault);
  memory.free(crossing, kSide);
  CHECK(log.events == 0);  // nothing may be asked now
  memory.empty_cache();
  CHECK(log.releases == 0 && log.waits == 0);
  memory.end_capture();
  CHECK(log.events == 1);
  log.capturing = {};
  log.pending.clear();
  memory.free(a, kSide);
  CHECK(memory.allocate(1000, kSide) == before);
  for (int i = 0; i < 3; ++i) {
    void* other = memory.allocate(1000, kSide);
    CHECK(other != a && other != input && other != crossing);
  }
  memory.empty_cache();
  CHECK(log.releases == 0);  // all that is cached is the pool's

  log.capturing = {kSide};
  memory.begin_capture(1);  // another graph of the pool
  CHECK(memory.allocate(1000, kSide) == a);
  memory.release_pool(1);
  memory.release_pool(1);  // both are gone, but nothing may wait yet
  const int waits = log.waits;
  memory.end_capture();
  CHECK(log.waits == waits + 1);
  log.capturing = {};
  CHECK(memory.allocate(1000, kSide) == input);  // the last one's blocks are like any others
  memory.free(a, kSide);
  CHECK(memory.allocate(1000, kSide) == a);
}

void check_layouts() {
  using namespace dovetail::cuda;
  Space<2> space;  // a (4, 1, 6) tensor beside a transposed one
  space.add(4, {6, 1});
  space.add(1, {6, 77});
  space.add(6, {1, 4});
  CHECK(space.ndim == 2);
  Layout<2> layout;
  CHECK(single_layout(space, layout) && layout.count == 24);
  CHECK(layout.at(13).of[0] == 13 && layout.at(13).of[1] == 2 + 4);
  Space<1> merged;
  merged.add(3, {20});
  merged.add(4, {5});
  merged.add(5, {1});
  CHECK(merged.ndim == 1 && merged.sizes[0] == 60);
  Space<1> many;  // more dims than a layout holds: the outer ones are walked by the host
  for (int d = 0; d < 14; ++d) many.add(2, {int64_t{1} << (2 * d)});
  CHECK(many.ndim == 14 && !single_layout(many, *new Layout<1>));
  std::set<int64_t> seen;
  for_layouts(many, [&](const Layout<1>& inner, const Offsets<1>& base) {
    for (int64_t i = 0; i < inner.count; ++i) seen.insert(base.of[0] + inner.at(i).of[0]);
  });
  CHECK(seen.size() == size_t{1} << 14);
  Space<1> empty;
  empty.add(0, {1});
  CHECK(single_layout(empty, *new Layout<1>));
  Layout<1> huge;  // beyond 32 bits
  Space<1> wide;
  wide.add(int64_t{3} << 31, {2});
  wide.add(2, {-1});
  CHECK(single_layout(wide, huge));
  CHECK(huge.at((int64_t{5} << 31) + 1).of[0] == (int64_t{5} << 30) * 2 - 1);
}

}  // namespace

int main() {
  check_sizes();
  check_reuse();
  check_other_streams();
  check_out_of_memory();
  check_a_stream_that_ends();
  check_pools_of_graphs();
  check_layouts();
  if (!failures) std::printf("all checks passed\n");
  return failures != 0;
}
