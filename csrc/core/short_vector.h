// A vector whose first few elements need no memory of their own.
#pragma once

#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace dovetail {

template <class T, int kFew>
class ShortVector {
 public:
  ShortVector() = default;
  ShortVector(ShortVector&& other) noexcept : many_(std::move(other.many_)), count_(std::exchange(other.count_, 0)) {
    const int few = count_ < kFew ? count_ : kFew;
    std::uninitialized_move_n(other.few(), few, this->few());
    std::destroy_n(other.few(), few);
  }
  ShortVector& operator=(ShortVector&&) = delete;
  ~ShortVector() { std::destroy_n(few(), count_ < kFew ? count_ : kFew); }

  void push_back(T value) { emplace_back(std::move(value)); }
  // From its parts, where it is to be: a copy of a struct would wait for the stores that wrote it.
  template <class... Parts>
  void emplace_back(Parts&&... parts) {
    if (count_ < kFew) {
      new (few() + count_++) T{std::forward<Parts>(parts)...};
      return;
    }
    if (count_ == kFew) {
      many_.reserve(2 * kFew);
      for (int i = 0; i < kFew; ++i) many_.push_back(std::move(few()[i]));
    }
    many_.push_back(T{std::forward<Parts>(parts)...});
    ++count_;
  }

  int size() const { return count_; }
  T* data() { return count_ <= kFew ? few() : many_.data(); }
  const T* data() const { return count_ <= kFew ? few() : many_.data(); }
  T* begin() { return data(); }
  T* end() { return data() + count_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + count_; }
  T& operator[](int i) { return data()[i]; }
  const T& operator[](int i) const { return data()[i]; }

 private:
  T* few() { return reinterpret_cast<T*>(room_); }
  const T* few() const { return reinterpret_cast<const T*>(room_); }

  alignas(T) unsigned char room_[kFew * sizeof(T)];  // only the elements there are have been constructed
  std::vector<T> many_;                              // all of them, once there are more than a few
  int count_ = 0;
};

}  // namespace dovetail
