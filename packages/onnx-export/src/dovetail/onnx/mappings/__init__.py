"""How ops become ONNX nodes, one family a file. An op without a mapping is exported by its decomposition."""

from . import elementwise, index, matrix, reduce, shape, window

__all__ = ["elementwise", "index", "matrix", "reduce", "shape", "window"]
