"""The memory behind tensors: as an object, and given to another tensor."""

import pytest

import dovetail as dt


def test_storages_as_elements_and_bytes():
    x = dt.tensor([[1, 2], [3, 4]], dtype=dt.int32)
    memory = x.T[1:].storage()
    assert memory.tolist() == [1, 2, 3, 4] and memory[1] == 2 and memory[-1] == 4 and memory[1:3].tolist() == [2, 3]
    assert (len(memory), memory.size(), memory.nbytes(), memory.element_size()) == (4, 4, 16, 4)
    assert memory.dtype is dt.int32 and memory == x.storage() and memory != x.clone().storage()
    memory[0] = 7
    assert x[0, 0].item() == 7
    octets = x.untyped_storage()
    assert octets == memory.untyped() and octets[0] == 7 and len(octets) == len(octets.tolist()) == 16
    octets[1] = 1
    assert x[0, 0].item() == 263
    assert dt.is_storage(memory) and dt.is_storage(octets) and not dt.is_storage(x)
    with pytest.raises(IndexError, match="index 9 is out of range"):
        memory[9]
    with pytest.raises(TypeError, match="^storage: index must be an int"):
        memory["a"]


def test_set():
    source = dt.arange(6.0).reshape(2, 3)
    x = dt.empty(0)
    assert x.set_(source.T) is x and x.tolist() == source.T.tolist() and x.is_set_to(source.T)
    assert x.set_(source[1].untyped_storage()).tolist() == [0, 1, 2, 3, 4, 5]
    assert x.set_(source.storage(), 1, (2, 2)).tolist() == [[1, 2], [3, 4]]
    assert x.set_(source.untyped_storage(), 1, (2, 2), (1, 2)).tolist() == [[1, 3], [2, 4]]
    assert x.set_(source, 2, (2,), (3,)).tolist() == [2, 5]
    x[0] = -1
    assert source[0, 2].item() == -1
    assert x.set_().shape == (0,) and x.dtype is dt.float32
    numbers = dt.empty(0, dtype=dt.int32).set_(dt.ones(2).untyped_storage())
    assert numbers.tolist() == [0x3F800000, 0x3F800000]
    assert dt.empty(0).set_(dt.empty(0).untyped_storage()).shape == (0,)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((dt.ones(2).int(),), TypeError, "set_: the memory must be of float32 on cpu, got int32 on cpu"),
        ((dt.ones(2).untyped_storage(), 0, (20,)), ValueError, "set_: "),
        ((dt.ones(2), 0, None, (1,)), TypeError, "set_: storage_offset and stride go with a size"),
    ],
)
def test_what_set_refuses(args, error, message):
    with pytest.raises(error, match=f"^{message}"):
        dt.ones(1).set_(*args)


def test_a_generator_and_its_copy():
    generator = dt.Generator().manual_seed(3)
    dt.rand(5, generator=generator)
    other = generator.clone_state()
    assert other is not generator and other.initial_seed() == 3
    first = dt.rand(9, generator=generator)
    assert dt.equal(first, dt.rand(9, generator=other))
    assert not dt.equal(first, dt.rand(9, generator=generator))


def test_parts_and_wholes_of_complex_dtypes():
    assert dt.float32.to_complex() is dt.complex64.to_complex() is dt.complex64
    assert dt.complex128.to_real() is dt.float64.to_real() is dt.float64 and dt.int8.to_real() is dt.int8
    with pytest.raises(TypeError, match="^dtype.to_complex: int8 has no complex dtype"):
        dt.int8.to_complex()
