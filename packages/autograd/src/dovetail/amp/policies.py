"""What autocast does with which op.

| policy | |
|---|---|
| `lower_precision` | floating-point arguments are cast to the region's 16-bit dtype |
| `float32` | they are cast to float32; an op with a `dtype` argument is told float32 there, unless it was given one |
| `promote` | where they differ, they are cast to the widest of their dtypes |
| `input_dtype` | where they differ, the op is computed in float32, and its result is of the first argument's dtype |
| `decompose` | the op is taken apart, and what it is made of is cast by its own policies |
| `banned` | the op is refused, with a word on what to use |
| `none` | the op runs on what it is given, as every op does that is on no list |

float64, integers, complex numbers, tensors on other devices and Python numbers are never cast. In-place forms and calls
with `out=` run on what they are given.

The lists are PyTorch's, by its names: one for the CPU, one for all other devices. Ops that can't be computed in 16
bits, or not from arguments of several dtypes, and that PyTorch leaves to fail, are on a list here.
"""

from __future__ import annotations

from dovetail import checks
from dovetail.autograd import _engine
from dovetail.ops import Op, get_op

__all__ = ["POLICIES", "autocast_policy", "install", "register_autocast", "table"]

POLICIES = ("none", "lower_precision", "float32", "promote", "input_dtype", "decompose", "banned")

EVERYWHERE = {
    "lower_precision": """
        addbmm addmm baddbmm bmm linear matmul mm linalg_multi_dot linalg_vecdot
        conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution
        conv_tbc gru_cell gru_layer lstm_cell lstm_layer rnn_cell rnn_layer scaled_dot_product_attention
        prelu
    """,
    "float32": """
        binary_cross_entropy_with_logits cosine_embedding_loss cross_entropy ctc_loss hinge_embedding_loss huber_loss
        kl_div l1_loss margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss poisson_nll_loss
        smooth_l1_loss soft_margin_loss triplet_margin_loss
        cdist prod
        cholesky cholesky_inverse cholesky_solve det geqrf inverse logdet lu_solve lu_unpack orgqr pinverse qr slogdet
        ormqr svd triangular_solve nuclear_norm
        linalg_cholesky linalg_cholesky_ex linalg_cond linalg_det linalg_eig linalg_eigh linalg_eigvals linalg_eigvalsh
        linalg_gels linalg_geev linalg_gesdd linalg_getrf linalg_heevd linalg_hetrf linalg_hetrs
        linalg_householder_product linalg_inv linalg_inv_ex linalg_ldl_factor linalg_ldl_factor_ex linalg_ldl_solve
        linalg_lstsq linalg_lu linalg_lu_factor linalg_lu_factor_ex linalg_lu_solve linalg_matrix_rank linalg_pinv
        linalg_potrf linalg_qr linalg_slogdet linalg_solve linalg_solve_ex linalg_solve_triangular linalg_svd
        linalg_svdvals linalg_tensorinv linalg_tensorsolve matrix_rank
    """,
    "promote": """
        addcdiv addcmul atan2 bilinear cat column_stack cross cross_product dot dstack hstack index_add index_copy
        index_put lerp linalg_cross scatter_add stack vdot vstack
    """,
    "input_dtype": "channel_norm",
    "decompose": "corrcoef cov inner matrix_power",
    # Made of products that would lose what the whole is for; attention gets what scaled_dot_product_attention chose,
    # and the sequences what their layers did.
    "none": """
        adaptive_avg_pool_grad affine_grid_of attention attention_grad matrix_exp
        gru_sequence gru_sequence_grad lstm_sequence lstm_sequence_grad rnn_sequence rnn_sequence_grad
    """,
}

CPU = {
    "lower_precision": "tensordot",
    "float32": """
        binary_cross_entropy grid_sample local_response_norm nanquantile polar quantile stft trace view_as_complex
        adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d fractional_max_pool max_pool3d max_unpool
        fft_fft fft_fft2 fft_fftn fft_hfft fft_ifft fft_ifft2 fft_ifftn fft_ihfft fft_irfft fft_irfft2 fft_irfftn
        fft_rfft fft_rfft2 fft_rfftn
    """,
    "promote": "addmv addr mv",
    "input_dtype": "group_norm layer_norm rms_norm",
    "decompose": "einsum",
    "none": "resize_smooth",
}

# On every other device.
ACCELERATORS = {
    "lower_precision": "addmv addr einsum mv",
    "float32": """
        acos asin cosh erfinv exp expm1 log log10 log1p log2 pow reciprocal rsqrt sinh softplus tan
        cosine_similarity cumprod cumsum dist group_norm gumbel_softmax layer_norm linalg_matrix_norm linalg_vector_norm
        log_softmax logsumexp lp_pool norm pdist renorm resize_cubic resize_linear resize_nearest resize_smooth rms_norm
        softmax sum
    """,
    "promote": "grid_sample tensordot",
    "banned": "binary_cross_entropy",
}

_ANY_ACCELERATOR = ""  # what the compiled table calls them


def table(device_type: str) -> dict[str, str]:
    """The policies that the lists above give to a device type's ops, by their names.

    Example:
        >>> dt.amp.policies.table("cpu")["matmul"]
        'lower_precision'
    """
    lists = (EVERYWHERE, CPU if device_type == "cpu" else ACCELERATORS)
    return {op: policy for each in lists for policy, ops in each.items() for op in ops.split()}


def install() -> None:
    """Hand the lists to the layer. Called once, when `dovetail.amp` loads."""
    for device_type in ("cpu", _ANY_ACCELERATOR):
        for op, policy in table(device_type).items():
            _engine.set_cast_policy(device_type, op, policy)


@checks.in_own_name
def register_autocast(op: str, policy: str, device_type: str | None = None) -> None:
    """State what autocast does with an op, one of your own say.

    Args:
        op: its name in the registry.
        policy: "lower_precision", "float32", "promote", "input_dtype", "decompose", "banned" or "none"; see
            `dovetail.amp.policies`.
        device_type: for this device type only, before what is said for all; None: for every one.

    Raises:
        ValueError: there is no such op or policy; or the op has no decomposition to be taken apart by.

    Example:
        >>> from dovetail.ops import op
        >>> @op("affine(Tensor x, Tensor w, Tensor b) -> Tensor")
        ... def affine(x, w, b):
        ...     return x @ w + b
        >>> dt.amp.register_autocast("affine", "lower_precision")
        >>> with dt.autocast("cpu"):
        ...     affine(dt.ones(2, 3), dt.ones(3, 4), dt.ones(4)).dtype
        dovetail.bfloat16
    """
    if policy not in POLICIES:
        raise ValueError(f"policy must be one of {', '.join(POLICIES)}, got {checks.shown(policy)}")
    if device_type is not None and not isinstance(device_type, str):
        raise TypeError(f"device_type must be a str, got {checks.shown(device_type)}")
    if policy == "decompose" and not _op(op).decomposes:
        raise ValueError(f"{op} is primitive and can't be taken apart")
    for where in ("cpu", _ANY_ACCELERATOR) if device_type is None else (device_type,):
        _engine.set_cast_policy(where, _op(op).name, policy)


@checks.in_own_name
def autocast_policy(op: str, device_type: str) -> str:
    """What autocast does with an op on the devices of a type.

    Example:
        >>> dt.amp.autocast_policy("softmax", "cpu"), dt.amp.autocast_policy("softmax", "cuda")
        ('none', 'float32')
    """
    return _engine.cast_policy(device_type, _op(op).name)


def _op(name: str) -> Op:
    try:
        return get_op(name)
    except KeyError:
        raise ValueError(f"there is no op named {checks.shown(name)}") from None
