"""Fixtures: a browser, and the settings that must stand before anything is imported."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator

import pytest

# Before anything imports gradio: it reads both when it is imported or a component is made.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["GRADIO_TEMP_DIR"] = tempfile.mkdtemp(prefix="srgan-tests-")


def pytest_unconfigure() -> None:
    shutil.rmtree(os.environ["GRADIO_TEMP_DIR"], ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:  # noqa: F821 - imported below, for the tests that need it
    """Chrome, Chromium or Edge. A page that nobody looked at is not tested: no browser, no pass."""
    from playwright.sync_api import expect, sync_playwright
    from support.browser import launch

    expect.set_options(timeout=30_000)  # a busy machine is slow, not broken
    with sync_playwright() as playwright:
        try:
            found = launch(playwright)
        except RuntimeError as error:
            pytest.fail(str(error), pytrace=False)
        yield found
        found.close()


@pytest.fixture
def new_page(browser: "Browser") -> Iterator[Callable[..., "Page"]]:  # noqa: F821 - Playwright's
    """Open an address in a context of its own, with these settings, until the test ends."""
    contexts = []

    def open_page(url: str, **settings: object) -> "Page":  # noqa: F821
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small networks gain nothing from more, and lose much where other tests run beside."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def upscalers() -> dict[str, "Upscaler"]:  # noqa: F821 - imported below
    """The methods as shipped, in fp32."""
    from srgan.upscale import WEIGHTS, load_upscalers

    return {u.name: u for u in load_upscalers(WEIGHTS, precision="fp32")}
