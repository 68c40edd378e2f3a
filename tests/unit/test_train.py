import json
import os
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from PIL import Image as Pillow
from support.colour_files import PASSED_OVER, flat
from support.states import until

from srgan.data import Photos
from srgan.images import repeat, to_image, to_lr
from srgan.models import Generator
from srgan.reading import read_image
from srgan.train import Run, main
from srgan.training.checkpoint import load_checkpoint, save_checkpoint
from srgan.training.config import SRGANConfig, TrainConfig
from srgan.training.curves import Curves
from srgan.training.forward import fast_forward
from srgan.training.initialise import begin_as_nearest
from srgan.training.same import differences, inputs
from srgan.training.steps import Trainer
from srgan.weights import load_weights, read_card, save_weights

ROOT = Path(__file__).parents[2]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photos, fewer validation photos than a batch and of odd sizes, and weights to start from."""
    folder = tmp_path_factory.mktemp("train")
    rng = np.random.default_rng(0)
    for kind, count, side in (("photos", 4, 60), ("validation", 2, 41)):
        (folder / kind).mkdir()
        for index in range(count):
            walk = np.cumsum(rng.normal(0, 12, (side + 5 * index, side + 3, 3)), axis=1) + 128
            pixels = np.clip(walk, 0, 255).astype(np.uint8)
            Pillow.fromarray(pixels).save(folder / kind / f"{index}.png")
    torch.manual_seed(3)
    save_weights(Generator(1, 4), folder / "start.safetensors", {"steps": "7"})
    return folder


def options(folder, stage, out, **more):
    """A command line; the networks are as small as they can be."""
    chosen = {
        **{"images": folder / "photos", "validation": folder / "validation", "out": out},
        **{"batch": 4, "patch": 32, "precision": "fp32", "warmup": 2, "steps": 4, "log_every": 2},
        **{"workers": 1, "evaluate_every": 1000},
    }
    if stage == "srresnet":
        chosen |= {"blocks": 1, "channels": 4}
    else:
        chosen |= {"init": folder / "start.safetensors", "features": "mse"}
        chosen |= {"discriminator_channels": 4, "discriminator_warmup": 2}
    words = [stage]
    for name, value in (chosen | more).items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return words


def weights_of(run, part="generator"):
    return load_checkpoint(run / "checkpoint.pt")["trainer"][part]


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def trainer(config=TrainConfig, **options):
    paths = {"images": "", "validation": "", "out": ""}
    if config is SRGANConfig:
        small = {"init": "", "features": "mse", "discriminator_channels": 4}
        options = small | {"discriminator_warmup": 0, "patch": 32, "warmup": 0} | options
    torch.manual_seed(0)
    accelerator = Accelerator(cpu=True, mixed_precision="no")
    return Trainer(config(**paths, **options), Generator(1, 4), accelerator)


def batch(size=2, small=10):
    torch.manual_seed(1)
    return torch.rand(size, 3, small, small), torch.rand(size, 3, 4 * small, 4 * small) * 2 - 1


# What a step changes, and what it does not


def snapshot(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize("gan", ["bce", "relativistic"])
def test_each_step_leaves_the_other_network_bit_equal(gan, spectral_norm):
    leaves_the_other_network_bit_equal(gan=gan, spectral_norm=spectral_norm)


@pytest.mark.parametrize("condition", [False, True])
@pytest.mark.parametrize("discriminator", ["heads", "unet"])
def test_other_discriminators_leave_it_bit_equal_too(discriminator, condition):
    leaves_the_other_network_bit_equal(
        discriminator=discriminator, condition=condition, gan="hinge", discriminator_channels=8
    )


def leaves_the_other_network_bit_equal(**options):
    both = trainer(SRGANConfig, **options)
    lr, hr = batch()
    sr = fast_forward(both.generator, lr)
    cut = both._cut(0)

    before, discriminator = snapshot(both.generator), snapshot(both.discriminator)
    both._set_rates(10, 1.0)
    both._discriminator_step(sr.detach(), lr, hr, cut)
    assert equal(snapshot(both.generator), before)
    assert all(p.grad is None for p in both.generator.parameters())
    assert not equal(snapshot(both.discriminator), discriminator)

    discriminator = snapshot(both.discriminator)
    learning = [p for p in both.discriminator.parameters() if p.requires_grad]
    gradients = [p.grad.clone() for p in learning]
    both._generator_step(sr, lr, hr, cut)
    assert equal(snapshot(both.discriminator), discriminator)  # statistics and vectors too
    for parameter, gradient in zip(learning, gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)
    assert not equal(snapshot(both.generator), before)


def test_discriminator_learns_alone_at_first():
    both = trainer(SRGANConfig, discriminator_warmup=2)
    generator, discriminator = snapshot(both.generator), snapshot(both.discriminator)
    for step in range(2):
        log = both.step(step, *batch(), 1.0)
    assert "loss/content" not in log
    assert equal(snapshot(both.generator), generator)
    assert not equal(snapshot(both.discriminator), discriminator)
    assert "loss/content" in both.step(2, *batch(), 1.0)
    assert not equal(snapshot(both.generator), generator)


def test_generators_statistics_are_frozen_in_the_adversarial_stage_only():
    for config, frozen in ((SRGANConfig, True), (TrainConfig, False)):
        one = trainer(config)
        before = snapshot(one.generator)
        one.step(0, *batch(small=10 if frozen else 8), 1.0)
        after = snapshot(one.generator)
        statistics = [key for key in before if "running" in key]
        affine = [key for key in before if "bn1.weight" in key]
        assert all(torch.equal(before[key], after[key]) for key in statistics) is frozen
        assert not any(torch.equal(before[key], after[key]) for key in affine)


def test_normalisation_of_the_first_stage_can_be_frozen_too():
    one = trainer(TrainConfig, init="trained", freeze_normalisation=True)
    before = snapshot(one.generator)
    one.step(0, *batch(small=8), 1.0)
    after = snapshot(one.generator)
    for key in before:
        still = "running" in key or "num_batches" in key
        assert torch.equal(before[key], after[key]) is still, key


def test_artifacts_are_measured_against_the_average():
    both = trainer(SRGANConfig, artifacts=2.0)
    log = both.step(0, *batch(), 1.0)
    assert log["loss/artifacts"] > 0  # as good as the average is not better
    assert log["weight/artifacts"] == 2
    assert log["gradient/artifacts"] > 0


def test_upsampling_stays_frozen_as_long_as_asked():
    both = trainer(SRGANConfig, freeze_upsampling=2)
    before = snapshot(both.generator)
    for step in range(3):
        if step == 2:
            late = {k: v for k, v in snapshot(both.generator).items() if k in both_late(before)}
            assert equal(late, both_late(before))
            assert not torch.equal(both.generator.head[0].weight, before["head.0.weight"])
        both.step(step, *batch(), 1.0)
    assert not torch.equal(both.generator.tail.weight, before["tail.weight"])


def both_late(states):
    return {k: v for k, v in states.items() if k.startswith(("upsample.", "tail."))}


def test_the_steps_gradient_is_that_of_the_weighted_sum():
    weights = {"pixel": 0.2, "grid": 0.01, "total_variation": 1e-4}
    both = trainer(SRGANConfig, **weights, content_weight=0.5, clip=1e9)
    lr, hr = batch()
    cut = both._cut(5)
    sr = fast_forward(both.generator, lr)
    losses = both._losses(lr, hr, cut)
    weights |= {"content": 0.5, "adversarial": 1e-3}
    assert losses.keys() == weights.keys()
    both._generator_step(sr, lr, hr, cut)
    found = [p.grad.clone() for p in both.generator.parameters()]

    again = trainer(SRGANConfig)  # the same weights, before the step
    sr = again.generator(lr)
    total = sum(weight * losses[name](sr) for name, weight in weights.items())
    expected = torch.autograd.grad(total, list(again.generator.parameters()))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("ratio", [0.3, 2.0])
def test_gradients_are_held_at_their_ratio(ratio):
    both = trainer(SRGANConfig, adversarial_ratio=ratio, consistency=0.25)
    log = both.step(0, *batch(), 1.0)
    content = log["gradient/content"]
    assert (log["gradient/adversarial"] / content).item() == pytest.approx(ratio, rel=1e-4)
    assert (log["gradient/consistency"] / content).item() == pytest.approx(0.25, rel=1e-4)
    held = log["weight/adversarial"]
    log = both.step(1, *batch(), 1.0)
    assert log["weight/adversarial"] == pytest.approx(held.item(), rel=0.1)  # smoothed


def test_cut_moves_over_all_offsets_and_keeps_images_together():
    both = trainer(SRGANConfig, margin=8)
    place = torch.arange(40 * 40.0).view(1, 1, 40, 40)
    offsets = set()
    for step in range(400):
        a = both._cut(step)(place)
        assert torch.equal(a, both._cut(step)(place))
        assert a.shape[-2:] == (32, 32)
        offsets.add(divmod(int(a[0, 0, 0, 0]), 40))
    assert len(offsets) > 75  # of 81
    assert {y for y, _ in offsets} == {x for _, x in offsets} == set(range(9))


@pytest.mark.parametrize("training", [False, True])
def test_new_generators_begin_as_nearest_neighbour_and_learn_everywhere(training):
    generator = Generator(2, 16).train(training)
    begin_as_nearest(generator)
    lr = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_image(generator(to_lr(lr))), repeat(lr))

    optimizer = torch.optim.Adam(generator.parameters(), 1e-3)
    for _ in range(3):  # a weight behind one that is zero gets its gradient a step later
        optimizer.zero_grad()
        generator(to_lr(lr)).square().mean().backward()
        optimizer.step()
    for name, parameter in generator.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_average_is_a_weighted_mean_and_remembers_its_decay():
    one = trainer(decay=0.5)
    weight = one.generator.tail.weight.data
    with torch.no_grad():
        for value in (0.0, 1.0, 1.0):
            weight.fill_(value)
            one.update_average()
    # first a copy; then decays of min(0.5, 1 / 11) and min(0.5, 2 / 12)
    expected = 1 - (1 / 11) * (2 / 12)
    assert one.average.module.tail.weight.mean().item() == pytest.approx(expected)


def test_schedules():
    def rates(schedule, **more):
        config = TrainConfig(images="", validation="", out="", schedule=schedule, **more)
        return [config.schedule_at(progress) for progress in (0, 0.5, 0.9, 1)]

    assert rates("constant") == [1, 1, 1, 1]
    assert rates("linear", anneal=0.2) == pytest.approx([1, 1, 0.5, 0])
    assert rates("cosine") == pytest.approx([1, 0.5, 0.0245, 0], abs=1e-3)


# Runs


@pytest.mark.parametrize("stage", ["srresnet", "srgan"])
def test_a_run_leaves_weights_card_config_and_curves(stage, folder, tmp_path, capsys):
    assert main(options(folder, stage, tmp_path / "run", evaluate_every=2)) == 0
    run = tmp_path / "run"
    assert sorted(p.name.split(".")[0] for p in run.iterdir()) == sorted(
        ["checkpoint", "config", "events", stage]
    )
    average = {k: v for k, v in weights_of(run, "average").items() if k != "n_averaged"}
    saved = load_weights(run / f"{stage}.safetensors").state_dict()
    assert equal({f"module.{key}": value for key, value in saved.items()}, average)
    card = read_card(run / f"{stage}.safetensors")
    assert card["steps"] == "4"
    assert card["command"].startswith(f"python -m srgan.train {stage} --images")
    assert "4 photos" in card["data"]
    assert card.get("init", "").endswith("7 steps") is (stage == "srgan")
    config = json.loads((run / "config.json").read_text())
    assert config["stage"] == stage
    assert config["batch"] == 4
    printed = capsys.readouterr()
    assert "step 4, validation" in printed.err + printed.out
    assert "data" in printed.err + printed.out


class Torn(Exception):  # noqa: N818 - not an error
    pass


@pytest.mark.long
def test_torn_runs_resume_bit_equal(folder, tmp_path, monkeypatch):
    """Interrupted after every single step, in both stages, with everything switched on."""
    start = folder / "start.safetensors"
    recipes = (
        ("srresnet", {"total_variation": 1e-6}),
        ("srgan", {"adversarial_ratio": 0.5, "consistency": 0.3, "gan": "relativistic"}),
        ("srresnet", {"optimizer": "muon", "init": start, "freeze_normalisation": True}),
        ("srgan", {"discriminator": "heads", "gan": "hinge", "condition": True, "artifacts": 1.0}),
        ("srgan", {"discriminator": "unet", "discriminator_channels": 8, "optimizer": "muon"}),
    )
    for number, (stage, more) in enumerate(recipes):
        whole, torn = tmp_path / f"{number}-whole", tmp_path / f"{number}-torn"
        assert main(options(folder, stage, whole, steps=4, **more)) == 0
        typed = options(folder, stage, torn, steps=4, save_every=1, **more)
        step = Trainer.step

        def once(self, number, *batch, step=step, typed=typed):
            if number > self.taken:
                raise Torn
            return step(self, number, *batch)

        monkeypatch.setattr(Trainer, "step", once)
        for last in range(4):
            monkeypatch.setattr(Trainer, "taken", last, raising=False)
            if last < 3:
                with pytest.raises(Torn):
                    main([*typed, "--resume"])
            else:
                assert main([*typed, "--resume"]) == 0
        monkeypatch.setattr(Trainer, "step", step)
        assert equal(weights_of(whole), weights_of(torn))
        name = f"{stage}.safetensors"
        assert equal(
            load_weights(whole / name).state_dict(), load_weights(torn / name).state_dict()
        )


def test_a_checkpoint_is_replaced_not_rewritten(tmp_path):
    path, link = tmp_path / "checkpoint.pt", tmp_path / "link.pt"
    save_checkpoint({"step": 1}, path)
    os.link(path, link)
    save_checkpoint({"step": 2}, path)
    assert load_checkpoint(path)["step"] == 2
    assert load_checkpoint(link)["step"] == 1  # whoever reads meanwhile has the old one, whole


@pytest.mark.long
@pytest.mark.parametrize("stage", ["srresnet", "srgan"])
def test_killed_at_a_random_moment_resumes_bit_equal(stage, folder, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(options(folder, stage, whole, steps=60)) == 0
    typed = options(folder, stage, killed, steps=60, save_every=3)
    process = subprocess.Popen(
        [sys.executable, "-m", "srgan.train", *typed],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
    )
    with process:
        until(lambda: (killed / "checkpoint.pt").exists() or process.poll() is not None)
        time.sleep(random.SystemRandom().uniform(0, 1))  # no state: any moment
        process.kill()
    step = load_checkpoint(killed / "checkpoint.pt")["step"]  # never half written
    assert process.returncode in (-signal.SIGKILL, 0)
    assert main([*typed, "--resume"]) == 0, f"killed after step {step}"
    for part in ("generator", "average"):
        assert equal(weights_of(whole, part), weights_of(killed, part)), f"killed after step {step}"


@pytest.mark.long
def test_two_processes_train_as_one(folder, tmp_path):
    """`accelerate launch` with two processes on this CPU, both stages, ten steps."""
    script = tmp_path / "both.py"
    more = {"steps": 10, "batch": 8}
    gan = {"adversarial_ratio": 0.5, "consistency": 0.3, "discriminator_rate": 1e-5}

    def commands(out):
        return [
            options(folder, "srresnet", out / "srresnet", **more),
            options(folder, "srgan", out / "srgan", **more, **gan),
        ]

    script.write_text(
        "import sys\nfrom accelerate import PartialState\nfrom srgan.train import Run, main\n"
        f"failed = sum(main(typed) for typed in {commands(tmp_path / 'two')!r})\n"
        "PartialState().destroy_process_group()\nsys.exit(failed)\n"
    )
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    done = subprocess.run(
        [*launch, "--num_processes", "2", "--main_process_port", "0", str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for typed in commands(tmp_path / "one"):
        assert main(typed) == 0
    for stage in ("srresnet", "srgan"):
        one, two = (weights_of(tmp_path / runs / stage) for runs in ("one", "two"))
        start = Generator(1, 4).state_dict()
        assert any((one[key] - start[key]).abs().max() > 1e-3 for key in start)
        for key, value in one.items():
            torch.testing.assert_close(two[key], value, rtol=0, atol=1e-5, msg=f"{stage} {key}")
    one, two = (weights_of(tmp_path / runs / "srgan", "discriminator") for runs in ("one", "two"))
    differences = torch.cat([(one[key] - two[key]).float().abs().flatten() for key in one])
    # A unit at the kink of its LeakyReLU may fall to the other side by rounding.
    assert (differences > 1e-5).float().mean() < 1e-3


@pytest.mark.long
def test_two_machines_go_on_with_what_one_process_began(folder, tmp_path, monkeypatch):
    """The recipe of docs/scale.md, with both machines on this one and gloo between them."""
    more = {"steps": 6, "batch": 8}
    assert main(options(folder, "srresnet", tmp_path / "whole", **more)) == 0
    typed = options(folder, "srresnet", tmp_path / "run", **more)
    step = Trainer.step

    def interrupted(self, number, *batch):
        if number == 1:
            signal.raise_signal(signal.SIGINT)
        return step(self, number, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "step", interrupted)
        assert main(typed) == 130
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 2
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (ROOT / "docs" / "scale.md").read_text("utf-8")
    (recipe,) = re.findall(r"```bash\n(accelerate launch .*?)```", text, re.DOTALL)
    recipe = recipe.replace("\\\n", " ").replace("10.0.0.1", "127.0.0.1")
    recipe = recipe.replace("29500", str(port)).partition(" srresnet ")[0]
    command = [sys.executable, "-m", "accelerate.commands.launch", *recipe.split()[2:]]
    settings = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    machines = [
        subprocess.Popen(
            [part.replace("RANK", str(rank)) for part in command] + [*typed, "--resume"],
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    said = [machine.communicate(timeout=300)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], "".join(said)
    whole, run = (weights_of(tmp_path / name) for name in ("whole", "run"))
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 6
    for key, value in whole.items():
        torch.testing.assert_close(run[key], value, rtol=0, atol=1e-5, msg=key)


def test_a_stretch_continues_another(folder, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert main(options(folder, "srresnet", first)) == 0
    typed = options(folder, "srresnet", second, steps=3, rate=1e-9, continue_from=first)
    assert main(typed) == 0
    state = load_checkpoint(second / "checkpoint.pt")
    assert (state["start"], state["step"]) == (4, 7)
    a, b = weights_of(first)["tail.weight"], weights_of(second)["tail.weight"]
    torch.testing.assert_close(a, b, rtol=0, atol=1e-7)
    assert state["trainer"]["average"]["n_averaged"] == 7
    assert main([*typed, "--resume"]) == 0  # done already: nothing more is added
    assert load_checkpoint(second / "checkpoint.pt")["step"] == 7


def test_a_budget_in_minutes_ends(folder, tmp_path):
    assert main(options(folder, "srresnet", tmp_path / "run", steps=None, minutes=0.01)) == 0
    state = load_checkpoint(tmp_path / "run" / "checkpoint.pt")
    assert 0.6 <= state["elapsed"] < 30
    assert state["step"] > 0


def test_ctrl_c_saves_and_says_how_to_go_on(folder, tmp_path, monkeypatch, capfd):
    typed = options(folder, "srresnet", tmp_path / "run", steps=8)
    whole = options(folder, "srresnet", tmp_path / "whole", steps=8)
    step, handler = Trainer.step, signal.getsignal(signal.SIGINT)

    def interrupted(self, number, *batch):
        if number == 5:
            signal.raise_signal(signal.SIGINT)
        return step(self, number, *batch)

    monkeypatch.setattr(Trainer, "step", interrupted)
    assert main(typed) == 130
    monkeypatch.setattr(Trainer, "step", step)
    assert load_checkpoint(tmp_path / "run" / "checkpoint.pt")["step"] == 6
    printed = capfd.readouterr().out
    command = printed.split("go on with\n")[1].split()
    assert command[:3] == ["python", "-m", "srgan.train"]
    assert command[-1] == "--resume"
    assert signal.getsignal(signal.SIGINT) is handler
    assert main(command[3:]) == 0
    assert main(whole) == 0
    assert equal(weights_of(tmp_path / "run"), weights_of(tmp_path / "whole"))


# What goes wrong, in one line and with nothing lost


def test_nan_stops_before_anything_is_overwritten(folder, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    step = Trainer.step

    def broken(self, number, lr, hr, rate):
        return step(self, number, lr * (float("nan") if number == 3 else 1), hr, rate)

    monkeypatch.setattr(Trainer, "step", broken)
    for log_every in (1, 1000):  # seen in the loss, or in the weights when they are to be saved
        typed = options(folder, "srresnet", run / str(log_every), steps=8, save_every=2)
        typed[typed.index("--log-every") + 1] = str(log_every)
        assert main(typed) == 1
        message = capsys.readouterr().err
        assert "the loss is no number any more at step 4" in message
        advice = message[message.index("To go on from there with") :]
        assert f"--continue-from {run / str(log_every)} and another --out" in advice
        assert "a lower --rate" in advice
        assert "untouched; it is from step 2" in message
        assert load_checkpoint(run / str(log_every) / "checkpoint.pt")["step"] == 2
        weights = load_weights(run / str(log_every) / "srresnet.safetensors")
        assert all(p.isfinite().all() for p in weights.parameters())


def test_full_disk_keeps_the_old_checkpoint(folder, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    step = Trainer.step
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, number, *batch):
        if number == 3:  # no file may grow beyond 20 kB from now on
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        return step(self, number, *batch)

    monkeypatch.setattr(Trainer, "step", fill)
    try:
        typed = options(folder, "srresnet", run, steps=8, save_every=2)
        assert main(typed) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    message = capsys.readouterr().err
    assert "cannot save at step 4" in message
    assert "untouched; it is from step 2" in message
    assert load_checkpoint(run / "checkpoint.pt")["step"] == 2
    assert load_weights(run / "srresnet.safetensors")
    assert not [path for path in run.iterdir() if path.name.endswith(".part")]
    monkeypatch.setattr(Trainer, "step", step)
    assert main([*typed, "--resume"]) == 0


def at_step(monkeypatch, number, act):
    """Do something before a step, once."""
    step, waiting = Trainer.step, [act]

    def acting(self, now, *batch):
        if now == number and waiting:
            waiting.pop()()
        return step(self, now, *batch)

    monkeypatch.setattr(Trainer, "step", acting)


@pytest.mark.parametrize("stage", ["srresnet", "srgan"])
def test_the_advice_after_nan_can_be_followed(stage, folder, tmp_path, monkeypatch, capsys):
    """--resume takes no other rate; a new stretch does, and of SRGAN instead of --init."""
    step = Trainer.step

    def broken(self, number, lr, hr, rate):
        return step(self, number, lr * (float("nan") if number == 3 else 1), hr, rate)

    monkeypatch.setattr(Trainer, "step", broken)
    run = tmp_path / "run"
    typed = options(folder, stage, run, steps=8, save_every=2, log_every=1)
    assert main(typed) == 1
    assert "--continue-from" in capsys.readouterr().err
    monkeypatch.setattr(Trainer, "step", step)
    lower = options(folder, stage, run, steps=8, rate=1e-5)
    assert main([*lower, "--resume"]) == 1
    assert "(--rate)" in capsys.readouterr().err
    init = {} if stage == "srresnet" else {"init": None}
    more = {"continue_from": run, "rate": 1e-5, **init}
    assert main(options(folder, stage, tmp_path / "next", **more)) == 0


def test_nan_before_anything_was_saved(folder, tmp_path, monkeypatch, capsys):
    step = Trainer.step
    monkeypatch.setattr(
        Trainer, "step", lambda self, n, lr, hr, rate: step(self, n, lr * float("nan"), hr, rate)
    )
    monkeypatch.setattr(Run, "save", lambda self: None)
    assert main(options(folder, "srresnet", tmp_path / "run", log_every=1)) == 1
    assert "Begin again with a lower --rate" in capsys.readouterr().err


@pytest.mark.parametrize("room", [300_000, 14_000])
def test_a_disk_that_fills_between_checkpoints_ends_the_curves_alone(
    room, folder, tmp_path, monkeypatch, capfd
):
    """No file may be larger than `room`: in one case the checkpoints fit."""
    run = tmp_path / "run"
    typed = options(folder, "srresnet", run, steps=24, evaluate_every=1, log_every=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    hook = threading.excepthook
    at_step(monkeypatch, 3, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard)))
    try:
        code = main(typed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    printed = capfd.readouterr()
    assert "Traceback" not in printed.err
    assert "Exception" not in printed.err
    (line,) = [x for x in printed.out.splitlines() if "cannot be written any more" in x]
    assert "File too large" in line
    if room == 300_000:
        assert code == 0
        assert load_checkpoint(run / "checkpoint.pt")["step"] == 24
        assert "step 24, validation" in printed.out
    else:
        assert code == 1
        assert "error: cannot save at step 4" in printed.err
    assert threading.excepthook is hook


@pytest.fixture
def many(folder, tmp_path):
    """Ten photos to be spoiled."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for index in range(10):
        shutil.copy(folder / "photos" / f"{index % 4}.png", photos / f"{index}.png")
    return photos


def test_photos_that_break_in_mid_run_are_each_named_once(
    many, folder, tmp_path, monkeypatch, capsys
):
    (many / "0.png").write_bytes((many / "0.png").read_bytes()[:3000])  # cut before the start

    def spoil():
        (many / "1.png").write_bytes((many / "1.png").read_bytes()[:3000])
        (many / "2.png").unlink()
        (many / "3.png").unlink()
        (many / "3.png").mkdir()
        Pillow.new("RGB", (20, 20)).save(many / "4.png")

    at_step(monkeypatch, 5, spoil)
    run = tmp_path / "run"
    typed = options(folder, "srresnet", run, images=many, cache_gb=0, steps=40)
    assert main(typed) == 0
    printed = capsys.readouterr().out
    assert f"train: 10 photos, 0.0 megapixels in {many}" in printed
    for name, reason in {
        **{"0.png": "damaged", "1.png": "damaged", "2.png": "no such file"},
        **{"3.png": "is a folder", "4.png": "20 × 20 pixels; a side needs at least 32"},
    }.items():
        lines = [line for line in printed.splitlines() if f"skipped {many / name}" in line]
        assert len(lines) == 1, name
        assert reason in lines[0]
    assert "train: 5 of 10 photos left" in printed
    data = read_card(run / "srresnet.safetensors")["data"]
    assert data == f"{many}: 5 photos, 0 megapixels (5 more could not be read any more)"


@pytest.mark.long
def test_a_run_whose_photos_are_all_gone_stops_with_its_steps_saved(
    many, folder, tmp_path, monkeypatch, capsys
):
    away = tmp_path / "away"
    at_step(monkeypatch, 5, lambda: many.rename(away))
    run = tmp_path / "run"
    typed = options(folder, "srresnet", run, images=many, cache_gb=0, steps=40)
    assert main(typed) == 1
    printed = capsys.readouterr()
    assert f"error: no photo of {many} can be read any more. Saved at step" in printed.err
    assert "put the photos back and --resume" in printed.err
    assert printed.out.count(f"skipped {many}") == 10
    state = load_checkpoint(run / "checkpoint.pt")
    assert 5 < state["step"] < 15
    assert main([*typed, "--resume"]) == 1  # still gone
    assert f"{many} is not a folder" in capsys.readouterr().err
    away.rename(many)
    assert main([*typed, "--resume"]) == 0
    whole = options(folder, "srresnet", tmp_path / "whole", images=many, steps=40)
    assert main(whole) == 0
    assert equal(weights_of(run), weights_of(tmp_path / "whole"))


def test_validation_photos_that_are_gone_do_not_end_the_run(folder, tmp_path, monkeypatch, capsys):
    validation = tmp_path / "validation"
    shutil.copytree(folder / "validation", validation)
    monkeypatch.setattr("srgan.training.run.VALIDATION_GB", 0)
    at_step(monkeypatch, 1, (validation / "0.png").unlink)
    at_step(monkeypatch, 3, (validation / "1.png").unlink)
    typed = options(folder, "srresnet", tmp_path / "run", validation=validation, evaluate_every=2)
    assert main(typed) == 0
    printed = capsys.readouterr().out
    assert f"skipped {validation / '0.png'}: There is no such file" in printed
    assert "validation: 1 of 2 photos left" in printed
    assert "validation: 0 of 2 photos left" in printed


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"images": "/nowhere"}, "/nowhere is not a folder"),
        ({"validation": "/nowhere"}, "/nowhere is not a folder"),
        ({"patch": 96}, "a side needs at least 96"),
        ({"init": "/nowhere.safetensors"}, "/nowhere.safetensors does not exist"),
        ({"features": "vgg"}, "unknown feature network 'vgg'"),
        ({"continue_from": "/nowhere"}, "there is no checkpoint /nowhere/checkpoint.pt"),
    ],
)
def test_errors_of_the_user_are_one_message(more, message, folder, tmp_path, capsys):
    assert main(options(folder, "srresnet", tmp_path / "run", **more)) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed
    assert not (tmp_path / "run").exists()


def test_accelerates_launcher_that_would_start_one_process_only(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("MASTER_PORT", "29500")  # as `accelerate launch --cpu --num_processes 2`
    monkeypatch.setenv("ACCELERATE_USE_CPU", "True")
    assert main(options(folder, "srresnet", tmp_path / "run")) == 1
    assert "accelerate launch --multi_gpu" in capsys.readouterr().err


def test_empty_folder(folder, tmp_path, capsys):
    assert main(options(folder, "srresnet", tmp_path / "run", images=tmp_path)) == 1
    assert "has no usable photo: it has no file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"minutes": 1}, "choose --steps or --minutes"),
        ({"steps": 0}, "the budget must be positive"),
        ({"patch": 30}, "--patch must be a multiple of 4"),
        ({"decay": 1.0}, "--decay and --beta2 must be"),
        ({"beta2": 1.0}, "--decay and --beta2 must be"),
        ({"freeze_normalisation": True}, "--freeze-normalisation needs trained statistics"),
        ({"anneal": 0}, "--anneal must be"),
        ({"rate": -1e-4}, "--rate"),
    ],
)
def test_impossible_options(more, message, folder, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(options(folder, "srresnet", tmp_path / "run", **more))
    assert message in capsys.readouterr().err


def test_srgan_needs_a_start(folder, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(options(folder, "srgan", tmp_path / "run", init=None))
    assert "SRGAN starts from an SRResNet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"condition": True}, "--condition is for --discriminator heads or unet"),
        ({"discriminator": "unet", "spectral_norm": True}, "--spectral-norm is for"),
    ],
)
def test_options_that_do_not_go_together(more, message):
    with pytest.raises(ValueError, match=message):
        trainer(SRGANConfig, **more)


def test_the_grid_needs_room():
    with pytest.raises(ValueError, match="--grid needs crops of 32"):
        trainer(SRGANConfig, patch=16, margin=8, grid=0.01)


def test_a_run_is_not_overwritten_nor_mixed_up(folder, tmp_path, capsys):
    run = tmp_path / "run"
    typed = options(folder, "srresnet", run)
    assert main(typed) == 0
    assert main(typed) == 1
    assert "already holds a run: --resume it or choose another" in capsys.readouterr().err
    assert main([*options(folder, "srresnet", run, rate=1e-5, seed=4), "--resume"]) == 1
    assert "begun with other options (--rate, --seed)" in capsys.readouterr().err
    assert main([*options(folder, "srgan", run), "--resume"]) == 1
    assert "--stage" in capsys.readouterr().err
    typed = options(folder, "srgan", tmp_path / "other", init=None, continue_from=run)
    assert main(typed) == 1
    assert "is a run of srresnet: start from its weights with --init" in capsys.readouterr().err


def test_resume_compares_what_options_mean(folder, tmp_path, monkeypatch, capsys):
    """Of paths the place, of numbers the value, of what the run did not know yet the default."""
    monkeypatch.chdir(folder)
    start = "start.safetensors"
    run = tmp_path / "run"
    typed = {"images": "photos", "validation": "validation", "init": start, "rate": "0.0001"}
    assert main(options(folder, "srgan", run, **typed)) == 0
    (tmp_path / "link").symlink_to(folder)
    for images in ("photos/", "./photos", folder / "photos", tmp_path / "link/photos"):
        typed = {"images": images, "validation": folder / "validation/", "init": folder / start}
        assert main([*options(folder, "srgan", run, **typed, rate="1e-4"), "--resume"]) == 0
    monkeypatch.chdir(tmp_path)  # absolute paths mean the same from everywhere
    assert main([*options(folder, "srgan", run), "--resume"]) == 0
    state = load_checkpoint(run / "checkpoint.pt")
    del state["config"]["grid"], state["inputs"]  # as an older version wrote it
    del state["format"]
    save_checkpoint(state, run / "checkpoint.pt")
    assert main([*options(folder, "srgan", run), "--resume"]) == 0
    capsys.readouterr()
    assert main([*options(folder, "srgan", run, grid=0.02), "--resume"]) == 1
    assert "begun with other options (--grid)" in capsys.readouterr().err


@pytest.mark.parametrize("machine", ["fp32", "bf16"])
def test_auto_is_the_precision_that_it_means_here(machine):
    config = TrainConfig(images="a", out="", precision="auto")
    for precision in ("fp32", "bf16"):
        stored = json.loads(config.to_json()) | {"precision": precision}
        expected = [] if precision == machine else ["--precision"]
        assert differences(config, stored, {}, machine) == expected


def test_weights_of_several_networks_are_compared_as_text():
    config = TrainConfig(images="a", out="", features_weights="mse=a.pth,vgg16_bn=b.pth")
    stored = json.loads(config.to_json())
    assert inputs(config, {}).keys() == {"images"}
    assert differences(config, stored, {}, "fp32") == []
    stored["features_weights"] = "mse=a.pth,vgg16_bn=c.pth"
    assert differences(config, stored, {}, "fp32") == ["--features-weights"]


def test_a_moved_data_set_goes_on_when_its_photos_are_the_same(
    many, folder, tmp_path, monkeypatch, capsys
):
    shutil.copy(folder / "start.safetensors", tmp_path / "start.safetensors")
    run, moved = tmp_path / "run", tmp_path / "moved"
    typed = {"images": many, "init": tmp_path / "start.safetensors"}
    with monkeypatch.context() as patched:
        at_step(patched, 2, lambda: signal.raise_signal(signal.SIGINT))
        assert main(options(folder, "srgan", run, **typed)) == 130
    many.rename(moved)
    (tmp_path / "start.safetensors").rename(tmp_path / "renamed.safetensors")
    typed = {"images": moved, "init": tmp_path / "renamed.safetensors"}
    capsys.readouterr()

    saved = (moved / "3.png").read_bytes()
    shutil.copy(moved / "0.png", moved / "3.png")  # another photo under its name
    assert main([*options(folder, "srgan", run, **typed), "--resume"]) == 1
    assert "begun with other options (--images)" in capsys.readouterr().err
    (moved / "3.png").unlink()  # one less
    assert main([*options(folder, "srgan", run, **typed), "--resume"]) == 1
    assert "begun with other options (--images)" in capsys.readouterr().err
    (moved / "3.png").write_bytes(saved)
    assert main([*options(folder, "srgan", run, **typed), "--resume"]) == 0
    said = f"train: the same 10 photos as before, then in {many}"
    assert said in capsys.readouterr().out
    whole = options(folder, "srgan", tmp_path / "whole", **typed)
    assert main(whole) == 0
    assert equal(weights_of(run), weights_of(tmp_path / "whole"))


def test_photos_that_changed_in_their_place_are_told(many, folder, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    at_step(monkeypatch, 2, lambda: signal.raise_signal(signal.SIGINT))
    typed = options(folder, "srresnet", run, images=many)
    assert main(typed) == 130
    (many / "9.png").unlink()
    assert main([*typed, "--resume"]) == 0
    said = "train: 9 photos, which are not the 10 of the run's begin"
    assert said in capsys.readouterr().out


def test_other_weights_under_the_same_option_are_refused(folder, tmp_path, capsys):
    first = tmp_path / "first.safetensors"
    shutil.copy(folder / "start.safetensors", first)
    run = tmp_path / "run"
    assert main(options(folder, "srgan", run, init=first)) == 0
    save_weights(Generator(1, 4), tmp_path / "other.safetensors", {})
    other = options(folder, "srgan", run, init=tmp_path / "other.safetensors")
    assert main([*other, "--resume"]) == 1
    assert "(--init)" in capsys.readouterr().err


def test_without_validation_the_last_photos_are_held_out(
    many, folder, tmp_path, monkeypatch, capsys
):
    drawn, draw = set(), Photos.draw

    def noted(self, rng):
        pair = draw(self, rng)
        drawn.add(pair[1].tobytes())
        return pair

    monkeypatch.setattr(Photos, "draw", noted)
    for index in range(10):  # all different
        pixels = np.random.default_rng(index).integers(0, 256, (60, 60, 3), np.uint8)
        Pillow.fromarray(pixels).save(many / f"{index}.png")
    run = tmp_path / "run"
    typed = options(folder, "srresnet", run, images=many, validation=None, steps=20)
    assert main(typed) == 0
    printed = capsys.readouterr().out
    assert "train: 9 photos" in printed
    assert "validation: 1 photos" in printed
    assert "validation nan" not in printed
    assert len(drawn) == 9
    assert read_image(many / "9.png").tobytes() not in drawn
    assert main([*typed, "--resume"]) == 0
    for index in range(1, 10):
        (many / f"{index}.png").unlink()
    typed = options(folder, "srresnet", tmp_path / "one", images=many, validation=None)
    assert main(typed) == 1
    assert "name others with --validation" in capsys.readouterr().err


def test_of_a_set_of_pairs_the_originals_are_scored(folder, tmp_path, capsys):
    """Five photos, not ten: small images among them would be scored as if they were large."""
    shutil.copytree(folder / "validation", tmp_path / "Set/HR")
    shutil.copytree(folder / "validation", tmp_path / "Set/LR")
    typed = options(folder, "srresnet", tmp_path / "run", validation=tmp_path / "Set")
    assert main(typed) == 0
    assert f"validation: 2 photos, 0.0 megapixels in {tmp_path / 'Set/HR'}" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"net": {}, "ema": {}, "it": 3}, "its format is 'not stated'"),
        ({"format": "srgan.training.checkpoint 0"}, "its format is 'srgan.training.checkpoint 0'"),
        ([1, 2], "its format is 'not stated'"),
        (b"half a file", "is not a checkpoint that can be read"),
        (b"", "is not a checkpoint that can be read"),
    ],
)
def test_foreign_checkpoints_are_refused(content, message, folder, tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    before = path.read_bytes()
    assert main([*options(folder, "srresnet", tmp_path), "--resume"]) == 1
    assert message in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_pickle_with_code_is_not_run(folder, tmp_path, capsys):
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "hacked"),)

    torch.save({"format": "srgan.checkpoint 1", "step": Code()}, tmp_path / "checkpoint.pt")
    assert main([*options(folder, "srresnet", tmp_path), "--resume"]) == 1
    assert "is not a checkpoint that can be read" in capsys.readouterr().err
    assert not (tmp_path / "hacked").exists()


def test_continuing_with_another_size_is_refused(folder, tmp_path, capsys):
    assert main(options(folder, "srgan", tmp_path / "a")) == 0
    typed = options(folder, "srgan", tmp_path / "b", init=None, continue_from=tmp_path / "a")
    assert main([*typed, "--spectral-norm"]) == 1
    assert "its discriminator does not fit" in capsys.readouterr().err


@pytest.mark.parametrize("stage", ["srresnet", "srgan"])
def test_help_explains_every_option(stage, capsys):
    with pytest.raises(SystemExit):
        main([stage, "--help"])
    text = capsys.readouterr().out
    for word in ("--adversarial-ratio" if stage == "srgan" else "--rate", "paper", "Table 1"):
        assert word in text


def test_what_was_changed_in_the_photos_is_said_at_the_start(tmp_path, capsys):
    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(flat(65535 if name != "c" else 1))
    photos = Photos(tmp_path, 8)
    curves = Curves(tmp_path / "run", 0, 0.0)
    curves.introduce(photos, photos.hold_out(1))
    curves.close()
    said = f"  2 photos: {PASSED_OVER.format('EXIF: uncalibrated')}\n"
    assert capsys.readouterr().out.count(said) == 1
