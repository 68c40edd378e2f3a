import copy

import pytest
import torch

from srgan.models import Generator
from srgan.training.config import TrainConfig
from srgan.training.optimisers import Both, generator_optimizer

pytestmark = pytest.mark.usefixtures("one_thread")


def make(optimizer="muon", **more):
    torch.manual_seed(0)
    generator = Generator(1, 4).to(memory_format=torch.channels_last)
    config = TrainConfig(images="", validation="", out="", optimizer=optimizer, **more)
    return generator, generator_optimizer(config, generator)


def take_steps(generator, optimizer, count, seed=1):
    torch.manual_seed(seed)
    for group in optimizer.param_groups:
        group["lr"] = 1e-2
    for _ in range(count):
        optimizer.zero_grad(set_to_none=True)
        generator(torch.rand(2, 3, 6, 6)).square().mean().backward()
        optimizer.step()


def is_matrix(name, parameter):
    return parameter.ndim == 4 and not name.startswith(("head.", "tail."))


def test_muon_is_torchs_on_matrices_and_adam_has_the_rest():
    generator, optimizer = make()
    plain = copy.deepcopy(generator)
    take_steps(generator, optimizer, 3)

    named = [*plain.named_parameters()]
    inner = [p for name, p in named if is_matrix(name, p)]
    matrices = [p.detach().flatten(1).clone().requires_grad_() for p in inner]
    muon = torch.optim.Muon(matrices, 1e-2, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.Adam([p for name, p in named if not is_matrix(name, p)], 1e-2, fused=True)
    torch.manual_seed(1)
    for _ in range(3):
        plain.zero_grad()
        plain(torch.rand(2, 3, 6, 6)).square().mean().backward()
        for matrix, parameter in zip(matrices, inner, strict=True):
            matrix.grad = parameter.grad.flatten(1)
        muon.step()
        adam.step()
        with torch.no_grad():
            for matrix, parameter in zip(matrices, inner, strict=True):
                parameter.copy_(matrix.view_as(parameter))
    for (name, a), b in zip(named, generator.parameters(), strict=True):
        torch.testing.assert_close(b, a, rtol=0, atol=2e-3, msg=name)  # it computes in bf16


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_every_parameter_learns_once_and_knows_whether_it_is_late(optimizer):
    generator, both = make(optimizer)
    before = copy.deepcopy(generator.state_dict())
    for group in both.param_groups:
        group["lr"] = 0.0 if group["late"] else 1e-2
    generator(torch.rand(2, 3, 6, 6)).square().mean().backward()
    both.step()
    for name, parameter in generator.named_parameters():
        late = name.startswith(("upsample.", "tail."))
        assert torch.equal(parameter, before[name]) is late, name
    assert sum(p.numel() for g in both.param_groups for p in g["params"]) == sum(
        p.numel() for p in generator.parameters()
    )


def test_muons_state_goes_on_bit_equal():
    whole, optimizer = make()
    take_steps(whole, optimizer, 2)
    torn, again = make()
    torn.load_state_dict(whole.state_dict())
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for generator, one in ((whole, optimizer), (torn, again)):
        take_steps(generator, one, 2, seed=2)
    for a, b in zip(whole.parameters(), torn.parameters(), strict=True):
        assert torch.equal(a, b)


def test_anothers_state_is_refused():
    _, muon = make()
    _, adam = make("adam")
    assert isinstance(muon, Both)
    with pytest.raises(ValueError, match="another --optimizer"):
        muon.load_state_dict(adam.state_dict())


def test_muon_refuses_weights_that_it_cannot_view():
    generator = Generator(1, 4)
    config = TrainConfig(images="", validation="", out="", optimizer="muon")
    with pytest.raises(ValueError, match="channels-last"):
        generator_optimizer(config, generator)


def test_beta2():
    assert make("adam", beta2=0.9)[1].param_groups[0]["betas"] == (0.9, 0.9)
