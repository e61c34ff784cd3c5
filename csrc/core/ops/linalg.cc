// Linear algebra: what LAPACK does, by the name of its routine. dt.linalg is written in terms of these.
//
// A matrix is the last two dims of a tensor; the dims before them are batches. No routine refuses a matrix that it
// cannot factor: `info` says so for each of them, and the caller decides.
#include <cstring>

#include "core/ops/compose.h"

namespace dovetail {

namespace {

Declare op(const char* schema) { return Declare("linalg", schema); }

const Callee expand("expand");

// ---- checks -------------------------------------------------------------------------------------------------

const char* name_of(Inference& call, int i) { return call.op.schema.args[i].name.c_str(); }

void check_dtype(Inference& call, int i) {
  const DType dtype = call.tensor(i).dtype;
  if (dtype != DT_FLOAT32 && dtype != DT_FLOAT64 && !is_complex(dtype))
    type_error(call.name(), ": ", name_of(call, i), " must have dtype float32, float64, complex64 or complex128, got ",
               dtype_name(dtype));
}

const TensorImpl& matrices(Inference& call, int i) {
  const TensorImpl& t = call.tensor(i);
  if (t.ndim < 2)
    value_error(call.name(), ": ", name_of(call, i), " must have at least 2 dimensions, got shape ", shape_text(t));
  check_dtype(call, i);
  return t;
}

const TensorImpl& square_matrices(Inference& call, int i) {
  const TensorImpl& t = matrices(call, i);
  if (t.size(t.ndim - 1) != t.size(t.ndim - 2))
    value_error(call.name(), ": ", name_of(call, i), " must be batches of square matrices, but they are ",
                t.size(t.ndim - 2), " by ", t.size(t.ndim - 1), " matrices");
  return t;
}

int64_t rows(const TensorImpl& t) { return t.size(t.ndim - 2); }
int64_t columns(const TensorImpl& t) { return t.size(t.ndim - 1); }
int64_t least(const TensorImpl& t) { return std::min(rows(t), columns(t)); }

// The shape of t without its last `inner` dims, and then these.
void shape_out(OutputSpec& out, const TensorImpl& t, int inner, std::initializer_list<int64_t> more, DType dtype) {
  out.ndim = 0;
  for (int i = 0; i < t.ndim - inner; ++i) out.push(t.size(i));
  for (int64_t size : more) out.push(size);
  out.dtype = dtype;
}

// Dims before the last `inner` ones of these arguments are broadcast against each other.
struct Operand {
  int arg, inner;
};
void broadcast_batches(Inference& call, std::initializer_list<Operand> operands) {
  std::vector<int64_t> batch;  // from the last dim to the first
  for (const Operand& each : operands) {
    const TensorImpl& t = call.tensor(each.arg);
    for (int i = 0; i < t.ndim - each.inner; ++i) {
      const int64_t size = t.size(t.ndim - each.inner - 1 - i);
      if (i == static_cast<int>(batch.size())) batch.push_back(1);
      if (batch[i] != size && batch[i] != 1 && size != 1)
        value_error(call.name(), ": the batch dims of ", name_of(call, operands.begin()->arg), " and ",
                    name_of(call, each.arg), " don't broadcast, got shapes ",
                    shape_text(call.tensor(operands.begin()->arg)), " and ", shape_text(t));
      if (size != 1) batch[i] = size;
    }
  }
  for (const Operand& each : operands) {
    const TensorImpl& t = call.tensor(each.arg);
    std::vector<int64_t> sizes(batch.rbegin(), batch.rend());
    for (int i = t.ndim - each.inner; i < t.ndim; ++i) sizes.push_back(t.size(i));
    if (sizes != sizes_of(t)) call.replace(each.arg, expand(tensor(call.args[each.arg]), sizes));
  }
}

DType real_part(DType dtype) {
  return dtype == DT_COMPLEX64 ? DT_FLOAT32 : dtype == DT_COMPLEX128 ? DT_FLOAT64 : dtype;
}
DType complex_of(DType dtype) {
  return dtype == DT_FLOAT32 ? DT_COMPLEX64 : dtype == DT_FLOAT64 ? DT_COMPLEX128 : dtype;
}

// ---- factorisations -----------------------------------------------------------------------------------------

void infer_potrf(Inference& call) {
  const TensorImpl& a = square_matrices(call, 0);
  call.outs[0].like(a);
  shape_out(call.outs[1], a, 2, {}, DT_INT32);
}

void infer_getrf(Inference& call) {
  const TensorImpl& a = matrices(call, 0);
  call.outs[0].like(a);
  shape_out(call.outs[1], a, 2, {least(a)}, DT_INT32);
  shape_out(call.outs[2], a, 2, {}, DT_INT32);
}

void infer_hetrf(Inference& call) {
  const TensorImpl& a = square_matrices(call, 0);
  call.outs[0].like(a);
  shape_out(call.outs[1], a, 2, {rows(a)}, DT_INT32);
  shape_out(call.outs[2], a, 2, {}, DT_INT32);
}

void check_pivots(Inference& call, int i) {
  const TensorImpl& pivots = call.tensor(i);
  if (pivots.dtype != DT_INT32)
    type_error(call.name(), ": ", name_of(call, i), " must have dtype int32, got ", dtype_name(pivots.dtype));
  if (pivots.ndim < 1)
    value_error(call.name(), ": ", name_of(call, i), " must have at least one dim, got shape ", shape_text(pivots));
}

void infer_hetrs(Inference& call) {  // (LD, pivots, B, hermitian)
  square_matrices(call, 0);
  check_pivots(call, 1);
  matrices(call, 2);
  const TensorImpl &factors = call.tensor(0), &pivots = call.tensor(1), &b = call.tensor(2);
  check_same_dtype(call.name(), "LD", factors, "B", b);
  if (pivots.size(pivots.ndim - 1) != rows(factors) || rows(b) != rows(factors))
    value_error(call.name(), ": LD, pivots and B must have as many rows, got shapes ", shape_text(factors), ", ",
                shape_text(pivots), " and ", shape_text(b));
  broadcast_batches(call, {{0, 2}, {1, 1}, {2, 2}});
  call.outs[0].like(call.tensor(2));
}

void infer_order(Inference& call) {  // (pivots, rows)
  check_pivots(call, 0);
  const TensorImpl& pivots = call.tensor(0);
  if (call.integer(1) < pivots.size(pivots.ndim - 1))
    value_error(call.name(), ": there are ", pivots.size(pivots.ndim - 1), " pivots for ", call.integer(1), " rows");
  shape_out(call.outs[0], pivots, 1, {call.integer(1)}, DT_INT64);
}

void declare_factorisations() {
  op("linalg_potrf(Tensor A, bool upper=False) -> (Tensor L, Tensor info)")
      .plain(infer_potrf)
      .host()
      .internal()
      .doc(R"(The Cholesky factors of positive-definite matrices, of which one triangle is read.

    A = L L^H;  A = L^H L with upper=True

info is 0, or the order of the leading minor that is not positive-definite.

Example:
    >>> L, info = dt._core.get_op("linalg_potrf")(dt.tensor([[4.0, 2.0], [2.0, 5.0]]))
    >>> L.tolist(), info.item()
    ([[2.0, 0.0], [1.0, 2.0]], 0)
)");
  op("linalg_getrf(Tensor A) -> (Tensor LU, Tensor pivots, Tensor info)")
      .plain(infer_getrf)
      .host()
      .internal()
      .doc(R"(The LU factorisation with partial pivoting, both factors in one matrix.

    P^T A = L U

L's diagonal of ones is left out. pivots[i], counted from 1, is the row that was exchanged with row i. info is 0, or
the place of the first pivot that is 0.

Example:
    >>> LU, pivots, info = dt._core.get_op("linalg_getrf")(dt.tensor([[1.0, 2.0], [4.0, 4.0]]))
    >>> LU.tolist(), pivots.tolist(), info.item()
    ([[4.0, 4.0], [0.25, 1.0]], [2, 2], 0)
)");
  op("linalg_hetrf(Tensor A, bool hermitian=False) -> (Tensor LD, Tensor pivots, Tensor info)")
      .plain(infer_hetrf)
      .host()
      .internal()
      .doc(R"(The LDL factorisation of symmetric (or Hermitian) matrices, of which the lower triangle is read.

    A = L D L^T;  A = L D L^H with hermitian=True

Example:
    >>> LD, pivots, info = dt._core.get_op("linalg_hetrf")(dt.tensor([[2.0, 4.0], [4.0, 9.0]]))
    >>> pivots.shape, info.item()
    (dovetail.Size([2]), 0)
)");
  op("linalg_hetrs(Tensor LD, Tensor pivots, Tensor B, bool hermitian=False) -> Tensor")
      .plain(infer_hetrs)
      .host()
      .internal()
      .doc(R"(The solution of A X = B, given the LDL factorisation of A.

Example:
    >>> A, B = dt.tensor([[2.0, 4.0], [4.0, 9.0]]), dt.tensor([[6.0], [13.0]])
    >>> LD, pivots, info = dt._core.get_op("linalg_hetrf")(A)
    >>> dt.allclose(dt._core.get_op("linalg_hetrs")(LD, pivots, B), dt.ones(2, 1))
    True
)");
  op("linalg_pivots_to_order(Tensor pivots, int rows) -> Tensor")
      .plain(infer_order)
      .host()
      .internal()
      .non_differentiable()
      .doc(R"(The order of the rows after the exchanges of an LU factorisation: row i of P^T A is row order[i] of A.

Example:
    >>> dt._core.get_op("linalg_pivots_to_order")(dt.tensor([3, 2, 3], dtype=dt.int32), 3).tolist()
    [2, 1, 0]
)");
}

// ---- systems, QR, least squares -----------------------------------------------------------------------------

void infer_solve_triangular(Inference& call) {  // (A, B, *, upper, left, unitriangular)
  square_matrices(call, 0);
  matrices(call, 1);
  const TensorImpl &a = call.tensor(0), &b = call.tensor(1);
  check_same_dtype(call.name(), "A", a, "B", b);
  const bool left = call.boolean(3);
  if (rows(a) != (left ? rows(b) : columns(b)))
    value_error(call.name(), ": Incompatible shapes of A and B for the equation ", left ? "AX = B" : "XA = B", ", got ",
                shape_text(a), " and ", shape_text(b));
  broadcast_batches(call, {{0, 2}, {1, 2}});
  call.outs[0].like(call.tensor(1));
}

void infer_geqrf(Inference& call) {
  const TensorImpl& a = matrices(call, 0);
  call.outs[0].like(a);
  shape_out(call.outs[1], a, 2, {least(a)}, static_cast<DType>(a.dtype));
}

void infer_ungqr(Inference& call) {  // (A, tau)
  const TensorImpl& a = matrices(call, 0);
  const TensorImpl& tau = call.tensor(1);
  check_same_dtype(call.name(), "A", a, "tau", tau);
  if (rows(a) < columns(a))
    value_error(call.name(), ": A must have at least as many rows as columns, got shape ", shape_text(a));
  bool fits = tau.ndim == a.ndim - 1 && tau.size(tau.ndim - 1) <= columns(a);
  for (int i = 0; fits && i < a.ndim - 2; ++i) fits = tau.size(i) == a.size(i);
  if (!fits)
    value_error(call.name(),
                ": tau must have A's batch dims and at most as many elements as A has columns, got shapes ",
                shape_text(a), " and ", shape_text(tau));
  call.outs[0].like(a);
}

void infer_gels(Inference& call) {  // (A, B, rcond, driver)
  matrices(call, 0);
  matrices(call, 1);
  const char* driver = call.args[3].as.string;
  bool known = false;
  for (const char* each : {"gels", "gelsy", "gelsd", "gelss"}) known |= std::strcmp(driver, each) == 0;
  if (!known) value_error(call.name(), ": driver must be 'gels', 'gelsy', 'gelsd' or 'gelss', got '", driver, "'");
  const TensorImpl &a = call.tensor(0), &b = call.tensor(1);
  check_same_dtype(call.name(), "A", a, "B", b);
  if (rows(a) != rows(b))
    value_error(call.name(), ": A and B must have as many rows, got shapes ", shape_text(a), " and ", shape_text(b));
  broadcast_batches(call, {{0, 2}, {1, 2}});
  const TensorImpl &whole = call.tensor(0), &right = call.tensor(1);
  const bool has_values = std::strcmp(driver, "gelsd") == 0 || std::strcmp(driver, "gelss") == 0;
  shape_out(call.outs[0], whole, 2, {columns(whole), columns(right)}, static_cast<DType>(whole.dtype));
  shape_out(call.outs[1], whole, 2, {}, DT_INT64);
  shape_out(call.outs[2], whole, 2, {has_values ? least(whole) : 0}, real_part(static_cast<DType>(whole.dtype)));
  shape_out(call.outs[3], whole, 2, {}, DT_INT32);
}

void declare_systems() {
  op("linalg_solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor")
      .plain(infer_solve_triangular)
      .host()
      .internal()
      .out()
      .doc(R"(The solution of triangular systems.

    A X = B;  X A = B with left=False

A zero on the diagonal is not looked for: the solution then has infinities and NaN.

Args:
    A: of shape (*, n, n); only one triangle is read.
    B: of shape (*, n, k), or (*, k, n) with left=False. Batch dims broadcast.
    upper: whether A's upper triangle counts, or its lower one.
    left: on which side A stands.
    unitriangular: whether the diagonal counts as ones, and is not read.

Example:
    >>> A = dt.tensor([[2.0, 0.0], [1.0, 4.0]])
    >>> dt.linalg.solve_triangular(A, dt.tensor([[2.0], [9.0]]), upper=False).tolist()
    [[1.0], [2.0]]
)");
  op("geqrf(Tensor self) -> (Tensor a, Tensor tau)")
      .plain(infer_geqrf)
      .host()
      .method()
      .out()
      .doc(R"(The QR factorisation as LAPACK keeps it: R above the diagonal, and the Householder vectors of Q below.

    Q = H_1 H_2 ... H_k,  H_i = I - tau_i v_i v_i^H

Args:
    self: of shape (*, m, n).

Example:
    >>> a, tau = dt.geqrf(dt.tensor([[3.0, 1.0], [4.0, 2.0]]))
    >>> R = dt.linalg.qr(dt.tensor([[3.0, 1.0], [4.0, 2.0]])).R
    >>> dt.allclose(a.triu(), R)
    True
)");
  op("linalg_householder_product(Tensor A, Tensor tau) -> Tensor")
      .plain(infer_ungqr)
      .host()
      .internal()
      .out()
      .doc(R"(The first columns of the product of Householder matrices, as geqrf gives them.

    Q = H_1 H_2 ... H_k,  H_i = I - tau_i v_i v_i^H

v_i is 0 above row i and 1 in it; below it is what A has in column i.

Args:
    A: of shape (*, m, n) with m >= n.
    tau: of shape (*, k) with k <= n.

Example:
    >>> A = dt.tensor([[3.0, 1.0], [4.0, 2.0]])
    >>> Q = dt.linalg.householder_product(*dt.geqrf(A))
    >>> dt.allclose(Q, dt.linalg.qr(A).Q)
    True
)");
  op("linalg_gels(Tensor A, Tensor B, float rcond, str driver) -> "
     "(Tensor solution, Tensor rank, Tensor singular_values, Tensor info)")
      .plain(infer_gels)
      .host()
      .internal()
      .doc(R"(Least squares solutions of systems that have too few or too many equations.

    X = argmin ||A X - B||

Args:
    rcond: singular values below rcond times the largest count as 0.
    driver: LAPACK's routine: 'gels' for matrices of full rank, 'gelsy', 'gelsd' or 'gelss'.

Example:
    >>> A, B = dt.tensor([[1.0], [1.0]]), dt.tensor([[1.0], [3.0]])
    >>> dt.allclose(dt._core.get_op("linalg_gels")(A, B, 1e-7, "gelsd").solution, dt.tensor([[2.0]]))
    True
)");
}

// ---- eigenvalues and singular values ------------------------------------------------------------------------

void infer_heevd(Inference& call) {  // (A, upper, vectors)
  const TensorImpl& a = square_matrices(call, 0);
  const DType dtype = static_cast<DType>(a.dtype);
  shape_out(call.outs[0], a, 2, {rows(a)}, real_part(dtype));
  if (call.boolean(2))
    call.outs[1].like(a);
  else
    shape_out(call.outs[1], a, a.ndim, {0}, dtype);
  shape_out(call.outs[2], a, 2, {}, DT_INT32);
}

void infer_geev(Inference& call) {  // (A, vectors)
  const TensorImpl& a = square_matrices(call, 0);
  const DType dtype = complex_of(static_cast<DType>(a.dtype));
  shape_out(call.outs[0], a, 2, {rows(a)}, dtype);
  if (call.boolean(1))
    shape_out(call.outs[1], a, 0, {}, dtype);
  else
    shape_out(call.outs[1], a, a.ndim, {0}, dtype);
  shape_out(call.outs[2], a, 2, {}, DT_INT32);
}

void infer_gesdd(Inference& call) {  // (A, full_matrices, vectors)
  const TensorImpl& a = matrices(call, 0);
  const DType dtype = static_cast<DType>(a.dtype);
  const bool full = call.boolean(1);
  if (call.boolean(2)) {
    shape_out(call.outs[0], a, 2, {rows(a), full ? rows(a) : least(a)}, dtype);
    shape_out(call.outs[2], a, 2, {full ? columns(a) : least(a), columns(a)}, dtype);
  } else {
    shape_out(call.outs[0], a, a.ndim, {0}, dtype);
    shape_out(call.outs[2], a, a.ndim, {0}, dtype);
  }
  shape_out(call.outs[1], a, 2, {least(a)}, real_part(dtype));
  shape_out(call.outs[3], a, 2, {}, DT_INT32);
}

void declare_spectra() {
  op("linalg_heevd(Tensor A, bool upper=False, bool vectors=True) -> "
     "(Tensor eigenvalues, Tensor eigenvectors, Tensor info)")
      .plain(infer_heevd)
      .host()
      .internal()
      .doc(R"(Eigenvalues, ascending, and eigenvectors of Hermitian matrices, of which one triangle is read.

    A = V diag(w) V^H

info is 0, or -1 where an element is not finite, else positive where the iteration did not converge.

Example:
    >>> w, V, info = dt._core.get_op("linalg_heevd")(dt.tensor([[2.0, 0.0], [0.0, 1.0]]))
    >>> w.tolist()
    [1.0, 2.0]
)");
  op("linalg_geev(Tensor A, bool vectors=True) -> (Tensor eigenvalues, Tensor eigenvectors, Tensor info)")
      .plain(infer_geev)
      .host()
      .internal()
      .doc(R"(Eigenvalues and eigenvectors of square matrices; both are complex.

    A V = V diag(w)

info is 0, or -1 where an element is not finite, else positive where the iteration did not converge.

Example:
    >>> w, V, info = dt._core.get_op("linalg_geev")(dt.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    >>> w.tolist()
    [1j, -1j]
)");
  op("linalg_gesdd(Tensor A, bool full_matrices=True, bool vectors=True) -> "
     "(Tensor U, Tensor S, Tensor Vh, Tensor info)")
      .plain(infer_gesdd)
      .host()
      .internal()
      .doc(R"(The singular value decomposition.

    A = U diag(S) Vh

info is 0, or -1 where an element is not finite, else positive where the iteration did not converge.

Example:
    >>> U, S, Vh, info = dt._core.get_op("linalg_gesdd")(dt.tensor([[0.0, 2.0], [1.0, 0.0]]))
    >>> S.tolist()
    [2.0, 1.0]
)");
}

}  // namespace

void declare_linalg() {
  declare_factorisations();
  declare_systems();
  declare_spectra();
}

}  // namespace dovetail
