// The thread pool for work inside one op: small, spinning briefly before it sleeps, safe across fork.
#pragma once

#include <cstdint>

namespace dovetail {

// Split [0, n) into ranges of at least `grain` and run them on the pool, the calling thread included. Runs serially
// when n <= grain, in a forked child that has not asked for threads yet, and inside another parallel_for.
// The first exception-free contract: `body` must not throw.
void parallel_for(int64_t n, int64_t grain, void (*body)(void* arg, int64_t begin, int64_t end), void* arg);

int num_threads();            // by default the CPUs this process may use (affinity and cgroup quota)
void set_num_threads(int n);  // throws Error for n < 1

}  // namespace dovetail
