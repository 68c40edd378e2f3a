"""What the drop zone takes: by content, not by name."""

import shutil

import pytest
from playwright.sync_api import expect
from support.mocks import Counting, methods, noise, save
from support.pages import drop, opened_over, wait_for

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
