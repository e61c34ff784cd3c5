// Fourier transforms of lines whose length has no prime factor above 13: the plan of one length.
//
// Radix passes after Stockham, which leave the result in order: each takes its input from one buffer to the other. As
// many lines as a vector has lanes go through them side by side. A long line is a matrix: transforms of its columns,
// factors in between, transforms of its rows (the four-step way), so that what is worked on stays in the cache.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cpu/rounding.h"

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

// What of a plan or of a length is kept for lines side by side lies in blocks of as many numbers, the widest vector's.
constexpr int64_t kFftBlock = 16;
constexpr int64_t kFftApart = 80;  // numbers between parts of a line, which would else be a power of two apart

// Of a length that is not long. Where it can, the first pass is one of radix 16: points in a row then go through it in
// lanes, and leave it so that its sixteen results lie side by side, which the lanes are from there on. The narrowest
// vectors have no radices 8 and 16 (`few`), which their few registers would not hold.
template <class T>
struct FftPlan {
  static constexpr int64_t kFactorBlock = 30 * kFftBlock;  // factors of one block of p's

  int64_t n;
  std::vector<FftPass> passes;
  // Of each pass: for every p < rest, w^p, w^2p ... where w = exp(-2 pi i / (radix * rest)). Of radix 16: for every
  // block of p's, w^p of them, real parts and imaginary ones, then w^2p ... Of radix 7 and more: the roots of 1 first.
  std::vector<T> factors;
};

// Plans are made in double precision.
class FftPlanner {
 public:
  FftPlanner(int64_t n, bool few) : plan_{n, {}, {}}, roots_(n) {
    int64_t left = n;
    const auto take = [&](int radix) {  // 2 last, if ever
      left /= radix;
      plan_.passes.push_back({radix, left, static_cast<int64_t>(plan_.factors.size())});
      if (radix == 16)
        add_blocks();
      else
        add_factors(radix, left);
    };
    if (!few && n % 16 == 0 && n > 16) take(16);
    for (const int radix : {3, 5, 7, 11, 13})
      while (left % radix == 0) take(radix);
    while (!few && left % 8 == 0 && left != 16) take(8);
    while (left % 4 == 0) take(4);
    if (left == 2) take(2);
  }
  template <class T>
  std::unique_ptr<FftPlan<T>> plan() const {
    return std::unique_ptr<FftPlan<T>>(
        new FftPlan<T>{plan_.n, plan_.passes, {plan_.factors.begin(), plan_.factors.end()}});
  }

 private:
  void add_factors(int radix, int64_t rest) {
    const int64_t n = plan_.n;
    const auto add = [&](int64_t e) {
      double root[2];
      roots_.at(e % n, root[0], root[1]);
      plan_.factors.insert(plan_.factors.end(), root, root + 2);
    };
    for (int j = 0; radix > 5 && radix % 2 == 1 && j < radix; ++j) add(j * (n / radix));
    for (int64_t p = 0; p < rest; ++p)
      for (int j = 1; j < radix; ++j) add(p * j * (n / (rest * radix)));
  }
  // Where there are fewer p's than a block has room for, they come again and again, for lines side by side.
  void add_blocks() {
    constexpr int64_t kFactorBlock = FftPlan<double>::kFactorBlock;
    const int64_t rest = plan_.n / 16, blocks = ceil_div(rest, kFftBlock);
    plan_.factors.resize(blocks * kFactorBlock);
    for (int64_t i = 0; i < blocks * kFftBlock; ++i)
      for (int j = 1; j < 16; ++j) {
        double* const to = &plan_.factors[i / kFftBlock * kFactorBlock + (2 * j - 2) * kFftBlock + i % kFftBlock];
        roots_.at(i % rest * j, to[0], to[kFftBlock]);
      }
  }

  FftPlan<double> plan_;
  Roots roots_;
};

constexpr int kFftOdd = 13;  // the greatest radix

// Whether a line is taken for a matrix. One that goes across lanes needs little space.
inline bool is_long(int64_t n, bool few) { return n > (n % 16 == 0 && !few ? 32768 : 4096); }

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
  std::vector<T> turns[2];  // of reals: exp(-2 pi i k / 2n) for k up to n / 2, and room for a vector
  std::vector<T> spread;    // of a long line: for every row r, exp(-2 pi i l r / n) of a block of l's, in two parts

  // `real`: also what the spectrum of 2n reals takes.
  FftLength(int64_t length, bool real, bool few) : n(length) {
    if (real)
      roots = std::make_unique<Roots>(2 * n);
    else if (is_long(n, few))
      roots = std::make_unique<Roots>(n);
    if (is_long(n, few)) {
      rows = near_root(n);
      columns = n / rows;
      second = FftPlanner(columns, few).plan<T>();
      spread.resize(2 * kFftBlock * rows);
      for (int64_t i = 0; i < kFftBlock * rows; ++i) {
        const int64_t row = i / kFftBlock, l = i % kFftBlock;
        put_root(l * row % n, real ? 2 : 1, &spread[2 * kFftBlock * row + l], &spread[(2 * row + 1) * kFftBlock + l]);
      }
    }
    first = FftPlanner(rows ? rows : n, few).plan<T>();
    if (!real) return;
    for (auto& part : turns) part.resize(n / 2 + 1 + kFftBlock);
    for (int64_t k = 0; k <= n / 2; ++k) put_root(k, 1, &turns[0][k], &turns[1][k]);
  }
  // exp(-2 pi i e / n)
  void root(int64_t e, bool real, double& re, double& im) const { roots->at(real ? 2 * e : e, re, im); }

 private:
  void put_root(int64_t e, int64_t by, T* to_re, T* to_im) const {
    double re, im;
    roots->at(by * e, re, im);
    *to_re = static_cast<T>(re);
    *to_im = static_cast<T>(im);
  }
};

// Lines of complex numbers: how far it is, in T, from point to point, from line to line, and from a number's
// real part to its imaginary one.
struct FftLines {
  int64_t point, line, part;
};

// The work of one instruction set (fft.inc). space: `wide` numbers four times for each point of what is transformed at
// once and kFftApart more, a whole line (twice as many for reals), a column or a row.
template <class T>
struct FftKernels {
  int64_t wide;  // lines at once
  // Whether lines go across lanes; from 16 * wide points on they need space for one line only.
  bool (*goes_across)(const FftLength<T>&, FftLines in, FftLines out, int64_t count);
  void (*whole_lines)(const FftLength<T>&, const T* from, FftLines in, T* to, FftLines out, int64_t count, bool forward,
                      T scale, T* space);
  void (*real_lines)(const FftLength<T>&, const T* from, FftLines in, T* to, FftLines out, int64_t count, bool whole,
                     T scale, T* space);
  // What `forward` transforms of real_lines began with, for them to be transformed back: the line of n complex numbers,
  // twice, from half a spectrum, n + 1 numbers in a row. There is room for n + 1. `next`: where the next one is.
  void (*line_of_spectrum)(const FftLength<T>&, const T* from, const T* next, T* to);
  void (*columns_of)(const FftLength<T>&, const T* from, int64_t point, int64_t part, int64_t column, bool forward,
                     bool real, T* const* middle, T* space);
  void (*rows_of)(const FftLength<T>&, T* const* middle, int64_t row, T* to, int64_t point, int64_t part, bool forward,
                  T scale, T* space);
};

}  // namespace dovetail::cpu
