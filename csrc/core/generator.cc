// Generators: a key and the next free counter block.
#include "core/generator.h"

#include <pthread.h>

#include <random>

#include "core/capture.h"

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
  if (capture_under_way()) note_draw(*generator, generator->key, generator->offset, blocks);
  const uint64_t first = generator->offset;
  generator->offset += blocks;
  return first;
}

void set_state(Generator* generator, uint64_t key, uint64_t offset) {
  std::lock_guard<std::mutex> lock(generator->mutex);
  if (capture_under_way()) note_draw(*generator, key, offset, 0);
  generator->key = key;
  generator->offset = offset;
}

void manual_seed(Generator* generator, uint64_t seed) { set_state(generator, seed, 0); }

void release(Generator* generator) noexcept {
  if (generator && generator->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete generator;
}

uint64_t seed_from_system(Generator* generator) {
  std::random_device source;
  const uint64_t high = source(), low = source();
  const uint64_t seed = ((high << 32) | low) & ((uint64_t{1} << 53) - 1);  // a double holds it exactly
  manual_seed(generator, seed);
  return seed;
}

}  // namespace dovetail
