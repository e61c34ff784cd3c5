#include "core/backend.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/allocator.h"
#include "core/execute.h"

namespace dovetail {

// ---- the table of backends ------------------------------------------------------------------------------

namespace {

constexpr int kMostBackends = 16;  // dt_op::kernels has as many
const dt_backend* tables[kMostBackends];
std::atomic<int> table_count{0};
std::mutex register_mutex;

void cpu_stats(dt_memory_stats* out, int reset_peaks) { cpu_memory_stats(out, reset_peaks != 0); }

void ensure_cpu() {
  [[maybe_unused]] static const bool once = [] {
    tables[0] = dovetail_cpu_backend(&cpu_alloc, [](void* data, size_t bytes) { cpu_free(data, bytes); }, &cpu_stats);
    table_count.store(1, std::memory_order_release);
    return true;
  }();
}

#define HAS_SLOT(table, member) ((table)->struct_size >= offsetof(dt_backend, member) + sizeof((table)->member))

// A device type: a letter, then letters, digits and underscores, all lower case.
bool is_device_type(std::string_view name) {
  const auto lower = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && lower(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return lower(c) || (c >= '0' && c <= '9'); });
}

// Nothing but the version and the size is read before they are known to be right.
void check_table(const dt_backend* table) {
  if (table->struct_size < offsetof(dt_backend, device_count) || table->struct_size > (1u << 20))
    fail(DT_ERR_RUNTIME, "backend: struct_size must be sizeof(dt_backend), got ", table->struct_size);
  const std::string name = table->abi_major == DT_ABI_MAJOR && table->name ? table->name : "(unnamed)";
  if (table->abi_major != DT_ABI_MAJOR)
    fail(DT_ERR_RUNTIME, "backend ", name, ": built for ABI ", table->abi_major, ".", table->abi_minor,
         ", but this tensor-core offers ", DT_ABI_MAJOR, ".", DT_ABI_MINOR,
         table->abi_major > DT_ABI_MAJOR ? ": upgrade dovetail-tensor-core" : ": upgrade the backend");
  if (table->abi_minor > DT_ABI_MINOR)
    fail(DT_ERR_RUNTIME, "backend ", name, ": needs ABI ", table->abi_major, ".", table->abi_minor,
         ", but this tensor-core offers ", DT_ABI_MAJOR, ".", DT_ABI_MINOR, ": upgrade dovetail-tensor-core");
  if (!table->name || !HAS_SLOT(table, copy) || !table->device_count || !table->get_kernel || !table->alloc ||
      !table->free || !table->copy)
    value_error("backend ", name, ": name, device_count, get_kernel, alloc, free and copy must be given");
  if (!is_device_type(name))
    value_error("backend ", name, ": the name must be of lower-case letters, digits and underscores");
}

}  // namespace

int16_t register_backend(const dt_backend* table) {
  check_table(table);
  ensure_cpu();
  std::lock_guard lock(register_mutex);
  const int count = table_count.load();
  for (int i = 0; i < count; ++i)
    if (std::string_view(tables[i]->name) == table->name)
      value_error("backend ", table->name, ": a backend of that name is registered already");
  if (count == kMostBackends)
    value_error("backend ", table->name, ": there can be no more than ", kMostBackends, " backends");
  // A table compiled against an older minor is shorter: what it lacks is absent.
  auto* full = static_cast<dt_backend*>(std::calloc(1, sizeof(dt_backend)));
  std::memcpy(static_cast<void*>(full), table, std::min<size_t>(table->struct_size, sizeof(dt_backend)));
  tables[count] = full;
  table_count.store(count + 1, std::memory_order_release);
  return static_cast<int16_t>(count);
}

const dt_backend& backend(int kind) {
  if (__builtin_expect(kind < 0 || kind >= table_count.load(std::memory_order_acquire), 0)) {
    ensure_cpu();
    if (kind < 0 || kind >= table_count.load()) value_error("device: there is no backend number ", kind);
  }
  return *tables[kind];
}

int backend_count() {
  ensure_cpu();
  return table_count.load();
}

int backend_by_name(std::string_view name) {
  for (int i = 0; i < backend_count(); ++i)
    if (name == tables[i]->name) return i;
  return -1;
}

// ---- devices --------------------------------------------------------------------------------------------

std::string device_text(Device device) {
  std::string text = backend(device.kind).name;
  if (device.kind != 0 && device.index >= 0) text += ":" + std::to_string(device.index);
  return text;
}

Device parse_device(const std::string& text) {
  const size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  const int kind = backend_by_name(name);
  if (kind < 0) {
    std::string known;
    for (int i = 0; i < backend_count(); ++i) known += std::string(i ? ", " : "") + tables[i]->name;
    const char* remedy = name != "cuda" ? ""
                                        : "; CUDA needs the distribution dovetail-tensor-core-cuda: "
                                          "pip install dovetail-tensor-core-cuda";
    value_error("device: there is no device '", text, "' here, only: ", known, remedy);
  }
  Device device{static_cast<int16_t>(kind), static_cast<int16_t>(kind == 0 ? 0 : -1)};
  if (colon == std::string::npos) return device;
  const std::string digits = text.substr(colon + 1);
  if (digits.empty() || digits.size() > 4 || digits.find_first_not_of("0123456789") != std::string::npos)
    value_error("device: expected an index after the colon, as in '", name, ":0', got '", text, "'");
  device.index = static_cast<int16_t>(kind == 0 ? 0 : std::stoi(digits));
  return device;
}

namespace {
struct DefaultDevice {
  bool chosen = false;
  Device device = kCpu;
};
__attribute__((tls_model("initial-exec"))) thread_local DefaultDevice chosen_device;  // spares a call at each use
}  // namespace

const Device* default_device() { return chosen_device.chosen ? &chosen_device.device : nullptr; }

void set_default_device(const Device* device) {
  chosen_device.chosen = device != nullptr;
  chosen_device.device = device ? *device : kCpu;
}

Device resolve_device(Device device) {
  if (device.kind == 0) return kCpu;
  if (device.index >= 0) return device;
  const dt_backend& table = backend(device.kind);
  device.index = static_cast<int16_t>(table.current_device ? table.current_device(table.self) : 0);
  return device;
}

void check_device(const char* who, Device device) {
  if (device.kind == 0) return;
  const dt_backend& table = backend(device.kind);
  const int count = table.device_count(table.self);
  if (count == 0)
    runtime_error(who, ": device ", device_text(device), " is absent: ",
                  table.explain ? table.explain(table.self) : (std::string("no ") + table.name + " device").c_str());
  if (device.index >= count)
    value_error(who, ": device ", device_text(device), " is absent; there ",
                count == 1 ? "is 1 device" : "are fewer devices", " of that type (", count, ")");
}

// ---- kernels --------------------------------------------------------------------------------------------

namespace {

// The kernels of one op on one device kind: by the first dtype (0: none given), or by the first two (copy, gather).
// Read without a lock; grows by copying, and the old table is left to readers that hold it.
constexpr int kSide = DT_DTYPE_COUNT + 1;
struct KernelCache {
  dt_kernel kernels[kSide * kSide];
  bool known[kSide * kSide];
};

std::mutex cache_mutex;
std::unordered_map<std::string, dt_kernel> several;  // (op, kind, dtypes) with more than two dtypes

dt_kernel ask(const Op& op, int kind, const DType* dtypes, int n) {
  const dt_backend& table = backend(kind);
  dt_kernel kernel{nullptr, nullptr};
  check_status(table.get_kernel(table.self, op.name().c_str(), dtypes, n, &kernel));
  return kernel;
}

__attribute__((noinline)) dt_kernel ask_once(const Op& op, int kind, const DType* dtypes, int n, int index) {
  auto& slot = const_cast<Op&>(op).kernels[kind];
  const dt_kernel kernel = ask(op, kind, dtypes, n);
  std::lock_guard lock(cache_mutex);
  auto* old = static_cast<KernelCache*>(slot.load());
  auto* fresh = old ? new KernelCache(*old) : new KernelCache{};
  fresh->kernels[index] = kernel;
  fresh->known[index] = true;
  slot.store(fresh, std::memory_order_release);
  return kernel;
}

__attribute__((noinline)) dt_kernel find_by_several(const Op& op, int kind, const DType* dtypes, int n) {
  std::string key(reinterpret_cast<const char*>(dtypes), sizeof(DType) * n);
  key.append(reinterpret_cast<const char*>(&op.id), sizeof(op.id)).push_back(static_cast<char>(kind));
  {
    std::lock_guard lock(cache_mutex);
    auto found = several.find(key);
    if (found != several.end()) return found->second;
  }
  const dt_kernel kernel = ask(op, kind, dtypes, n);
  std::lock_guard lock(cache_mutex);
  several.emplace(std::move(key), kernel);
  return kernel;
}

}  // namespace

dt_kernel find_kernel(const Op& op, int kind, const DType* dtypes, int n) {
  if (__builtin_expect(n > 2, 0)) return find_by_several(op, kind, dtypes, n);
  const int index = (n > 0 ? dtypes[0] + 1 : 0) * kSide + (n > 1 ? dtypes[1] + 1 : 0);
  const auto* cache = static_cast<const KernelCache*>(op.kernels[kind].load(std::memory_order_acquire));
  if (__builtin_expect(cache && cache->known[index], 1)) return cache->kernels[index];
  return ask_once(op, kind, dtypes, n, index);
}

}  // namespace dovetail
