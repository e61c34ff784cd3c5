// Connectionist temporal classification: the losses of label sequences, and their gradients by the forward and the
// backward recursion. Sequences are each other's neighbours in no way: one is a thread's work.
#include <cmath>

#include "kernels/cpu/families.h"
#include "kernels/cpu/registry.h"
#include "kernels/cpu/room.h"
#include "kernels/cpu/sixteen.h"
#include "kernels/cpu/softmax_exp.h"

namespace dovetail::cpu {
namespace {

constexpr double kNever = -1e30;  // the logarithm of an impossible path's probability; finite, as in the decomposition

// log(x) for x in [1, 3]: of the ratio z = (m - 1) / (m + 1), where x is m or twice that.
template <class T>
DOVETAIL_INLINE T log_to_three(T x) {
  const bool large = x > T(1.41421356);
  const T m = large ? x * T(0.5) : x, z = (m - 1) / (m + 1), q = z * z;
  T p;
  if constexpr (sizeof(T) == 8) {
    p = T(1) / 25;
    for (int k = 23; k >= 1; k -= 2) p = p * q + T(1) / static_cast<T>(k);
  } else {
    p = T(1) / 13;
    for (int k = 11; k >= 1; k -= 2) p = p * q + T(1) / static_cast<T>(k);
  }
  return 2 * z * p + (large ? T(0.69314718055994530942) : T(0));
}

template <class T>
DOVETAIL_INLINE T log_sum(T a, T b, T c) {
  const T ab = a > b ? a : b, top = ab > c ? ab : c;
  return top + log_to_three(exp_nonpositive(a - top) + exp_nonpositive(b - top) + exp_nonpositive(c - top));
}

// next[s] = log(e^from[s] + e^from[s + step] + e^from[s + 2 step] where it may be skipped to) + emitted[s]
template <class T>
DOVETAIL_CLONES void advance(const T* __restrict from, int64_t step, const T* __restrict skip,
                             const T* __restrict emitted, T* __restrict next, int64_t n) {
  for (int64_t s = 0; s < n; ++s) {
    const T two = from[s + 2 * step];
    next[s] = log_sum(from[s], from[s + step], skip[s] != 0 ? two : T(kNever)) + emitted[s];
  }
}

// What one sequence needs: rows of 2 * size + 1 states, with two impossible ones on either side.
template <class T>
struct Sequence {
  const T* log_p;  // of time 0; a time step is `step` further
  const int64_t* labels;
  int64_t step, length, size, blank;
  T *emitted, *skip_to, *skip_from;  // of a state; whether the state two before, two behind, is a neighbour

  int64_t states() const { return 2 * size + 1; }
  int64_t label(int64_t s) const { return s % 2 ? labels[s / 2] : blank; }
  void prepare() const {
    for (int64_t s = 0; s < states(); ++s) {
      skip_to[s] = s >= 2 && s % 2 && labels[s / 2] != blank && labels[s / 2] != labels[s / 2 - 1] ? T(1) : T(0);
      skip_from[s] = 0;
    }
    for (int64_t s = 2; s < states(); ++s) skip_from[s - 2] = skip_to[s];
  }
  void emit(int64_t t) const {
    const T *row = log_p + t * step, never = static_cast<T>(kNever), at_blank = row[blank];
    const T between = at_blank < never ? never : at_blank;
    for (int64_t s = 0; s < states(); ++s) emitted[s] = between;
    for (int64_t k = 0; k < size; ++k) {
      const T x = row[labels[k]];
      emitted[2 * k + 1] = x < never ? never : x;
    }
  }
  // Row t of `rows`, `width` apart, is the logarithm of what leads to each state; the loss is returned.
  T forward(T* rows, int64_t width) const {
    const int64_t n = states();
    const T never = static_cast<T>(kNever);
    if (length == 0) return size == 0 ? T(0) : -never;
    emit(0);
    T* row = rows;
    std::fill_n(row - 2, n + 4, never);
    for (int64_t s = 0; s < std::min<int64_t>(2, n); ++s) row[s] = emitted[s];
    for (int64_t t = 1; t < length; ++t) {
      T* next = width ? row + width : row == rows ? rows + n + 4 : rows;
      std::fill_n(next - 2, 2, never);
      std::fill_n(next + n, 2, never);
      emit(t);
      advance<T>(row, -1, skip_to, emitted, next, n);
      row = next;
    }
    return -log_sum(row[n - 1], n > 1 ? row[n - 2] : never, never);
  }
};

// (log_probs, labels, input_lengths, target_lengths, blank), from `first` on
template <class T>
struct Problem {
  int64_t steps, batch, classes, most;
  const T* log_p;
  const int64_t *labels, *lengths, *sizes, blank;
  dt_status status = DT_OK;

  Problem(dt_kernel_context* ctx, const char* op, const dt_array* ins, const dt_value& blank)
      : steps(ins[0].sizes[0]),
        batch(ins[0].sizes[1]),
        classes(ins[0].sizes[2]),
        most(ins[1].sizes[1]),
        log_p(contiguous_data<T>(ctx, ins[0])),
        labels(contiguous_data<int64_t>(ctx, ins[1])),
        lengths(contiguous_data<int64_t>(ctx, ins[2])),
        sizes(contiguous_data<int64_t>(ctx, ins[3])),
        blank(blank.as.i) {
    if ((!log_p && numel(ins[0])) || (!labels && numel(ins[1])) || ((!lengths || !sizes) && batch)) {
      status = out_of_memory(ctx, op);
      return;
    }
    char text[160];
    for (int64_t i = 0; i < batch && status == DT_OK; ++i) {
      bool fits = lengths[i] >= 0 && lengths[i] <= steps && sizes[i] >= 0 && sizes[i] <= most;
      if (!fits) {
        std::snprintf(text, sizeof text, "%s: lengths must be in [0, %lld] and [0, %lld], got %lld and %lld", op,
                      static_cast<long long>(steps), static_cast<long long>(most), static_cast<long long>(lengths[i]),
                      static_cast<long long>(sizes[i]));
        status = ctx->fail(ctx, DT_ERR_VALUE, text);
      }
      for (int64_t k = 0; fits && k < sizes[i]; ++k) {
        const int64_t label = labels[i * most + k];
        if (label >= 0 && label < classes) continue;
        std::snprintf(text, sizeof text, "%s: label %lld is out of range for %lld classes", op,
                      static_cast<long long>(label), static_cast<long long>(classes));
        status = ctx->fail(ctx, DT_ERR_INDEX, text);
        break;
      }
    }
  }
  int64_t width() const { return 2 * most + 1 + 4; }
  // Sequence i, with scratch for three rows.
  Sequence<T> sequence(int64_t i, T* scratch) const {
    Sequence<T> result{log_p + i * classes, labels + i * most,    batch * classes, lengths[i], sizes[i], blank, scratch,
                       scratch + width(),   scratch + 2 * width()};
    result.prepare();
    return result;
  }
};

template <class T>
dt_status losses(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                 const dt_value* args, int32_t) {
  const Problem<T> p(ctx, "ctc_losses", ins, args[4]);
  if (p.status != DT_OK || p.batch == 0) return p.status;
  const int64_t each = 5 * p.width();
  T* scratch = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(p.batch * each) * sizeof(T)));
  if (!scratch) return out_of_memory(ctx, "ctc_losses");
  parallel(ctx, p.batch, grain_for(p.steps * p.width() * 16), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* own = scratch + i * each;
      static_cast<T*>(outs[0].data)[i * outs[0].strides[0]] = p.sequence(i, own).forward(own + 3 * p.width() + 2, 0);
    }
  });
  return DT_OK;
}

// out[t, c] -= e^(to the state + from the state - all) * grad, for the states of every time step, the last first.
template <class T>
struct Backward {
  const Sequence<T>& sequence;
  const T* alphas;
  int64_t width;
  T loss, grad;
  T *beta, *next, *carried;  // rows as the forward recursion's

  void run(T* out) {
    const int64_t n = sequence.states();
    const T never = static_cast<T>(kNever);
    std::fill_n(beta - 2, n + 4, never);
    std::fill_n(next - 2, n + 4, never);
    std::fill_n(carried - 2, n + 4, never);
    for (int64_t s = std::max<int64_t>(0, n - 2); s < n; ++s) beta[s] = 0;
    std::fill_n(sequence.emitted, n, T(0));
    for (int64_t t = sequence.length - 1; t >= 0; --t) {
      share(t, out + t * sequence.step);
      if (t == 0) break;
      sequence.emit(t);
      for (int64_t s = 0; s < n; ++s) carried[s] = beta[s] + sequence.emitted[s];
      std::fill_n(sequence.emitted, n, T(0));
      advance<T>(carried, 1, sequence.skip_from, sequence.emitted, next, n);
      std::swap(beta, next);
    }
  }
  void share(int64_t t, T* row) const {
    const T *alpha = alphas + t * width, *p = sequence.log_p + t * sequence.step;
    for (int64_t s = 0; s < sequence.states(); ++s) {
      const T x = alpha[s] + beta[s] + loss;
      const int64_t c = sequence.label(s);
      if (!(x <= T(-100)) && !(p[c] < static_cast<T>(kNever))) row[c] -= std::exp(x) * grad;
    }
  }
};

// (grad, log_probs, labels, input_lengths, target_lengths, blank)
template <class T>
dt_status losses_grad(const void*, dt_kernel_context* ctx, const dt_array* outs, int32_t, const dt_array* ins, int32_t,
                      const dt_value* args, int32_t) {
  const Problem<T> p(ctx, "ctc_losses_grad", ins + 1, args[5]);
  if (p.status != DT_OK || numel(outs[0]) == 0) return p.status;
  const int64_t width = p.width(), each = (6 + p.steps) * width;
  T* scratch = static_cast<T*>(ctx->workspace(ctx, static_cast<size_t>(p.batch * each) * sizeof(T)));
  T* out = room<T>(ctx, outs[0]);
  if (!scratch || !out) return out_of_memory(ctx, "ctc_losses_grad");
  parallel(ctx, p.batch, grain_for(p.steps * width * 48), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T *own = scratch + i * each, *rows = own + 6 * width + 2, *to = out + i * p.classes;
      for (int64_t t = 0; t < p.steps; ++t) std::fill_n(to + t * p.batch * p.classes, p.classes, T(0));
      const Sequence<T> sequence = p.sequence(i, own);
      const T loss = sequence.forward(rows, width);
      if (loss >= static_cast<T>(-kNever / 10)) continue;  // no path: nothing leads to another loss
      const T grad = static_cast<const T*>(ins[0].data)[i * ins[0].strides[0]];
      Backward<T>{sequence, rows, width, loss, grad, own + 3 * width + 2, own + 4 * width + 2, own + 5 * width + 2}.run(
          to);
    }
  });
  deliver(ctx, outs[0], out);
  return DT_OK;
}

template <class T>
void add(KernelTable& table, int32_t dtype) {
  table.add("ctc_losses", dtype, losses<T>);
  table.add("ctc_losses_grad", dtype, losses_grad<T>);
}

}  // namespace

void register_ctc(KernelTable& table) { add_floats_whole(table, add<float>, add<double>); }

}  // namespace dovetail::cpu
