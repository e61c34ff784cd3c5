"""The examples run at small size, learn, and write what they say; a run that was interrupted goes on to the bit."""

import importlib
import math
import sys
from pathlib import Path

import pytest

import dovetail as dt
from dovetail.data import DataLoader, TensorDataset

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.fixture
def example(monkeypatch):
    """Imports an example by name, as Python finds it beside the others when it is run as a script."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    before, state = set(sys.modules), dt.get_rng_state()
    yield importlib.import_module
    dt.set_rng_state(state)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(EXAMPLES)):
            del sys.modules[name]


def run(module, out, *arguments):
    """What the example's main returns, run at small size into a folder."""
    return module.main(["--small", "--out", str(out), *arguments])


def wrote_picture(file):
    return file.read_bytes().startswith(b"\x89PNG")


def test_every_example_is_in_the_readme():
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for file in EXAMPLES.glob("*.py"):
        assert f"({file.name})" in readme, f"docs/examples/README.md says nothing of {file.name}"


def test_gpt(example, tmp_path):
    result = run(example("gpt"), tmp_path)
    assert result["last"] < 0.85 * result["first"]
    assert result["first"] == pytest.approx(math.log(95), rel=0.1)  # at first, all characters are alike to it
    assert result["sample"].startswith("Return the ") and len(result["sample"]) == 71
    assert wrote_picture(tmp_path / "gpt.png")


def test_an_interrupted_gpt_goes_on_to_the_bit(example, tmp_path):
    gpt = example("gpt")
    whole = run(gpt, tmp_path / "whole", "--steps", "24")
    run(gpt, tmp_path / "halves", "--steps", "24", "--stop-after", "11")
    dt.randn(5)  # what comes between does not count
    halves = run(gpt, tmp_path / "halves", "--steps", "24")
    assert halves["log"].curves == whole["log"].curves  # every loss and learning rate
    assert len(halves["log"].curves["loss"]) == 24
    expected, got = (result["model"].state_dict() for result in (whole, halves))
    assert list(got) == list(expected)
    assert all(dt.equal(got[name], expected[name]) for name in expected)
    assert halves["sample"] == whole["sample"]


@pytest.mark.parametrize("taken", [0, 3, 4, 6, 9])
def test_batches_go_on_in_the_epoch_where_they_were(example, tmp_path, taken):
    checkpointing = example("checkpointing")

    def batches():
        data = TensorDataset(dt.arange(10))
        return checkpointing.Batches(DataLoader(data, 3, shuffle=True, generator=dt.Generator().manual_seed(5)))

    whole, interrupted, other = batches(), batches(), batches()
    for _ in range(taken):
        next(whole), next(interrupted)
    checkpointing.save_checkpoint(tmp_path / "state.safetensors", taken, batches=interrupted)
    next(other)
    assert checkpointing.load_checkpoint(tmp_path / "state.safetensors", batches=other) == taken
    for _ in range(10):
        assert next(other)[0].tolist() == next(whole)[0].tolist()


def test_batches_need_a_generator_of_their_own(example):
    with pytest.raises(ValueError, match="Batches: the DataLoader needs a generator"):
        example("checkpointing").Batches(DataLoader(TensorDataset(dt.arange(10)), 3, shuffle=True))


def test_without_a_checkpoint_nothing_is_loaded(example, tmp_path):
    assert example("checkpointing").load_checkpoint(tmp_path / "none.safetensors", part=None) == 0


def test_tensorboard_is_asked_for_by_name(example, tmp_path, monkeypatch):
    """With its library the curves are written; without it, the run ends before it began and says what to install."""
    logbook = example("logbook")
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(SystemExit, match="pip install tensorboardX"):
        logbook.Logbook(tmp_path)

    class Written(dict):
        def SummaryWriter(self, folder):
            self["folder"] = folder
            return self

        def add_scalar(self, name, number, step):
            self[name, step] = number

        def close(self):
            self["closed"] = True

    written = Written()
    monkeypatch.setitem(sys.modules, "tensorboardX", written)
    log = logbook.Logbook(tmp_path)
    log.add(3, loss=0.5)
    log.close()
    assert written == {"folder": str(tmp_path), ("loss", 3): 0.5, "closed": True}


def test_tagger(example, tmp_path):
    result = run(example("tagger"), tmp_path)
    assert result["last"] < 0.5 * result["first"]
    assert result["accuracy"] > 0.7


def test_vae(example, tmp_path):
    result = run(example("vae"), tmp_path)
    assert result["last"] < 0.85 * result["first"]
    assert result["divergence"] > 0
    assert wrote_picture(tmp_path / "vae.png")


def test_dcgan(example, tmp_path):
    result = run(example("dcgan"), tmp_path)
    assert result["distance"] < 0.7 * result["before"]
    assert wrote_picture(tmp_path / "dcgan.png")


def test_actor_critic(example, tmp_path):
    result = run(example("actor_critic"), tmp_path)
    assert result["last"] > 1.5 * result["first"]
    assert wrote_picture(tmp_path / "actor_critic.png")


def test_cart_pole_moves_as_its_equations_say(example):
    """One step, against the equations by hand, from a state that is at rest and upright."""
    environment = example("actor_critic").CartPole(2)
    environment.reset()
    environment.state = dt.zeros(2, 4)
    state, standing = environment.step(dt.tensor([0, 1]))
    push = 10 / 1.1
    turn = -push / (0.5 * (4 / 3 - 0.1 / 1.1))
    right = [0.0, 0.02 * (push - 0.05 * turn / 1.1), 0.0, 0.02 * turn]
    assert state[1].tolist() == pytest.approx(right)
    assert state[0].tolist() == pytest.approx([-x for x in right])
    assert standing.tolist() == [True, True]


def test_forecast(example, tmp_path):
    result = run(example("forecast"), tmp_path)
    assert result["last"] < 0.7 * result["first"]
    assert result["error"] < 1.2 * result["naive"]
    assert wrote_picture(tmp_path / "forecast.png")


def test_translate(example, tmp_path):
    result = run(example("translate"), tmp_path)
    assert result["last"] < 0.3 * result["first"]
    assert result["right"] > 0.3


def test_numbers_are_written_as_in_english_and_german(example):
    translate = example("translate")
    written = {n: (" ".join(translate.english(n)), " ".join(translate.german(n))) for n in (0, 11, 30, 101, 1021, 4200)}
    assert written == {
        0: ("zero", "null"),
        11: ("eleven", "elf"),
        30: ("thirty", "dreißig"),
        101: ("one hundred and one", "ein hundert eins"),
        1021: ("one thousand and twenty one", "ein tausend ein und zwanzig"),
        4200: ("four thousand two hundred", "vier tausend zwei hundert"),
    }


@pytest.mark.parametrize("precision", [(), ("--mixed",)], ids=["float32", "mixed"])
def test_resnet(example, tmp_path, precision):
    result = run(example("resnet"), tmp_path, *precision)
    assert result["last"] < 0.93 * result["first"]
    assert (tmp_path / "data_batch_1.bin").stat().st_size == 240 * 3073
    assert (tmp_path / "resnet.safetensors").exists()


def test_an_interrupted_resnet_goes_on_to_the_bit(example, tmp_path):
    """In the middle of an epoch, within which images are augmented at random."""
    resnet = example("resnet")
    whole = run(resnet, tmp_path / "whole")
    run(resnet, tmp_path / "halves", "--stop-after", "5")
    assert dt.load(tmp_path / "halves" / "resnet.safetensors")["step"] == 5
    halves = run(resnet, tmp_path / "halves")
    assert len(halves["log"].curves["loss"]) == 24
    assert halves["log"].curves == whole["log"].curves


def test_cifar_records_are_read_as_written(example, tmp_path):
    resnet = example("resnet")
    records = bytes([7]) + bytes(range(256)) * 12 + bytes([2]) + bytes([255]) * 3072
    (tmp_path / "data_batch_1.bin").write_bytes(records)
    data = resnet.CIFAR10([tmp_path / "data_batch_1.bin"])
    image, label = data[0]
    assert len(data) == 2 and label.item() == 7
    assert image.shape == (3, 32, 32)
    assert (127.5 * (image[1, 0, :4] + 1)).round().tolist() == [0, 1, 2, 3]  # green begins anew at 1024
    assert data[1][0].min().item() == 1.0 and data[1][1].item() == 2
