"""A real browser and a real server for the tests of the page."""

import asyncio
import base64
import mimetypes
import os
import shutil
import socket
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from playwright.sync_api import Browser, Error, Page, Playwright

FLAGS = [
    "--no-sandbox",  # containers and CI have no user namespaces
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
}
COMMANDS = (
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
)
MAC = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
WINDOWS = ("Google/Chrome/Application/chrome.exe", "Microsoft/Edge/Application/msedge.exe")
HELP = (
    "The tests of the page need a browser. Install Chrome, Chromium or Edge, or run "
    "`playwright install chromium`, or set BROWSER_PATH to an executable."
)


def installed_browser() -> str | None:
    """Return the executable that BROWSER_PATH names, or a Chrome, Chromium or Edge found here."""
    if named := os.environ.get("BROWSER_PATH"):
        return named
    programs = [os.environ.get(k) for k in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    places = [
        *(Path("/Applications") / app for app in MAC),
        *(Path(folder) / app for folder in programs if folder for app in WINDOWS),
    ]
    found = [path for command in COMMANDS if (path := shutil.which(command))]
    return next(iter(found + [str(place) for place in places if place.exists()]), None)


def launch(playwright: Playwright) -> Browser:
    """Start the installed browser, else Playwright's own; RuntimeError says what to install."""
    path, problems = installed_browser(), []
    for executable in [path, None] if path else [None]:
        try:
            return playwright.chromium.launch(executable_path=executable, args=FLAGS)
        except Error as error:
            problems.append(f"{executable or 'Playwright'}: {error.message.splitlines()[0]}")
            if "BROWSER_PATH" in os.environ:
                break  # named on purpose: another browser would hide the mistake
    raise RuntimeError("\n".join([HELP, *problems]))


@contextmanager
def serve(blocks: gr.Blocks, **settings) -> Iterator[str]:
    """Launch a page on a free port; yields its address and closes it in the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    defaults = {"quiet": True, "ssr_mode": False, "server_name": "127.0.0.1", "server_port": port}
    defaults["_frontend"] = False  # or launch gives up when a busy machine needs 3 s for an answer
    _, url, _ = blocks.launch(prevent_thread_lock=True, **{**defaults, **settings})
    try:
        yield url
    finally:
        blocks.close(verbose=False)


def finish(coroutine: Coroutine) -> Any:  # noqa: ANN401 - whatever it returns
    """Run a coroutine to its end, in another thread: Playwright's own loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def drop_file(page: Page, selector: str, path: Path | str) -> None:
    """Drop a file from disk on an element, as from a file manager."""
    path = Path(path)
    data = page.evaluate_handle(
        """([name, type, bytes]) => {
            const data = new DataTransfer();
            const content = Uint8Array.from(atob(bytes), c => c.charCodeAt(0));
            data.items.add(new File([content], name, {type}));
            return data;
        }""",
        [
            path.name,
            mimetypes.guess_type(path.name)[0] or "",
            base64.b64encode(path.read_bytes()).decode(),
        ],
    )
    target = page.locator(selector).first
    for event in ("dragenter", "dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": data})
