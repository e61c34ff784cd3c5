// Every family of op declarations, by the function that declares it.
#pragma once

#define DOVETAIL_OP_FAMILIES(X) \
  X(unary)                      \
  X(binary)                     \
  X(select)                     \
  X(complex)                    \
  X(reduce)                     \
  X(scan)                       \
  X(copy)                       \
  X(create)                     \
  X(view)                       \
  X(view_dtype)                 \
  X(shape)                      \
  X(gather)                     \
  X(concat)                     \
  X(index)                      \
  X(sort)                       \
  X(contract)                   \
  X(linalg)                     \
  X(conv)                       \
  X(pool)                       \
  X(pool_windows)               \
  X(sampling)                   \
  X(nn_shapes)                  \
  X(resize)                     \
  X(softmax)                    \
  X(cross_entropy)              \
  X(loss)                       \
  X(norm)                       \
  X(norm_channel)               \
  X(attention)                  \
  X(recurrent)                  \
  X(activation)                 \
  X(activation_grad)            \
  X(embedding)                  \
  X(random)                     \
  X(fourier)                    \
  X(special)

namespace dovetail {
#define DOVETAIL_DECLARE(family) void declare_##family();
DOVETAIL_OP_FAMILIES(DOVETAIL_DECLARE)
#undef DOVETAIL_DECLARE
}  // namespace dovetail
