"""The comparisons run where PyTorch is: `nox -s compare`. Elsewhere there is nothing to collect."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]

if find_spec("torch"):
    import torch

    torch.set_num_threads(1)  # its threads wait for each other where others have the cores
