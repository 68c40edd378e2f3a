"""The command `srgan`: its subcommands, what they load, and what is said when all is not well."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import srgan
from srgan.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"srgan {srgan.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_by_its_own_name(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: srgan {command} ")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_an_error(command, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([command, "--no-such-option"])
    assert capsys.readouterr().err.startswith(f"usage: srgan {command} ")


@pytest.mark.parametrize("typed", [[], ["no-such-command"], ["--no-such-option"]])
def test_without_a_known_command_the_known_ones_are_named(typed, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(typed)
    assert "COMMAND" in capsys.readouterr().err


def test_help_for_the_page_waits_for_neither_gradio_nor_torch():
    code = "import sys; from srgan.cli import main\ntry: main(['demo', '--help'])\nfinally: "
    code += "print({'gradio', 'torch', 'numpy'} & sys.modules.keys())"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert asked.stdout.endswith("set()\n")
    assert "--port" in asked.stdout


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "٣"])
def test_a_port_that_is_none_is_an_error(port, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["demo", f"--port={port}"])
    assert "from 1 to 65535" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:.* found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("module", ["upscale", "train", "evaluate"])
def test_the_old_forms_are_called_as_before(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{module}.py", "--help"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module(f"srgan.{module}", run_name="__main__")
    assert capsys.readouterr().out.startswith(f"usage: python -m srgan.{module}")


def test_what_training_lacks_is_named_with_its_extra(monkeypatch, capsys):
    for name in [name for name in sys.modules if re.match(r"accelerate|srgan\.train", name)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "accelerate", None)
    assert main(["train", "--help"]) == 2
    assert capsys.readouterr().err == (
        "srgan train needs accelerate, which is not installed: pip install 'srgan[train]'\n"
    )
