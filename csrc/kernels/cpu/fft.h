// Fourier transforms of lines whose length has no prime factor above 5: the plan of one length.
//
// Radix passes after Stockham, which leave the result in order: each takes its input from one buffer to the other. As
// many lines as a vector has lanes go through them side by side. A long line is a matrix: transforms of its columns,
// factors in between, transforms of its rows (the four-step way), so that what is worked on stays in the cache.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

namespace dovetail::cpu {

struct FftPass {
  int radix;
  int64_t rest;     // the length that is left after it
  int64_t factors;  // where its factors begin in the plan's
};

// exp(-2 pi i e / n) as the product of two tables' entries.
class Roots {
 public:
  explicit Roots(int64_t n) : n_(n) {
    while (int64_t{1} << 2 * shift_ < n) ++shift_;
    const int64_t step = int64_t{1} << shift_;
    fill(low_, step, 1);
    fill(high_, n / step + 1, step);
  }
  void at(int64_t e, double& re, double& im) const {
    const int64_t high = e >> shift_;
    const double *a = &high_[2 * high], *b = &low_[2 * (e - (high << shift_))];
    re = a[0] * b[0] - a[1] * b[1];
    im = a[0] * b[1] + a[1] * b[0];
  }

 private:
  void fill(std::vector<double>& table, int64_t count, int64_t by) {
    table.resize(2 * count);
    for (int64_t i = 0; i < count; ++i) {
      const double angle = -6.283185307179586476925 * (static_cast<double>(i * by) / static_cast<double>(n_));
      const bool quarter = 4 * i * by % n_ == 0;  // there one of the two is 0, which the angle's rounding would miss
      table[2 * i] = quarter ? std::round(std::cos(angle)) : std::cos(angle);
      table[2 * i + 1] = quarter ? std::round(std::sin(angle)) : std::sin(angle);
    }
  }
  int64_t n_;
  int shift_ = 0;
  std::vector<double> low_, high_;
};

// Of a length up to kLongest.
template <class T>
struct FftPlan {
  int64_t n;
  std::vector<FftPass> passes;
  std::vector<T> factors;  // of each pass: for every p < rest, w^p, w^2p ... where w = exp(-2 pi i / (radix * rest))

  explicit FftPlan(int64_t length) : n(length) {
    const Roots roots(n);
    for (int64_t left = n; left > 1;) {
      const int radix = left % 4 == 0 ? 4 : left % 2 == 0 ? 2 : left % 3 == 0 ? 3 : 5;
      left /= radix;
      passes.push_back({radix, left, static_cast<int64_t>(factors.size())});
      for (int64_t p = 0; p < left; ++p)
        for (int j = 1; j < radix; ++j) {
          double re, im;
          roots.at(p * j * (n / (left * radix)) % n, re, im);
          factors.push_back(static_cast<T>(re));
          factors.push_back(static_cast<T>(im));
        }
    }
  }
};

constexpr int64_t kLongest = 4096;  // points of a line that is transformed whole

// The factor of n nearest to its root, from below.
inline int64_t near_root(int64_t n) {
  int64_t found = 1;
  for (int64_t a = 1; a * a <= n; ++a)
    if (n % a == 0) found = a;
  return found;
}

// A line of n points, or of all that share its length: what is needed to transform it.
template <class T>
struct FftLength {
  int64_t n;
  int64_t columns = 0, rows = 0;              // of a long line: n = rows * columns; else 0
  std::unique_ptr<FftPlan<T>> first, second;  // of the whole line; of a column and of a row
  std::unique_ptr<Roots> roots;
  std::vector<T> turns;  // of reals that are not many: exp(-2 pi i k / 2n) for k up to n / 2

  // `real`: also what the spectrum of 2n reals takes.
  FftLength(int64_t length, bool real) : n(length) {
    if (real)
      roots = std::make_unique<Roots>(2 * n);
    else if (n > kLongest)
      roots = std::make_unique<Roots>(n);
    if (n > kLongest) {
      rows = near_root(n);
      columns = n / rows;
      second = std::make_unique<FftPlan<T>>(columns);
    }
    first = std::make_unique<FftPlan<T>>(rows ? rows : n);
    for (int64_t k = 0; real && !rows && k <= n / 2; ++k) {
      double re, im;
      roots->at(k, re, im);
      turns.insert(turns.end(), {static_cast<T>(re), static_cast<T>(im)});
    }
  }
  // exp(-2 pi i e / n)
  void root(int64_t e, bool real, double& re, double& im) const { roots->at(real ? 2 * e : e, re, im); }
};

// Lines of complex numbers: how far it is, in T, from point to point, from line to line, and from a number's
// real part to its imaginary one.
struct FftLines {
  int64_t point, line, part;
};

// The work of one instruction set (fft.inc). space: `wide` numbers four times for each point of what is transformed at
// once, a whole line (twice as many for reals), a column or a row.
template <class T>
struct FftKernels {
  int64_t wide;  // lines at once
  void (*whole_lines)(const FftLength<T>&, const T* from, FftLines in, T* to, FftLines out, int64_t count, bool forward,
                      T scale, T* space);
  void (*real_lines)(const FftLength<T>&, const T* from, FftLines in, T* to, FftLines out, int64_t count, bool whole,
                     T scale, T* space);
  void (*columns_of)(const FftLength<T>&, const T* from, int64_t point, int64_t part, int64_t column, bool forward,
                     bool real, T* const* middle, T* space);
  void (*rows_of)(const FftLength<T>&, T* const* middle, int64_t row, T* to, int64_t point, bool forward, T scale,
                  T* space);
};

}  // namespace dovetail::cpu
