// The thread pool.
//
// One job at a time. The low half of `ticket` says which of its ranges are left; the high half is the job's number, so
// that a worker which looks late can never take a range of a job that is over: taking one is a compare-and-swap of
// both. Whoever has taken a range may read the job, because the job cannot end before that range is done. The caller
// takes ranges like any worker, so a job never waits for a thread to wake up; but from the front, and workers from the
// back, so that from job to job two threads meet what their cores' caches hold.
#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"

namespace dovetail {
namespace {

using Body = void (*)(void* arg, int64_t begin, int64_t end);
using Clock = std::chrono::steady_clock;

constexpr auto kSpin = std::chrono::microseconds(50);         // a worker looks for work this long,
constexpr auto kLinger = std::chrono::microseconds(200);      // and this long yielding to others, before it sleeps
constexpr auto kWorthWaking = std::chrono::microseconds(40);  // waking one costs its caller some 10 us
constexpr int kRareJobs = 4;  // small jobs that take less than this part of all time are not worth a waking worker
constexpr int64_t kWakingGrains = 16;    // so many are worth it: a grain is some microseconds
constexpr int kSpinsBeforeYield = 1000;  // some 30 us
// More ranges than threads, for cores that others share; and in a large job none of more than kRangeGrains grains.
constexpr int kRangesPerThread = 4, kMostRangesPerThread = 32, kRangeGrains = 16;
constexpr int64_t kMostRanges = 65535;  // that a ticket can count

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// ---- how many CPUs there are for us -------------------------------------------------------------------------

// The CPUs that a control group may use by its quota; 0 where it has none.
int quota_in(const std::string& folder) {
  double quota = -1, period = 0;
  std::ifstream both(folder + "/cpu.max");  // version 2: "max 100000" or "150000 100000"
  if (both) {
    if (!(both >> quota >> period)) return 0;
  } else {
    std::ifstream(folder + "/cpu.cfs_quota_us") >> quota;
    std::ifstream(folder + "/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? std::max(1, static_cast<int>((quota + period - 1) / period)) : 0;
}

// The least quota of this process's groups and the groups around them.
int cgroup_quota() {
  int least = 0;
  std::ifstream groups("/proc/self/cgroup");  // "0::/path", or "4:cpu,cpuacct:/path"
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && ("," + controllers + ",").find(",cpu,") == std::string::npos) continue;
    for (const std::string& root :
         {unified ? std::string("/sys/fs/cgroup") : "/sys/fs/cgroup/" + controllers,
          unified ? std::string("/sys/fs/cgroup/unified") : std::string("/sys/fs/cgroup/cpu")}) {
      std::string path = line.substr(second + 1);
      while (true) {
        const int quota = quota_in(root + path);
        if (quota && (!least || quota < least)) least = quota;
        if (path.empty()) break;
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
      }
    }
  }
  return least;
}

int available_cpus() {
  int cpus = std::max(1u, std::thread::hardware_concurrency());
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) cpus = std::max(1, CPU_COUNT(&set));
#endif
  if (const int quota = cgroup_quota()) cpus = std::min(cpus, quota);
  return cpus;
}

int initial_threads() {
  for (const char* name : {"DOVETAIL_NUM_THREADS", "OMP_NUM_THREADS"}) {
    const char* text = std::getenv(name);
    const int n = text ? std::atoi(text) : 0;
    if (n > 0) return n;
  }
  return available_cpus();
}

std::atomic<int>& wanted_threads() {
  static std::atomic<int> wanted{initial_threads()};
  return wanted;
}

// ---- the pool -----------------------------------------------------------------------------------------------

struct Pool {
  // The job. Written by the caller before the ticket is published.
  Body body = nullptr;
  void* arg = nullptr;
  int64_t n = 0, unit = 1;  // ranges end at multiples of it
  uint32_t ranges = 0;
  alignas(64) std::atomic<uint64_t> ticket{0};  // job number << 32 | end << 16 | begin of the ranges not yet taken
  alignas(64) std::atomic<uint32_t> unfinished{0};

  std::mutex mutex;  // for sleeping and stopping
  std::condition_variable wake;
  std::atomic<int> sleepers{0};
  std::atomic<int> limit{0};       // workers numbered from here on end
  std::vector<pthread_t> workers;  // the caller's alone, while it has the pool
  int sized_for = 1;               // the thread count that `workers` was made for
  // What sleeping workers could have spared the callers of small jobs of late, and until when that was counted.
  Clock::duration unshared{};
  Clock::time_point counted{};

  bool take_range(bool first);
  int64_t begin_of_range(int64_t index) const { return std::min(n, (n + unit - 1) / unit * index / ranges * unit); }
  void run(int64_t count, int64_t pieces, int64_t multiple, int64_t grains, Body what, void* with);
  void wake_sleepers();
  bool worth_waking(Clock::time_point start);
  void resize(int count);
  void work(int number);
};

std::atomic<bool> pool_busy{false};
thread_local bool inside = false;  // this thread is in a parallel_for, or is a worker

struct WorkerStart {
  Pool* pool;
  int number;
};

uint16_t begin_of(uint64_t ticket) { return static_cast<uint16_t>(ticket); }
uint16_t end_of(uint64_t ticket) { return static_cast<uint16_t>(ticket >> 16); }
bool has_ranges(uint64_t ticket) { return begin_of(ticket) != end_of(ticket); }

// Take the first or the last range and run it; false if there is none.
bool Pool::take_range(bool first) {
  uint64_t seen = ticket.load(std::memory_order_acquire);
  do {
    if (!has_ranges(seen)) return false;
  } while (!ticket.compare_exchange_weak(seen, first ? seen + 1 : seen - (1 << 16), std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  const int64_t index = first ? begin_of(seen) : end_of(seen) - 1;
  body(arg, begin_of_range(index), begin_of_range(index + 1));
  unfinished.fetch_sub(1, std::memory_order_release);
  return true;
}

void Pool::work(int number) {
  inside = true;
  auto has_work = [this] { return has_ranges(ticket.load(std::memory_order_seq_cst)); };
  while (number < limit.load(std::memory_order_acquire)) {
    while (take_range(false)) {
    }
    const auto since = Clock::now();
    bool found = false;
    for (auto idle = since - since; !found && idle < kLinger; idle = Clock::now() - since) {
      if (idle >= kSpin) sched_yield();
      for (int i = 0; i < 32 && !found; ++i) {
        relax();
        found = has_work();
      }
    }
    if (found) continue;
    std::unique_lock<std::mutex> lock(mutex);
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    wake.wait(lock, [&] { return has_work() || number >= limit.load(std::memory_order_acquire); });
    sleepers.fetch_sub(1, std::memory_order_relaxed);
  }
}

void Pool::resize(int count) {
  const int before = static_cast<int>(workers.size());
  sized_for = count + 1;
  {
    std::lock_guard<std::mutex> lock(mutex);
    limit.store(count, std::memory_order_release);
  }
  if (count < before) {
    wake.notify_all();
    for (int i = count; i < before; ++i) pthread_join(workers[i], nullptr);
    workers.resize(count);
  }
  // Workers take no signals: those are the interpreter's.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  for (int i = before; i < count; ++i) {
    auto entry = [](void* p) -> void* {
      const WorkerStart start = *static_cast<WorkerStart*>(p);
      delete static_cast<WorkerStart*>(p);
      start.pool->work(start.number);
      return nullptr;
    };
    auto* start = new WorkerStart{this, i};
    pthread_t thread;
    if (pthread_create(&thread, nullptr, entry, start) != 0) {  // no more threads to be had: fewer will do
      delete start;
      break;
    }
    workers.push_back(thread);
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void Pool::run(int64_t count, int64_t pieces, int64_t multiple, int64_t grains, Body what, void* with) {
  body = what;
  arg = with;
  n = count;
  unit = multiple;
  ranges = static_cast<uint32_t>(pieces);
  unfinished.store(ranges, std::memory_order_relaxed);
  const uint64_t job = (ticket.load(std::memory_order_relaxed) >> 32) + 1;
  ticket.store(job << 32 | uint64_t{ranges} << 16, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst) > 0) {
    const auto start = Clock::now();
    if (grains >= kWakingGrains || (take_range(true) && worth_waking(start))) wake_sleepers();
  }
  while (take_range(true)) {
  }
  for (int spins = 0; unfinished.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpinsBeforeYield) {
      relax();
    } else {
      sched_yield();  // the worker that has the last range may be waiting for this very core
    }
  }
}

// In a small job, the first range tells whether the rest is worth waking anyone for; or many jobs together are, one
// soon after another.
bool Pool::worth_waking(Clock::time_point start) {
  const auto now = Clock::now();
  unshared = std::max(unshared - (now - counted) / kRareJobs, Clock::duration::zero()) + (now - start) * (ranges - 1);
  counted = now;
  if (unshared <= kWorthWaking) return false;
  unshared = Clock::duration::zero();
  return true;
}

void Pool::wake_sleepers() {
  {
    std::lock_guard<std::mutex> lock(mutex);
  }  // a worker between its last look and its sleep holds it
  wake.notify_all();
}

Pool* current_pool = nullptr;  // made on first use; replaced in a forked child, which has none of the threads

Pool* pool() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] {
    // The child has one thread, the one that forked. Even if that was inside a parallel_for, its workers are gone; the
    // old pool, whose locks may be held for ever, is left behind and a new one made when it is first needed.
    current_pool = nullptr;
    pool_busy.store(false, std::memory_order_relaxed);
    inside = false;
  });
  (void)registered;
  if (!current_pool) current_pool = new Pool;
  return current_pool;
}

}  // namespace

void parallel_for(int64_t n, int64_t grain, Body body, void* arg) {
  if (n <= 0) return;
  grain = std::max<int64_t>(grain, 1);
  const int threads = wanted_threads().load(std::memory_order_relaxed);
  if (n <= grain || threads <= 1 || inside || n / grain < 2 || pool_busy.exchange(true, std::memory_order_acquire)) {
    return body(arg, 0, n);
  }
  inside = true;
  Pool* p = pool();
  if (p->sized_for != threads) p->resize(threads - 1);
  // No range smaller than the grain, and the same number for each thread if there are only a few.
  const int64_t grains = n / grain;
  int64_t pieces = std::min<int64_t>(grains, int64_t{kRangesPerThread} * threads);
  pieces = std::max(pieces, std::min<int64_t>(grains / kRangeGrains, int64_t{kMostRangesPerThread} * threads));
  pieces = std::min(pieces, kMostRanges);
  if (pieces > threads) pieces -= pieces % threads;
  const int64_t unit = n / pieces >= 1024 ? 64 : 1;  // no two threads on one cache line
  p->run(n, pieces, unit, grains, body, arg);
  inside = false;
  pool_busy.store(false, std::memory_order_release);
}

int num_threads() { return wanted_threads().load(std::memory_order_relaxed); }

void set_num_threads(int n) {
  if (n < 1) value_error("set_num_threads: n must be at least 1, got ", n);
  wanted_threads().store(n, std::memory_order_relaxed);
}

}  // namespace dovetail
