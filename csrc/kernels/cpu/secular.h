// The roots of 1/rho + sum z_i^2 / (d_i - x): the eigenvalues of diag(d) + rho z z', and its eigenvectors.
//
// Everything is computed in double precision, also for float matrices: then sums need no more than their terms.
#pragma once

#include <cstdint>

namespace dovetail::cpu {

constexpr int64_t kRoots = 8;  // found together, one a lane

// Arrays that are written hold a multiple of kRoots numbers.
struct Secular {
  int64_t count;
  const double* poles;       // ascending, none twice
  const double* z;           // none 0
  double reach;              // twice how far above the last pole the last root is at most
  double inverse_rho;        // above 0
  double tolerance;          // of the sum, relative to its terms
  double last_step;          // relative to a pole's distance: the next would be below the tolerance
  double *origins, *shifts;  // root j is origins[j] + shifts[j], the first of which is the pole next to it
};

// Roots [first, first + kRoots).
void secular_roots(const Secular& s, int64_t first);

// weights[i] for i in [first, first + kRoots): the z whose eigenvalues the roots are exactly (Gu and Eisenstat), times
// some constant. With it the vectors are orthogonal however near roots are.
void secular_weights(const Secular& s, int64_t first, double* weights);

// Eigenvector `root`, of length 1, with its elements in the order in which poles and weights are given here.
void secular_vector(const Secular& s, int64_t root, const double* poles, const double* weights, float* out);
void secular_vector(const Secular& s, int64_t root, const double* poles, const double* weights, double* out);

}  // namespace dovetail::cpu
