"""Does a Space start from what the README uploads, with nothing but its own requirements?

Copies exactly the files that the README's `hf upload` sends into an empty folder, installs their
requirements.txt in a fresh environment (several gigabytes), starts app.py there with a Space's
variables and compares a photo. Returns 1 if that fails.

    python -m benchmarks.space
"""

import argparse
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gradio_client import Client, handle_file
from huggingface_hub.utils import DEFAULT_IGNORE_PATTERNS, filter_repo_objects

from benchmarks.machine import describe
from benchmarks.running import LOG, ROOT, started


def excluded(readme: str) -> list[str]:
    """Return the patterns of the README's command that uploads the whole folder."""
    typed = readme.replace("\\\n", " ")
    command = next(line for line in typed.splitlines() if line.startswith("hf upload USER/SPACE ."))
    words = shlex.split(command)
    assert words[:7] == ["hf", "upload", "USER/SPACE", ".", ".", "--type", "space"]
    assert set(words[7::2]) == {"--exclude"}
    return words[8::2]


def sent(folder: Path) -> list[str]:
    """Return the paths that the README's `hf upload` would send from a checkout.

    huggingface_hub takes all files but those that patterns exclude; the Hub then ignores what the
    .gitignore says, for which git is asked.
    """
    files = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    patterns = [*excluded((folder / "README.md").read_text("utf-8")), *DEFAULT_IGNORE_PATTERNS]
    kept = sorted(filter_repo_objects(files, ignore_patterns=patterns))
    ask = ["git", "check-ignore", "--no-index", "--stdin"]
    answer = subprocess.run(
        ask, cwd=folder, input="\n".join(kept), capture_output=True, text=True, check=False
    )
    return [path for path in kept if path not in set(answer.stdout.splitlines())]


def copy_sent(folder: Path, to: Path) -> None:
    """Copy what would be sent into an empty folder."""
    for path in sent(folder):
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / path, to / path)


@contextmanager
def running(folder: Path, home: Path, python: str = sys.executable) -> Iterator[str]:
    """Start app.py in a folder as a Space does; yields its address on this machine.

    Raises:
        RuntimeError: It does not start; says what it said.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        **{"PATH": os.environ["PATH"], "HOME": str(home)},
        **{"SYSTEM": "spaces", "SPACE_ID": "user/name", "SPACE_HOST": "user-name.hf.space"},
        **{"SPACE_AUTHOR_NAME": "user", "SPACE_REPO_NAME": "name", "SPACE_TITLE": "SRGAN"},
        **{"CPU_CORES": "2", "MEMORY": "16Gi", "ACCELERATOR": "none"},
        **{"GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": str(port)},
        **{"GRADIO_SSR_MODE": "True", "GRADIO_CACHE_EXAMPLES": "lazy"},
        **{"GRADIO_ANALYTICS_ENABLED": "True", "GRADIO_ALLOW_FLAGGING": "never"},
    }
    with started(folder, variables, home / LOG, python):
        yield f"http://127.0.0.1:{port}"


def main(arguments: list[str] | None = None) -> int:
    """Print each stage with its seconds; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable, help="that makes the environment")
    options = parser.parse_args(arguments)
    print(describe())
    with tempfile.TemporaryDirectory(prefix="space-") as temporary:
        work = Path(temporary)
        clone, space, environment = work / "clone", work / "space", work / "venv"
        subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        copy_sent(clone, space)
        start = time.perf_counter()
        subprocess.run([options.python, "-m", "venv", environment], check=True)
        python = str(environment / "bin" / "python")
        install = [python, "-m", "pip", "install", "-q", "--no-cache-dir", "-r", "requirements.txt"]
        subprocess.run(install, cwd=space, check=True)
        print(f"installed in {time.perf_counter() - start:.0f} s", flush=True)
        start = time.perf_counter()
        with running(space, work, python) as url:
            print(f"started in {time.perf_counter() - start:.1f} s", flush=True)
            photo = handle_file(str(ROOT / "demo/examples/cat_original.png"))
            *files, report = Client(url, verbose=False).predict(
                photo, "original", None, api_name="/compare"
            )
        for method, scores in report["scores"].items():
            print(f"{method:9}{scores['today']['psnr']:6.2f} dB {scores['seconds']:6.2f} s")
    return 0 if len(files) == len(report["scores"]) == 3 else 1


if __name__ == "__main__":
    sys.exit(main())
