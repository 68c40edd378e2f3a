"""The demo as a process: one that cannot start, and a running one as its API has it."""

import subprocess
import sys

from gradio_client import Client, handle_file


def compare(url, path):
    client = Client(url, verbose=False)
    return client.predict(handle_file(str(path)), "original", None, api_name="/compare")


def refused(settings, cwd):
    """What a demo that cannot start says, on stderr."""
    run = subprocess.run(
        [sys.executable, "app.py"],
        cwd=cwd,
        env=settings,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 1, run.stderr
    return run.stderr
