// What a backend finds its kernels in: a value for every op and dtype.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace dovetail {

template <class Value>
class KernelMap {
 public:
  // For `op` when its first dtype (the compute dtype of elementwise and reduction ops, else that of the first tensor
  // argument, or the result's; -1 where there is none) is `dtype`.
  void add(const char* op, int32_t dtype, const Value& value) { add(op, dtype, -1, value); }
  // For exactly this pair (copy: destination, source).
  void add(const char* op, int32_t first, int32_t second, const Value& value) {
    values_[key(op, first, second)] = value;
  }
  // All of another table; what is here already stays.
  void add_all(const KernelMap& other) { values_.insert(other.values_.begin(), other.values_.end()); }

  const Value* find(const char* op, const int32_t* dtypes, int32_t n) const {
    const int32_t first = n > 0 ? dtypes[0] : -1;
    auto found = values_.end();
    if (n > 1) found = values_.find(key(op, first, dtypes[1]));
    if (found == values_.end()) found = values_.find(key(op, first, -1));
    return found == values_.end() ? nullptr : &found->second;
  }
  // Calls visit(op, value) for those of this first dtype, whatever the second.
  template <class Visit>
  void for_each(int32_t dtype, Visit visit) const {
    const std::string end = key("", dtype, -1);
    for (const auto& [name, value] : values_) {
      const size_t slash = name.find('/');
      if (name.compare(slash, std::string::npos, end) == 0) visit(name.substr(0, slash), value);
    }
  }

 private:
  static std::string key(const char* op, int32_t first, int32_t second) {
    return std::string(op) + "/" + std::to_string(first) + "/" + std::to_string(second);
  }
  std::unordered_map<std::string, Value> values_;
};

}  // namespace dovetail
