"""The pinned packages fit what the code asks for, and leave none out."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LINUX = {"sys_platform": "linux", "platform_machine": "x86_64", "extra": ""}
SPACE = "3.12"


def requirements(name):
    lines = (line.partition("#")[0].strip() for line in (ROOT / name).read_text().splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def applies(requirement, **environment):
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pins(python):
    """Version by name, for a Python version on Linux."""
    environment = {**LINUX, "python_version": python, "python_full_version": f"{python}.12"}
    found = [r for r in requirements("constraints.txt") if applies(r, **environment)]
    versions = {}
    for requirement in found:
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        assert not requirement.extras  # pip takes none in a file of constraints
        versions[canonicalize_name(requirement.name)] = specifier.version
    assert len(versions) == len(found)
    return versions


def test_a_space_installs_what_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {str(Requirement(line)) for line in project["dependencies"]}
    assert {str(requirement) for requirement in requirements("requirements.txt")} == needed
    # neither another file nor another index: a Space would ask it for every package
    assert not re.search(r"^-|://", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("file", ["requirements.txt", "constraints.in"])
def test_what_is_required_is_pinned_in_its_range(file, python):
    versions = pins(python)
    for requirement in requirements(file):
        assert versions[canonicalize_name(requirement.name)] in requirement.specifier


def test_all_that_installed_packages_require_is_pinned():
    versions = pins(SPACE)
    waiting = [canonicalize_name(r.name) for r in requirements("requirements.txt")]
    seen = set()
    while waiting:
        name = waiting.pop()
        assert name in versions
        if name in seen or importlib.metadata.version(name) != versions[name]:
            continue  # another version may require others
        seen.add(name)
        for line in importlib.metadata.requires(name) or ():
            if applies(Requirement(line), **LINUX, python_version=SPACE):
                waiting.append(canonicalize_name(Requirement(line).name))
    assert "gradio" in seen


def test_the_space_runs_the_gradio_and_python_that_are_pinned():
    card = (ROOT / "README.md").read_text().split("---")[1]
    assert re.search(r"^sdk_version: (\S+)", card, re.MULTILINE)[1] == pins(SPACE)["gradio"]
    assert re.search(r'^python_version: "(\d+\.\d+)', card, re.MULTILINE)[1] == SPACE


def test_each_pinned_package_has_its_licence_listed():
    text = (ROOT / "docs" / "licences.md").read_text()
    rows = re.findall(r"^\| (\S+) \| .+ \|$", text.partition("| Name |")[2], re.MULTILINE)
    assert {canonicalize_name(name) for name in rows} == set(pins(SPACE))
