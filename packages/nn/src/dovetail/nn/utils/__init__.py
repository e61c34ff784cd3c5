"""Utilities around modules and their gradients."""

from .gradients import clip_grad_norm_, clip_grad_value_, get_total_norm
from .stateless import functional_call
from .vector import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "functional_call",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]
