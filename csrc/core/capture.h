// Graphs of a backend: work that is captured from a stream and launched again as a whole. What core adds is what a
// graph takes from the generators, and the refusal of what would wait for the device meanwhile.
#pragma once

#include <atomic>
#include <vector>

#include "core/backend.h"
#include "core/generator.h"

namespace dovetail {

// What the captured work draws from one generator. A launch draws as much of it, from where it then stands.
struct GraphDraws {
  Generator* generator;  // owned
  uint64_t key, first;   // where it stood before the capture
  uint64_t end = 0;      // of what was drawn from it meanwhile
  uint64_t blocks = 0;   // how far the captured work moves it
  bool used = false;     // by a kernel that was captured
};

struct Graph {
  Device device;
  void* handle = nullptr;  // the backend's
  std::vector<GraphDraws> draws;
};

// One capture at a time is under way in the process. It is over after end_capture, also when that throws, and whatever
// generators it drew from are back where they were.
void begin_capture(Device device, void* stream, uint64_t pool, int mode);
Graph* end_capture();
void drop_capture() noexcept;  // nothing where none is under way

void launch(Graph& graph, void* stream);
void destroy(Graph* graph) noexcept;

extern std::atomic<bool> a_capture_is_under_way;
inline bool capture_under_way() { return __builtin_expect(a_capture_is_under_way.load(std::memory_order_relaxed), 0); }
bool is_capturing(Device device, void* stream);

// Refuse what waits for the device while its current stream is captured: `why` it would.
[[noreturn]] void refuse_capture(const char* who, const char* why);
bool captures_here(Device device);

// This thread is about to draw blocks at (key, offset) from the generator, which is locked, or to put it there. Refuses
// a place that no launch could reach.
void note_draw(Generator& generator, uint64_t key, uint64_t offset, uint64_t blocks);
// dt_api.captured_draw
void find_draw(uint64_t key, uint64_t offset, int32_t* draw, uint64_t* distance);

}  // namespace dovetail
