// Generators: a key and the next free counter block.
#include "core/generator.h"

#include <pthread.h>

#include <random>

namespace dovetail {

Generator* default_generator() {
  // Never destroyed: drawing may happen while the process ends. The mutex is held across a fork, so that a child never
  // finds it locked by a thread that it does not have.
  static Generator* const generator = [] {
    auto* made = new Generator;
    seed_from_system(made);
    return made;
  }();
  static const int registered =
      pthread_atfork([] { default_generator()->mutex.lock(); }, [] { default_generator()->mutex.unlock(); },
                     [] { default_generator()->mutex.unlock(); });
  (void)registered;
  return generator;
}

uint64_t reserve(Generator* generator, uint64_t blocks) {
  std::lock_guard<std::mutex> lock(generator->mutex);
  const uint64_t first = generator->offset;
  generator->offset += blocks;
  return first;
}

void manual_seed(Generator* generator, uint64_t seed) {
  std::lock_guard<std::mutex> lock(generator->mutex);
  generator->key = seed;
  generator->offset = 0;
}

uint64_t seed_from_system(Generator* generator) {
  std::random_device source;
  const uint64_t high = source(), low = source();
  const uint64_t seed = ((high << 32) | low) & ((uint64_t{1} << 53) - 1);  // a double holds it exactly
  manual_seed(generator, seed);
  return seed;
}

}  // namespace dovetail
