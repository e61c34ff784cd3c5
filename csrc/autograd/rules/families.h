// Every family of rules, by the function that declares it. One file a family.
#pragma once

#define DOVETAIL_RULE_FAMILIES(X) \
  X(unary)                        \
  X(binary)                       \
  X(select)                       \
  X(complex)                      \
  X(reduce)                       \
  X(scan)                         \
  X(copy)                         \
  X(view)                         \
  X(gather)                       \
  X(sort)                         \
  X(contract)                     \
  X(conv)                         \
  X(pool)                         \
  X(sampling)                     \
  X(resize)                       \
  X(ctc)                          \
  X(distance)                     \
  X(softmax)                      \
  X(cross_entropy)                \
  X(loss)                         \
  X(norm)                         \
  X(attention)                    \
  X(recurrent)                    \
  X(activation)                   \
  X(embedding)                    \
  X(fft)                          \
  X(random)                       \
  X(special)

namespace dovetail::autograd::rules {
#define DOVETAIL_DECLARE(family) void declare_##family();
DOVETAIL_RULE_FAMILIES(DOVETAIL_DECLARE)
#undef DOVETAIL_DECLARE
}  // namespace dovetail::autograd::rules
