"""Export to ONNX, proved in ONNX Runtime.

report = dt.onnx.export(model, example, "model.onnx", dynamic_axes={"input": {0: "batch"}})
print(report.max_difference)
"""

from .__about__ import __version__
from .errors import ExportError
from .export import ExportReport, export
from .graph import Call, Graph, mapping

__all__ = ["Call", "ExportError", "ExportReport", "Graph", "__version__", "export", "mapping"]
