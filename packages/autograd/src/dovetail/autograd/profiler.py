"""PyTorch's place for the profiler: see `dovetail.profiler`.

>>> with dt.autograd.profiler.profile() as prof:
...     x = dt.ones(2, requires_grad=True)
...     (x * x).sum().backward()
>>> {"mul", "sum"} <= {each.key for each in prof.key_averages()}
True
"""

from dovetail.profiler import Event, EventAverage, EventAverages, profile, record_function

__all__ = ["Event", "EventAverage", "EventAverages", "profile", "record_function"]
