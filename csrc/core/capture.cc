#include "core/capture.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>

namespace dovetail {

std::atomic<bool> a_capture_is_under_way{false};

namespace {

struct Capture {
  Device device;
  void* stream;
  std::thread::id thread = std::this_thread::get_id();
  std::vector<GraphDraws> draws;
};

std::mutex mutex;  // of `current`; locked after a generator's
std::unique_ptr<Capture> current;

std::unique_ptr<Capture> take_current() {
  std::lock_guard<std::mutex> lock(mutex);
  a_capture_is_under_way.store(false, std::memory_order_relaxed);
  return std::move(current);
}

// Nothing has been drawn yet: the captured kernels have not run. What a launch will draw is what lies between.
void rewind(std::vector<GraphDraws>& draws) {
  for (GraphDraws& each : draws) {
    std::lock_guard<std::mutex> lock(each.generator->mutex);
    const bool seeded = each.generator->key != each.key;  // by another thread
    each.blocks = (seeded ? each.end : each.generator->offset) - each.first;
    if (each.used && !seeded) each.generator->offset = each.first;
  }
}

void release_all(std::vector<GraphDraws>& draws) noexcept {
  for (GraphDraws& each : draws) release(each.generator);
  draws.clear();
}

GraphDraws* find_draws(Capture& capture, const Generator& generator) {
  for (GraphDraws& each : capture.draws)
    if (each.generator == &generator) return &each;
  return nullptr;
}

}  // namespace

// ---- the capture ----------------------------------------------------------------------------------------

void begin_capture(Device device, void* stream, uint64_t pool, int mode) {
  const dt_backend& table = backend(device.kind);
  auto made = std::make_unique<Capture>();
  made->device = device, made->stream = stream;
  std::lock_guard<std::mutex> lock(mutex);
  if (current)
    runtime_error("capture_begin: a graph of ", device_text(current->device),
                  " is being captured already, and there can be one at a time; end that capture first");
  check_status(table.capture_begin(table.self, device.index, stream, pool, mode));
  current = std::move(made);
  a_capture_is_under_way.store(true, std::memory_order_relaxed);
}

Graph* end_capture() {
  const std::unique_ptr<Capture> ended = take_current();
  if (!ended) runtime_error("capture_end: no graph is being captured; call capture_begin first");
  auto graph = std::make_unique<Graph>();
  graph->device = ended->device;
  const dt_backend& table = backend(ended->device.kind);
  const dt_status status = table.capture_end(table.self, ended->device.index, ended->stream, &graph->handle);
  rewind(ended->draws);
  if (status != DT_OK) {
    release_all(ended->draws);
    check_status(status);
  }
  graph->draws = std::move(ended->draws);
  return graph.release();
}

void drop_capture() noexcept {
  const std::unique_ptr<Capture> ended = take_current();
  if (!ended) return;
  const dt_backend& table = backend(ended->device.kind);
  table.capture_end(table.self, ended->device.index, ended->stream, nullptr);
  rewind(ended->draws);
  release_all(ended->draws);
}

bool is_capturing(Device device, void* stream) {
  if (!capture_under_way()) return false;
  const dt_backend& table = backend(device.kind);
  int32_t capturing = 0;
  if (table.capture_query) check_status(table.capture_query(table.self, device.index, stream, &capturing));
  return capturing != 0;
}

bool captures_here(Device device) {
  if (!capture_under_way()) return false;
  const dt_backend& table = backend(device.kind);
  return is_capturing(device, table.current_stream ? table.current_stream(table.self, device.index) : nullptr);
}

void refuse_capture(const char* who, const char* why) {
  runtime_error(who, ": ", why, ", which can't be captured into a graph; do it before or after the capture");
}

// ---- launches -------------------------------------------------------------------------------------------

void launch(Graph& graph, void* stream) {
  if (is_capturing(graph.device, stream)) refuse_capture("replay", "the stream is being captured itself");
  std::vector<dt_draw> places;
  for (GraphDraws& each : graph.draws) {
    std::lock_guard<std::mutex> lock(each.generator->mutex);
    places.push_back({each.generator->key, each.generator->offset});
    if (each.used) each.generator->offset += each.blocks;
  }
  const dt_backend& table = backend(graph.device.kind);
  check_status(table.graph_launch(table.self, graph.device.index, graph.handle, stream, places.data(),
                                  static_cast<int32_t>(places.size())));
}

void destroy(Graph* graph) noexcept {
  const dt_backend& table = backend(graph->device.kind);
  table.graph_destroy(table.self, graph->device.index, graph->handle);
  release_all(graph->draws);
  delete graph;
}

// ---- generators -----------------------------------------------------------------------------------------

void note_draw(Generator& generator, uint64_t key, uint64_t offset, uint64_t blocks) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!current || current->thread != std::this_thread::get_id()) return;
  GraphDraws* found = find_draws(*current, generator);
  if (!found) {
    generator.refs.fetch_add(1, std::memory_order_relaxed);
    current->draws.push_back({&generator, generator.key, generator.offset});
    found = &current->draws.back();
  }
  // Back to what was drawn in this capture is fine: recomputation does it.
  if (key != found->key || offset < found->first)
    refuse_capture("Generator", "a generator would be seeded on the host, once and not by each replay");
  found->end = std::max(found->end, offset + blocks);
}

void find_draw(uint64_t key, uint64_t offset, int32_t* draw, uint64_t* distance) {
  *draw = -1;
  *distance = 0;
  std::lock_guard<std::mutex> lock(mutex);
  if (!current) return;
  for (size_t i = 0; i < current->draws.size(); ++i) {
    GraphDraws& each = current->draws[i];
    if (each.key != key || offset < each.first || offset >= each.end) continue;
    if (*draw >= 0)
      runtime_error(
          "two generators of one seed are drawn from in this capture, and their numbers can't be told apart; "
          "give them different seeds");
    *draw = static_cast<int32_t>(i);
    *distance = offset - each.first;
  }
  if (*draw >= 0) current->draws[*draw].used = true;
}

}  // namespace dovetail
