// The eigenvectors of a symmetric tridiagonal matrix by divide and conquer (Cuppen; Gu and Eisenstat; LAPACK's stedc).
//
// Cut in two, T is blocks plus rho u u', so in the blocks' eigenvectors it is diag(d) + rho z z'. Where z_i is next to
// nothing, or d_i and d_j next to each other, an eigenvector stays; the others come from the secular equation and
// are multiplied by the blocks' vectors. Blocks of at most 16 go by the QL algorithm.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "kernels/cpu/secular.h"
#include "kernels/cpu/tridiagonal.h"

namespace dovetail::cpu {
namespace {

constexpr int64_t kLeaf = 16;

template <class T>
constexpr double kRounding = std::numeric_limits<T>::epsilon() / 2;

// ---- leaves ---------------------------------------------------------------------------------------------------

template <class T>
DOVETAIL_CLONES void rotate(T* __restrict x, T* __restrict y, int64_t n, T c, T s) {
  for (int64_t i = 0; i < n; ++i) {
    const T u = x[i], v = y[i];
    x[i] = c * u + s * v, y[i] = c * v - s * u;
  }
}

double length(double a, double b) {
  const double square = a * a + b * b;
  return square > 1e-280 && square < 1e280 ? std::sqrt(square) : std::hypot(a, b);
}

// One implicit QL sweep over rows [low, high] with a shift near d[low]; `rows` are turned as T's are.
template <class T>
void sweep(double* d, double* e, int64_t low, int64_t high, T (*rows)[kLeaf]) {
  const double half = (d[low + 1] - d[low]) / (2 * e[low]);
  double g = d[high] - d[low] + e[low] / (half + std::copysign(length(half, 1), half));
  double s = 1, c = 1, taken = 0;
  for (int64_t i = high; i-- > low;) {
    const double f = s * e[i], b = c * e[i], r = length(f, g);
    e[i + 1] = r;
    if (r == 0) {  // it has come apart here
      d[i + 1] -= taken;
      e[high] = 0;
      return;
    }
    s = f / r, c = g / r;
    const double kept = d[i + 1] - taken, more = (d[i] - kept) * s + 2 * c * b;
    taken = s * more;
    d[i + 1] = kept + taken;
    g = c * more - b;
    rotate(rows[i], rows[i + 1], kLeaf, static_cast<T>(c), static_cast<T>(-s));
  }
  d[low] -= taken;
  e[low] = g, e[high] = 0;
}

// Eigenvalues of T in place, ascending, and the eigenvectors as rows of an array. `e` has n numbers, of which the last
// does not count. False: no end of sweeps.
template <class T>
bool ql(double* d, double* e, int64_t n, T (*rows)[kLeaf]) {
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < kLeaf; ++j) rows[i][j] = T(i == j);
  e[n - 1] = 0;
  for (int64_t low = 0; low < n; ++low) {
    for (int turn = 0;; ++turn) {
      int64_t high = low;
      const auto joined = [&](int64_t i) {
        return std::abs(e[i]) > kRounding<double> * (std::abs(d[i]) + std::abs(d[i + 1]));
      };
      while (high < n - 1 && joined(high)) ++high;
      if (high == low) break;
      if (turn == 60) return false;
      sweep(d, e, low, high, rows);
    }
  }
  for (int64_t i = 0; i + 1 < n; ++i) {
    const int64_t least = std::min_element(d + i, d + n) - d;
    if (least == i) continue;
    std::swap(d[i], d[least]);
    std::swap_ranges(rows[i], rows[i] + kLeaf, rows[least]);
  }
  return true;
}

// ---- two blocks -----------------------------------------------------------------------------------------------

struct Node {
  int64_t at = 0, size = 0;
  int64_t half() const { return size / 2; }
};

// The node or leaf that is met `depth` halvings down, by the bits of `index`. Size 0: there is none, or an index with
// fewer bits has met the leaf.
Node node_at(int64_t n, int depth, int64_t index) {
  Node node{0, n};
  for (int bit = depth; bit-- > 0;) {
    const bool second = index >> bit & 1;
    if (node.size <= kLeaf) {
      if (index & ((int64_t{2} << bit) - 1)) return {};
      break;
    }
    const int64_t half = node.half();
    node = second ? Node{node.at + half, node.size - half} : Node{node.at, half};
  }
  return node;
}

enum Kind : int64_t { kFirst, kBoth, kSecond };  // in which rows of T a vector has numbers

template <class T>
struct Merge {
  const Divided<T>& all;
  Node node;
  double* d;
  double *z, *poles, *origins, *shifts, *weights, *sorted_poles, *sorted_weights;
  int64_t *kinds, *active, *gone, *sorted;  // vectors of the node; those that change, ascending; those that stay
  int64_t count = 0, stay = 0, first_count = 0, second_count = 0;
  double rho = 0, scale = 1, reach = 0;

  Merge(const Divided<T>& all, Node node) : all(all), node(node), d(all.diagonal + node.at) {
    const int64_t numbers = 2 * all.n + 64;
    double* const mine = all.numbers + 2 * node.at;
    z = mine, poles = z + numbers, origins = poles + numbers, shifts = origins + numbers;
    weights = shifts + numbers, sorted_poles = weights + numbers, sorted_weights = sorted_poles + numbers;
    kinds = all.places + node.at;
    active = kinds + all.n, gone = active + all.n, sorted = gone + all.n;
  }
  T* vector(int64_t i) const { return all.vectors + (node.at + i) * all.lead + node.at; }
  T* fresh(int64_t i) const { return all.fresh + (node.at + i) * all.lead + node.at; }
  int64_t half() const { return node.half(); }

  void couple();
  void deflate();
  void group();
  Secular secular() const;
  int64_t factor_lead() const { return (count + 15) / 16 * 16 + 16; }
  int64_t first_rows() const { return first_count; }
  int64_t second_rows() const { return second_count; }
  T* first_panels() const { return all.panels + node.at * (all.n + 2 * kPanel<T>); }
  T* second_panels() const { return first_panels() + panels_size<T>(first_rows(), half()); }
  void lay_panels(int64_t panel) const;
  void multiply(int64_t begin, int64_t end) const;
  void order();
  void place(int64_t begin, int64_t end) const;
};

// rho and z, the former with the whole scaled to about 1.
template <class T>
void Merge<T>::couple() {
  const double beside = all.beside[node.at + half() - 1];
  for (int64_t i = 0; i < node.size; ++i) {
    const bool second = i >= half();
    const double value = static_cast<double>(vector(i)[second ? half() : half() - 1]) * std::sqrt(0.5);
    z[i] = second && beside < 0 ? -value : value;
    kinds[i] = second ? kSecond : kFirst;
  }
  rho = 2 * std::abs(beside);
  double largest = rho;
  for (int64_t i = 0; i < node.size; ++i) largest = std::max(largest, std::abs(d[i]));
  scale = largest > 0 ? std::ldexp(1.0, std::min(1000, -std::ilogb(largest))) : 1;
  rho *= scale;
  for (int64_t i = 0; i < node.size; ++i) d[i] *= scale;
  std::iota(sorted, sorted + node.size, int64_t{0});
  std::merge(sorted, sorted + half(), sorted + half(), sorted + node.size, active,
             [&](int64_t i, int64_t j) { return d[i] < d[j]; });
  std::copy_n(active, node.size, sorted);
}

template <class T>
void Merge<T>::deflate() {
  constexpr double kLeast = 8 * kRounding<T> * 2;  // of what is at most 2
  int64_t before = -1;
  double squares = 0;
  const auto keep = [&](int64_t i) {
    poles[count] = d[i], squares += z[i] * z[i];
    active[count++] = i;
  };
  for (int64_t k = 0; k < node.size; ++k) {
    const int64_t i = sorted[k];
    if (rho * std::abs(z[i]) <= kLeast) {
      gone[stay++] = i;
      continue;
    }
    if (before >= 0) {
      const double size = length(z[i], z[before]), c = z[i] / size, s = -z[before] / size, gap = d[i] - d[before];
      if (std::abs(gap * c * s) <= kLeast) {
        z[i] = size;
        if (kinds[i] != kinds[before]) kinds[i] = kBoth;
        rotate(vector(before), vector(i), node.size, static_cast<T>(c), static_cast<T>(s));
        const double low = d[before] * c * c + d[i] * s * s;
        d[i] = d[before] * s * s + d[i] * c * c;
        d[before] = low;
        gone[stay++] = before;
      } else {
        keep(before);
      }
    }
    before = i;
  }
  if (before >= 0) keep(before);
  reach = 2 * rho * squares;
}

// Vectors with numbers in the first rows of T alone, in both halves, in the second alone: each half's product has no
// more depth than it needs.
template <class T>
void Merge<T>::group() {
  int64_t counts[4] = {};
  for (int64_t j = 0; j < count; ++j) ++counts[kinds[active[j]] + 1];
  first_count = counts[1] + counts[2], second_count = counts[2] + counts[3];
  counts[2] += counts[1];
  counts[3] += counts[2];
  for (int64_t j = 0; j < count; ++j) sorted[counts[kinds[active[j]]]++] = j;
  for (int64_t j = 0; j < count; ++j) sorted_poles[j] = poles[sorted[j]];
  // z by its order among the active ones; the old places are behind.
  for (int64_t j = 0; j < count; ++j) weights[j] = z[active[j]];
  std::copy_n(weights, count, z);
}

template <class T>
Secular Merge<T>::secular() const {
  constexpr bool kDouble = std::is_same_v<T, double>;
  return {count,   poles, z, reach, 1 / rho, kDouble ? 8 * kRounding<double> : 1e-10, kDouble ? 1e-9 : 1e-5,
          origins, shifts};
}

// Panel `panel` of the right operands: the old vectors.
template <class T>
void Merge<T>::lay_panels(int64_t panel) const {
  constexpr int64_t kLine = kPanel<T>;
  const int64_t of_first = ceil_div(half(), kLine);
  const bool second = panel >= of_first;
  const int64_t p = second ? panel - of_first : panel, rows = second ? second_rows() : first_rows();
  const int64_t from = p * kLine, width = second ? node.size - half() : half();
  const int64_t used = std::min(kLine, width - from);
  const int64_t* const which = sorted + (second ? count - rows : 0);
  T* to = (second ? second_panels() : first_panels()) + from * rows;
  for (int64_t k = 0; k < rows; ++k, to += kLine) {
    const T* const source = vector(active[which[k]]) + (second ? half() : 0) + from;
    if (used == kLine) {
      std::memcpy(to, source, sizeof(T) * kLine);
    } else {
      std::copy_n(source, used, to);
      std::fill(to + used, to + kLine, T(0));
    }
  }
}

// New vectors [begin, end).
template <class T>
void Merge<T>::multiply(int64_t begin, int64_t end) const {
  const Secular equation = secular();
  const int64_t lead = factor_lead();
  T* const factors = all.factors + node.at * all.factor_lead();
  for (int64_t j = begin; j < end; ++j) secular_vector(equation, j, sorted_poles, sorted_weights, factors + j * lead);
  const T* const from = factors + begin * lead;
  row_product({from, lead, end - begin, first_rows(), first_panels(), half(), nullptr, 0, fresh(begin), all.lead});
  row_product({from + count - second_rows(), lead, end - begin, second_rows(), second_panels(), node.size - half(),
               nullptr, 0, fresh(begin) + half(), all.lead});
}

// All eigenvalues ascending, and where the vectors come from: fresh ones below `count`, those that stay above.
template <class T>
void Merge<T>::order() {
  std::sort(gone, gone + stay, [&](int64_t i, int64_t j) { return d[i] != d[j] ? d[i] < d[j] : i < j; });
  for (int64_t k = 0; k < stay; ++k) z[k] = d[gone[k]] / scale;
  for (int64_t k = 0; k < stay; ++k) std::copy_n(vector(gone[k]), node.size, fresh(count + k));
  int64_t next = 0, kept = 0;
  for (int64_t i = 0; i < node.size; ++i) {
    const double value = next < count ? (origins[next] + shifts[next]) / scale : 0;
    const bool old = next == count || (kept < stay && z[kept] <= value);
    d[i] = old ? z[kept] : value;
    sorted[i] = old ? count + kept++ : next++;
  }
}

template <class T>
void Merge<T>::place(int64_t begin, int64_t end) const {
  for (int64_t i = begin; i < end; ++i) std::memcpy(vector(i), fresh(sorted[i]), sizeof(T) * node.size);
}

template <class T>
void merge(dt_kernel_context* ctx, const Divided<T>& all, Node node) {
  constexpr int64_t kLine = kPanel<T>, kRows = 48;
  Merge<T> m(all, node);
  m.couple();
  m.deflate();
  const int64_t size = node.size, count = m.count;
  const auto parts = [&](int64_t n, int64_t by, int64_t work, const auto& body) {
    parallel(ctx, ceil_div(n, by), std::max<int64_t>(1, kGrain / (by * work)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin * by; i < std::min(end * by, n); i += by) body(i, std::min(i + by, n));
    });
  };
  if (count > 0) {
    m.group();
    const Secular equation = m.secular();
    parts(count, kRoots, 8 * count, [&](int64_t i, int64_t) { secular_roots(equation, i); });
    parts(count, kRoots, 2 * count, [&](int64_t i, int64_t) { secular_weights(equation, i, m.weights); });
    for (int64_t j = 0; j < count; ++j) m.sorted_weights[j] = m.weights[m.sorted[j]];
    const int64_t first = ceil_div(m.half(), kLine), second = ceil_div(size - m.half(), kLine);
    parts(first + second, 1, kLine * count / 4, [&](int64_t i, int64_t) { m.lay_panels(i); });
    parts(count, kRows, size * count / 8, [&](int64_t begin, int64_t end) { m.multiply(begin, end); });
  }
  m.order();
  parts(size, kRows, size / 4, [&](int64_t begin, int64_t end) { m.place(begin, end); });
}

}  // namespace

template <class T>
void Divided<T>::take(Arena& arena) {
  vectors = arena.take<T>(n * lead);
  factors = arena.take<T>(n * factor_lead());
  panels = arena.take<T>(n * (n + 2 * kPanel<T>));
  numbers = arena.take<double>(kNumbers * (2 * n + 64));
  places = arena.take<int64_t>(kPlaces * n);
}

template <class T>
bool Divided<T>::solve(dt_kernel_context* ctx) const {
  int depth = 0;
  while (((n - 1) >> depth) + 1 > kLeaf) ++depth;
  for (int level = 0; level < depth; ++level) {
    for (int64_t index = 0; index < int64_t{1} << level; ++index) {
      const Node node = node_at(n, level, index);
      if (node.size <= kLeaf) continue;
      const int64_t cut = node.at + node.half();
      const double rho = std::abs(beside[cut - 1]);
      diagonal[cut - 1] -= rho, diagonal[cut] -= rho;
    }
  }
  std::atomic<bool> solved{true};
  parallel(ctx, int64_t{1} << depth, 2, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      const Node leaf = node_at(n, depth, index);
      if (leaf.size == 0) continue;
      T rows[kLeaf][kLeaf];
      double e[kLeaf];
      std::copy_n(beside + leaf.at, leaf.size, e);
      if (!ql(diagonal + leaf.at, e, leaf.size, rows)) solved = false;
      for (int64_t i = 0; i < leaf.size; ++i) {
        T* const row = vectors + (leaf.at + i) * lead;
        std::fill_n(row, n, T(0));
        std::copy_n(rows[i], leaf.size, row + leaf.at);
      }
    }
  });
  for (int level = depth; solved && level-- > 0;) {
    const auto run = [&](int64_t begin, int64_t end) {
      for (int64_t index = begin; index < end; ++index) {
        const Node node = node_at(n, level, index);
        if (node.size > kLeaf) merge(ctx, *this, node);
      }
    };
    if (level >= 2)
      parallel(ctx, int64_t{1} << level, 1, run);
    else
      run(0, int64_t{1} << level);
  }
  return solved;
}

template struct Divided<float>;
template struct Divided<double>;

}  // namespace dovetail::cpu
