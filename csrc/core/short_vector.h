// A vector whose first few elements need no memory of their own.
#pragma once

#include <utility>
#include <vector>

namespace dovetail {

template <class T, int kFew>
class ShortVector {
 public:
  void push_back(T value) {
    if (count_ < kFew) {
      few_[count_++] = std::move(value);
      return;
    }
    if (count_ == kFew) {
      many_.reserve(2 * kFew);
      for (T& one : few_) many_.push_back(std::move(one));
    }
    many_.push_back(std::move(value));
    ++count_;
  }

  int size() const { return count_; }
  T* data() { return count_ <= kFew ? few_ : many_.data(); }
  const T* data() const { return count_ <= kFew ? few_ : many_.data(); }
  T* begin() { return data(); }
  T* end() { return data() + count_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + count_; }
  T& operator[](int i) { return data()[i]; }
  const T& operator[](int i) const { return data()[i]; }

 private:
  T few_[kFew];
  std::vector<T> many_;  // all of them, once there are more than a few
  int count_ = 0;
};

}  // namespace dovetail
