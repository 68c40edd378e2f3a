"""What the drop zone takes: by content, not by name."""

import re
import shutil
import threading

import pytest
from playwright.sync_api import expect
from support.mocks import Counting, methods, noise, save
from support.pages import drag, drop, opened_over, wait_for
from support.states import PATIENCE, until

from demo.compare import handlers, tab

NAMES = ("noext", "scan.jpg_large", "photo.jpg-large", "notes.txt")
FIELD = "#photo input[type=file]"


@pytest.fixture(scope="module")
def mocks():
    return methods(Bicubic=Counting(1), SRResNet=Counting(1), SRGAN=Counting(1))


@pytest.fixture
def page(browser, mocks):
    with opened_over(browser, mocks) as page:
        yield page


@pytest.fixture
def named(tmp_path):
    """Makes a JPEG under any name."""
    jpeg = save(tmp_path, noise(64, 48), "real.jpg")
    return lambda name: shutil.copy(jpeg, tmp_path / name)


def test_a_jpeg_of_any_name_is_taken_however_it_comes(page, named):
    for name in NAMES:
        drop(page, named(name))
        wait_for(page, name.rsplit(".", 1)[0])
        expect(page.locator("#status")).to_contain_text("Done.")
    remove(page)
    with page.expect_file_chooser() as chooser:
        page.locator("#photo button[aria-dropeffect]").click()
    assert not page.locator(FIELD).get_attribute("accept")  # it would hide such files
    chooser.value.set_files(named("chosen"))
    wait_for(page, "chosen")
    remove(page)
    paste(page, named("pasted"))
    wait_for(page, "pasted")


def remove(page):
    page.get_by_label("Remove Image").click()
    expect(page.locator("#photo button[aria-dropeffect]")).to_be_visible()


def paste(page, path):
    page.evaluate(
        """([name, bytes]) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([new Uint8Array(bytes)], name));
            document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }));
        }""",
        [path.name, list(path.read_bytes())],
    )


@pytest.mark.parametrize("name", ["page.html", "cat.jpg"])
def test_what_is_no_picture_is_refused_in_words_whatever_its_name(page, tmp_path, name):
    path = tmp_path / name
    path.write_text("<h1>Nothing to see</h1>")
    drop(page, path)
    expect(page.locator("#status")).to_contain_text("Cannot use this file.")


@pytest.fixture
def held(monkeypatch):
    """Makes what the first photo meets on the server wait; returns when it came and its end."""

    def hold(module, name):
        came, end = threading.Event(), threading.Event()
        real = getattr(module, name)

        def wait(photo, *rest):
            if "first" in photo:
                came.set()
                assert end.wait(PATIENCE)
            return real(photo, *rest)

        monkeypatch.setattr(module, name, wait)
        return came, end

    return hold


def two_drops(page, tmp_path, came, content=None):
    """Drop a photo, and a second one when the first has come so far."""
    first = save(tmp_path, noise(seed=1), "first.png")
    if content:
        first.write_bytes(content)
    drop(page, first)
    until(came.is_set)
    drag(page, save(tmp_path, noise(seed=2), "second.png"))
    expect(page.locator("#photo img")).to_have_attribute("src", re.compile("second"))


def is_second(page):
    wait_for(page, "second")
    expect(page.locator("#status")).to_contain_text("Done.")
    expect(page.locator("#photo img")).to_have_attribute("src", re.compile("second"))
    expect(page.locator("#strip .film")).to_be_hidden()


@pytest.mark.parametrize("step", [(tab, "chosen"), (handlers, "read_picture")], ids=lambda s: s[1])
def test_of_two_quick_drops_the_second_counts(browser, mocks, held, tmp_path, step):
    came, end = held(*step)
    with opened_over(browser, mocks) as page:
        two_drops(page, tmp_path, came)
        end.set()
        is_second(page)


def test_a_first_drop_that_is_no_picture_takes_nothing_from_the_second(
    browser, mocks, held, tmp_path
):
    came, end = held(handlers, "read_picture")
    with opened_over(browser, mocks) as page:
        two_drops(page, tmp_path, came, b"no picture")
        end.set()
        is_second(page)


def test_a_drop_while_the_first_is_still_sent_counts(page, tmp_path):
    sent = []
    page.route("**/upload?*", lambda route: route.continue_() if sent else sent.append(route))
    drop(page, save(tmp_path, noise(seed=1), "first.png"))
    expect(page.locator(FIELD)).to_have_count(0)
    for name in ("passed over", "second"):
        drag(page, save(tmp_path, noise(seed=2), f"{name}.png"))
    expect(page.locator("#overlay")).to_be_hidden()
    sent[0].continue_()
    is_second(page)
