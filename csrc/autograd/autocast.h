// Autocast: a layer above the transforms that casts what ops are given, so that products run in 16 bits and sums in 32.
// The casts are ops like others: gradients flow back through them. What is cast for which op is a table in Python
// (dovetail/amp/policies.py); the layer is on a thread's stack only where autocast has been turned on.
#pragma once

#include <string>
#include <vector>

#include "dovetail/abi.hpp"

namespace dovetail::autograd {

// What autocast does with an op.
enum class CastPolicy : uint8_t {
  none,             // pass it on
  lower_precision,  // cast its tensors to the region's dtype
  float32,          // cast them to float32, or let its dtype argument say so
  promote,          // cast them to the widest dtype among them
  input_dtype,      // where they differ, compute in float32 and give the result in the first one's dtype
  decompose,        // take it apart: its parts have policies
  banned,           // refuse it
};

// The policy of an op on the devices of a type; an empty type stands for all but the CPU that say nothing of their own.
void set_cast_policy(const std::string& device_type, const std::string& op, CastPolicy policy);
CastPolicy cast_policy(const std::string& device_type, const std::string& op);

// Autocast on the devices of one type, for this thread.
struct AutocastRegion {
  std::string device_type;  // empty: never turned on or off here
  bool enabled = false;
  int32_t dtype = DT_FLOAT16;
};
AutocastRegion autocast_region(int16_t kind);
void set_autocast_region(int16_t kind, const AutocastRegion& region);
std::vector<int16_t> autocast_kinds();  // where it is enabled

// Whether casts of parameters are kept, until the outermost scope is left.
bool autocast_cache_enabled();
void set_autocast_cache_enabled(bool enabled);
void clear_autocast_cache();
size_t autocast_cache_size();

// Entering a scope changes a region; leaving it puts back what was. Scopes nest.
struct AutocastScope {
  int16_t kind = 0;
  AutocastRegion before;
  bool cache_before = true, pushed = false;
};
AutocastScope enter_autocast(int16_t kind, const AutocastRegion& region, bool cache_enabled);
void leave_autocast(const AutocastScope& scope);

// Turns autocast off for a scope: backward runs every op in the dtype of its forward.
class AutocastOff {
 public:
  AutocastOff();
  ~AutocastOff();
  AutocastOff(const AutocastOff&) = delete;

 private:
  std::vector<int16_t> kinds_;  // that were on
};

}  // namespace dovetail::autograd
