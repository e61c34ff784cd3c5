// Attention without its scores in memory, and its gradient.
#include <cmath>
#include <limits>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("attention", schema); }

const Callee matmul("matmul"), mul("mul"), sub("sub"), add("add"), div_("div"), exp_("exp"), log_("log"), sum("sum"),
    amax("amax"), where_("where"), eq("eq"), le("le"), arange("arange"), philox_uniform("philox_uniform"), ge("ge"),
    unsqueeze("unsqueeze"), detach_("detach"), transpose("transpose");

constexpr double kLowest = -std::numeric_limits<double>::infinity();

// ---- checks ---------------------------------------------------------------------------------------------

bool same_sizes(const TensorImpl& t, std::initializer_list<int64_t> sizes) {
  return t.ndim == static_cast<int>(sizes.size()) && std::equal(sizes.begin(), sizes.end(), t.sizes());
}

void check_attention(const char* who, const TensorImpl& query, const TensorImpl& key, const TensorImpl& value,
                     const dt_value& mask) {
  check_floating(who, "query", query);
  check_same_dtype(who, "query", query, "key", key);
  check_same_dtype(who, "query", query, "value", value);
  check_ndim(who, "query", query, 4);
  check_ndim(who, "key", key, 4);
  check_ndim(who, "value", value, 4);
  const int64_t *q = query.sizes(), *k = key.sizes(), *v = value.sizes();
  const bool shared = k[1] == q[1] || (k[1] > 0 && q[1] % k[1] == 0);
  if (k[0] != q[0] || v[0] != q[0] || v[1] != k[1] || !shared || k[3] != q[3] || v[2] != k[2])
    value_error(who, ": query (B, H, L, E), key (B, G, S, E) and value (B, G, S, V), H a multiple of G, got ",
                shape_text(query), ", ", shape_text(key), " and ", shape_text(value));
  if (mask.tag == DT_NONE) return;
  const TensorImpl& m = *mask.as.tensor;
  if (m.dtype != DT_BOOL) check_same_dtype(who, "query", query, "mask", m);
  if (!same_sizes(m, {q[0], q[1], q[2], k[2]}))
    value_error(who, ": mask must have shape (B, H, L, S) = (", q[0], ", ", q[1], ", ", q[2], ", ", k[2], "), got ",
                shape_text(m));
}

double number_of(const dt_value& v) { return v.tag == DT_FLOAT ? v.as.f : static_cast<double>(v.as.i); }

void check_dropout(const char* who, const dt_value& p) {
  if (!(number_of(p) >= 0 && number_of(p) <= 1)) value_error(who, ": dropout_p must be in [0, 1], got ", number_of(p));
}

// (query, key, value, mask, is_causal, scale, dropout_p, random_key, random_offset)
void infer_attention(Inference& call) {
  const TensorImpl &query = call.tensor(0), &value = call.tensor(2);
  check_attention(call.name(), query, call.tensor(1), value, call.args[3]);
  check_dropout(call.name(), call.args[6]);
  for (int i = 0; i < 3; ++i) {
    call.outs[0].push(query.sizes()[i]);
    call.outs[1].push(query.sizes()[i]);
  }
  call.outs[0].push(value.sizes()[3]);
  call.outs[0].dtype = call.outs[1].dtype = query.dtype;
  // Where the query's heads lie inside its rows, as layers have them, so do the result's: joining them copies nothing.
  if (query.stride(1) < query.stride(2)) call.outs[0].swapped = 1;
}

// (grad, query, key, value, mask, out, lse, grad_lse, is_causal, scale, dropout_p, random_key, random_offset)
void infer_attention_grad(Inference& call) {
  const TensorImpl &query = call.tensor(1), &value = call.tensor(3);
  check_attention(call.name(), query, call.tensor(2), value, call.args[4]);
  check_dropout(call.name(), call.args[10]);
  const int64_t* q = query.sizes();
  for (int i : {0, 5}) {
    check_same_dtype(call.name(), "query", query, i ? "out" : "grad", call.tensor(i));
    if (!same_sizes(call.tensor(i), {q[0], q[1], q[2], value.sizes()[3]}))
      value_error(call.name(), ": ", i ? "out" : "grad", " must have attention's shape, got ",
                  shape_text(call.tensor(i)));
  }
  for (int i : {6, 7}) {
    if (!call.given(i)) continue;
    check_same_dtype(call.name(), "query", query, i == 6 ? "lse" : "grad_lse", call.tensor(i));
    if (!same_sizes(call.tensor(i), {q[0], q[1], q[2]}))
      value_error(call.name(), ": ", i == 6 ? "lse" : "grad_lse", " must have attention's shape, got ",
                  shape_text(call.tensor(i)));
  }
  for (int i = 0; i < 3; ++i) call.outs[i].like(call.tensor(i + 1));
}

// ---- decompositions -------------------------------------------------------------------------------------

// The scores, with the heads that share a key in a dim of their own: (B, G, H / G, L, S).
struct Scores {
  Tensor query, key, value, scores;  // (B, G, H / G, L, E), (B, G, 1, S, E), (B, G, 1, S, V)
  std::vector<int64_t> split;

  Scores(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, bool is_causal, double scale) {
    const int64_t *qs = q->sizes(), groups = k->sizes()[1], keys = k->sizes()[2];
    split = {qs[0], groups, groups ? qs[1] / groups : 1, qs[2]};
    query = parted(q, qs[3]);
    key = unsqueeze(k, 2);
    value = unsqueeze(v, 2);
    scores = mul(matmul(query, transpose(key, -2, -1)), number(scale));
    if (is_causal) {
      const Tensor seen = le(count_to(keys, q->device), unsqueeze(count_to(qs[2], q->device), 1));
      scores = where_(seen, scores, number(kLowest));
    }
    if (!mask) return;
    const Tensor wide = parted(mask, keys);
    scores = mask->dtype == DT_BOOL ? where_(wide, scores, number(kLowest)) : add(scores, wide);
  }
  // Which weights dropout keeps; p, key and offset are in `random`. None for p = 0.
  Tensor kept(const dt_value* random) const {
    if (number_of(random[0]) == 0) return {};
    const dt_value dtype = box_dtype(scores->dtype), device = box_device(scores->device);
    return ge(philox_uniform(sizes_of(*scores), random[1], random[2], dtype, device), number(number_of(random[0])));
  }
  static Tensor count_to(int64_t n, Device device) { return arange(0, n, 1, box_none(), box_device(device)); }
  // (B, H, L, n) with the heads parted.
  Tensor parted(const Tensor& t, int64_t n) const {
    std::vector<int64_t> sizes = split;
    sizes.push_back(n);
    return view_as(t, sizes);
  }
};

// 0 in place of the -inf that stands for a query without a key: taken from scores of -inf, it leaves those.
Tensor finite(const Tensor& t) { return where_(eq(t, number(kLowest)), number(0.0), t); }

// t where it is kept, scaled; everything where nothing says what is.
Tensor dropped(const Tensor& t, const Tensor& kept, double p) {
  return kept ? where_(kept, mul(t, number(p < 1 ? 1 / (1 - p) : 0.0)), number(0.0)) : t;
}

const std::vector<int64_t> kLast{-1}, kShared{2};

void attention_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor query = tensor(args[0]), key = tensor(args[1]), value = tensor(args[2]);
  check_attention(op.name().c_str(), *query, *key, *value, args[3]);
  check_dropout(op.name().c_str(), args[6]);
  const Scores s(query, key, value, tensor(args[3]), args[4].as.i != 0, number_of(args[5]));
  Tensor weights = s.scores, lse;
  if (key->sizes()[2] == 0) {
    lse = log_(sum(s.scores, kLast, true));
  } else {
    const Tensor top = finite(amax(detach_(s.scores), kLast, true)), e = exp_(sub(s.scores, top));
    const Tensor total = sum(e, kLast, true);
    weights = div_(e, where_(eq(total, number(0.0)), number(1.0), total));
    lse = add(log_(total), top);
  }
  std::vector<int64_t> sizes(query->sizes(), query->sizes() + 3);
  give(outs[1], view_as(lse, sizes));
  weights = dropped(weights, s.kept(args + 6), number_of(args[6]));
  sizes.push_back(value->sizes()[3]);
  give(outs[0], view_as(matmul(weights, s.value), sizes));
}

void attention_grad_op(const Op& op, const dt_value* args, int, dt_value* outs, int) {
  const Tensor query = tensor(args[1]), key = tensor(args[2]), value = tensor(args[3]);
  check_attention(op.name().c_str(), *query, *key, *value, args[4]);
  check_dropout(op.name().c_str(), args[10]);
  const Scores s(query, key, value, tensor(args[4]), args[8].as.i != 0, number_of(args[9]));
  const Tensor weights = exp_(sub(s.scores, finite(s.parted(tensor(args[6]), 1))));
  const Tensor kept = s.kept(args + 10), seen = dropped(weights, kept, number_of(args[10]));
  const Tensor grad = s.parted(tensor(args[0]), value->sizes()[3]);
  Tensor toward = dropped(matmul(grad, transpose(s.value, -2, -1)), kept, number_of(args[10]));
  toward = sub(toward, s.parted(sum(mul(tensor(args[0]), tensor(args[5])), kLast, true), 1));
  if (given(args[7])) toward = add(toward, s.parted(tensor(args[7]), 1));
  const Tensor scores = mul(mul(weights, toward), number(number_of(args[9])));
  give(outs[0], view_as(matmul(scores, s.key), sizes_of(*query)));
  give(outs[1], sum(matmul(transpose(scores, -2, -1), s.query), kShared));
  give(outs[2], sum(matmul(transpose(seen, -2, -1), grad), kShared));
}

}  // namespace

void declare_attention() {
  op("attention(Tensor query, Tensor key, Tensor value, Tensor? mask=None, bool is_causal=False, float scale=1.0, "
     "float dropout_p=0.0, int random_key=0, int random_offset=0) -> (Tensor out, Tensor lse)")
      .plain(infer_attention)
      .composite(attention_op)
      .internal()
      .doc(R"(Values averaged by how well their keys fit each query; behind `scaled_dot_product_attention`.

    scores = query @ key.T * scale + mask,  out = dropout(softmax(scores)) @ value,  lse = log(sum(exp(scores)))

The scores are computed block by block and never all in memory; a query that sees no key gives 0.

Args:
    query: (B, H, L, E), of a floating-point dtype as key and value.
    key, value: (B, G, S, E) and (B, G, S, V); H is a multiple of G, and neighbouring heads share a key.
    mask: (B, H, L, S), expanded where it is the same for several: bool, True where a key takes part, or of query's
        dtype, added to the scores.
    is_causal: query i sees keys 0 to i.
    scale: of the scores.
    dropout_p: a weight is 0 where its number of `philox_uniform((B, H, L, S), random_key, random_offset)` is below it;
        the others are divided by 1 - dropout_p.
    random_key, random_offset: see there.

Example:
    >>> x = dt.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    >>> dt._core.get_op("attention")(x, x, x, None, True)[0][0, 0, 0].tolist()
    [1.0, 0.0]
)");
  op("attention_grad(Tensor grad, Tensor query, Tensor key, Tensor value, Tensor? mask, Tensor out, Tensor lse, "
     "Tensor? grad_lse, bool is_causal, float scale, float dropout_p=0.0, int random_key=0, int random_offset=0) -> "
     "(Tensor grad_query, Tensor grad_key, Tensor grad_value)")
      .plain(infer_attention_grad)
      .composite(attention_grad_op)
      .internal()
      .doc(R"(The gradients of `attention` with respect to query, key and value, without the scores in memory.

With P = exp(scores - lse), F the factors of dropout and D = P * (F * (grad @ value.T) - sum(grad * out) + grad_lse) *
scale:

    grad_query = D @ key,  grad_key = D.T @ query,  grad_value = (P * F).T @ grad

Args:
    grad, grad_lse: the gradients of `attention`'s results; no second one counts as zeros.
    out, lse: its results.
    query, key, value, mask, is_causal, scale, dropout_p, random_key, random_offset: as for `attention`.

Example:
    >>> x = dt.ones(1, 1, 1, 2)
    >>> out, lse = dt._core.get_op("attention")(x, x, x)
    >>> dt._core.get_op("attention_grad")(x, x, x, x, None, out, lse, None, False, 1.0)[2].tolist()
    [[[[1.0, 1.0]]]]
)");
}

}  // namespace dovetail
