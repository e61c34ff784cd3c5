// Every family of CPU kernels, by the function that registers it.
#pragma once

#define DOVETAIL_CPU_FAMILIES(X) \
  X(unary)                       \
  X(exponential)                 \
  X(activation)                  \
  X(binary)                      \
  X(compare)                     \
  X(bitwise)                     \
  X(select)                      \
  X(complex)                     \
  X(copy)                        \
  X(create)                      \
  X(reduce)                      \
  X(scan)                        \
  X(gather)                      \
  X(concat)                      \
  X(sort)                        \
  X(order)                       \
  X(random)                      \
  X(sampled)                     \
  X(dropout)                     \
  X(divisors)                    \
  X(softmax)                     \
  X(cross_entropy)               \
  X(norm)                        \
  X(norm_batch)                  \
  X(norm_group)                  \
  X(embedding)                   \
  X(attention)                   \
  X(recurrent)                   \
  X(optim)                       \
  X(optim_moments)               \
  X(optim_rates)                 \
  X(unscale)                     \
  X(contract)                    \
  X(linalg_ldl)                  \
  X(linalg_solve)                \
  X(linalg_cholesky)             \
  X(linalg_lu)                   \
  X(linalg_qr)                   \
  X(linalg_eigen)                \
  X(conv)                        \
  X(pool)                        \
  X(pool_windows)                \
  X(sampling)                    \
  X(resize)                      \
  X(ctc)                         \
  X(distance)                    \
  X(fft)                         \
  X(special)                     \
  X(special_vector)              \
  X(polynomial)                  \
  X(float_bits)                  \
  X(cross)                       \
  X(search)

namespace dovetail::cpu {
class KernelTable;
#define DOVETAIL_DECLARE(family) void register_##family(KernelTable& table);
DOVETAIL_CPU_FAMILIES(DOVETAIL_DECLARE)
#undef DOVETAIL_DECLARE
}  // namespace dovetail::cpu
