"""Without a GPU: the distribution loads, and what needs a device says why there is none."""

import pytest

import dovetail as dt


def test_it_loads():
    dt.backends.load("cuda")
    assert "cuda" in dt.backends.names()
    assert not dt.cuda.is_available()
    assert dt.cuda.device_count() == 0
    dt.cuda.empty_cache()


@pytest.mark.parametrize(
    "use",
    [
        lambda: dt.ones(2, device="cuda"),
        lambda: dt.ones(2).to("cuda"),
        lambda: dt.ones(2).cuda() if hasattr(dt.Tensor, "cuda") else dt.ones(2).to("cuda:1"),
        lambda: dt.cuda.synchronize(),
        lambda: dt.cuda.current_device(),
        lambda: dt.cuda.get_device_name(),
        lambda: dt.cuda.get_device_properties(),
        lambda: dt.cuda.get_device_capability(),
        lambda: dt.cuda.Stream(),
        lambda: dt.cuda.Event(),
        lambda: dt.cuda.memory_allocated(),
    ],
)
def test_the_reason_is_told(use):
    with pytest.raises(RuntimeError, match="device cuda:[01] is absent: no CUDA device: "):
        use()


@pytest.mark.parametrize("index", [0, 3])
def test_the_device_is_shown(index):
    """(Plain `cuda` is the current device, which is the first.)"""
    for use in (lambda: dt.ones(2).cuda(index), lambda: dt.ones(2).to(f"cuda:{index}"), lambda: dt.cuda.Stream(index)):
        with pytest.raises(RuntimeError, match=rf"^(\w+: )+device cuda:{index} is absent: "):
            use()


def test_the_cpu_is_as_before():
    assert dt.ones(2).sum().item() == 2
