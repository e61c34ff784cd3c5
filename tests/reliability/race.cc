// The thread pool and the allocator under ThreadSanitizer, without Python: threads that use both at once.
// race [rounds [seed]]: prints its counts; ThreadSanitizer ends it with an error if it sees a race.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "core/allocator.h"
#include "core/pool.h"

namespace {

constexpr int kThreads = 8;
std::atomic<int64_t> jobs{0}, blocks{0}, wrong{0};

// ---- the pool: every index once, whoever runs it ----

struct Job {
  int64_t* counts;
  int64_t nested;  // how long a parallel_for inside of each range is
};

void body(void* arg, int64_t begin, int64_t end) {
  const Job* job = static_cast<const Job*>(arg);
  for (int64_t i = begin; i < end; ++i) ++job->counts[i];
  if (job->nested) {
    std::atomic<int64_t> sum{0};  // where the outer one was a single range, the inner one is parallel
    dovetail::parallel_for(
        job->nested, 1, [](void* s, int64_t b, int64_t e) { *static_cast<std::atomic<int64_t>*>(s) += e - b; }, &sum);
    if (sum != job->nested) ++wrong;
  }
}

void run_job(std::mt19937_64& random) {
  const int64_t n = 1 + random() % 20000, grain = 1 + random() % 500;
  std::vector<int64_t> counts(n, 0);
  Job job{counts.data(), random() % 8 == 0 ? static_cast<int64_t>(random() % 100) : 0};
  dovetail::parallel_for(n, grain, body, &job);
  for (int64_t count : counts) wrong += count != 1;  // written by other threads: all must have happened before
  ++jobs;
}

// ---- the allocator: blocks that one thread fills and another reads and frees ----

struct Block {
  unsigned char* data;
  size_t bytes;
  unsigned char mark;
};

std::mutex exchange_mutex;
std::vector<Block> exchange;

Block take_block(std::mt19937_64& random) {
  const size_t bytes = random() % 10 ? 1 + random() % 40000 : 1 + random() % (3 << 20);
  Block block{static_cast<unsigned char*>(dovetail::cpu_alloc(bytes)), bytes, static_cast<unsigned char>(random())};
  std::memset(block.data, block.mark, bytes < 256 ? bytes : 256);
  block.data[bytes - 1] = block.mark;
  return block;
}

void free_block(const Block& block) {
  if (block.data[0] != block.mark || block.data[block.bytes - 1] != block.mark) ++wrong;
  dovetail::cpu_free(block.data, block.bytes);
  ++blocks;
}

void swap_blocks(std::mt19937_64& random) {
  std::vector<Block> mine, others;
  for (int i = 0; i < 20; ++i) mine.push_back(take_block(random));
  {
    std::lock_guard<std::mutex> lock(exchange_mutex);
    others.swap(exchange);
    exchange = mine;
  }
  for (const Block& block : others) free_block(block);
  if (random() % 16 == 0) dovetail::cpu_empty_cache();
  if (random() % 4 == 0) {
    dt_memory_stats stats{};
    dovetail::cpu_memory_stats(&stats, random() % 4 == 0);
    wrong += stats.struct_size != sizeof(stats);
  }
}

void work(int rounds, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int round = 0; round < rounds; ++round) {
    run_job(random);
    swap_blocks(random);
    if (random() % 64 == 0) dovetail::set_num_threads(static_cast<int>(1 + random() % kThreads));
    // A short-lived thread, whose cache of blocks is given back when it ends.
    if (random() % 64 == 0) std::thread([seed = random()] { work(1, seed); }).join();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  dovetail::set_num_threads(4);
  std::vector<std::thread> threads;
  for (int k = 0; k < kThreads; ++k) threads.emplace_back(work, rounds, seed * 1000 + k);
  for (std::thread& thread : threads) thread.join();
  for (const Block& block : exchange) free_block(block);
  dt_memory_stats stats{};
  dovetail::cpu_memory_stats(&stats, false);
  wrong += stats.allocated != 0;
  std::printf("%lld jobs %lld blocks %lld wrong\n", static_cast<long long>(jobs), static_cast<long long>(blocks),
              static_cast<long long>(wrong));
  return wrong != 0;
}
