"""Photos dropped anywhere, in folders, or pasted: none leaves the page, none is passed over."""

import pytest
from playwright.sync_api import expect
from support.browser import serve
from support.mocks import methods, noise, save
from support.pages import drag, opened, paste, strip_states, wait_for, wait_for_set

from demo.blind.store import Store
from demo.page import LAUNCH, build_page
from srgan.images import enlarge, repeat


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("votes") / "ratings.db")
    upscalers = methods(Bicubic=enlarge, SRResNet=repeat, SRGAN=repeat)
    with serve(build_page(upscalers, store=store), **LAUNCH) as address:
        yield address


@pytest.fixture
def page(browser, url):
    with opened(browser, url) as page:
        yield page
        assert page.url.startswith(url)
        assert len(page.context.pages) == 1


@pytest.fixture
def photos(tmp_path):
    """Makes a folder of photos of these names."""

    def make(folder, *names):
        (tmp_path / folder).mkdir()
        for seed, name in enumerate(names):
            save(tmp_path / folder, noise(32, 24, seed), name)
        return tmp_path / folder

    return make


def refused(page):
    """What the page says of files that it has not taken: reason by name."""
    texts = page.locator("#strip .refused li").all_inner_texts()
    return dict(text.split(": ", 1) for text in texts)


@pytest.mark.parametrize("tab", ["Compare", "Blind test", "How it works"])
def test_a_drop_on_any_tab_ends_on_compare(page, photos, tab):
    page.get_by_role("tab", name=tab).click()
    drag(page, photos("p", "a.png") / "a.png")
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    wait_for(page, "a")
    expect(page.locator("#status")).to_contain_text("Done.")
    expect(page.locator("#strip .film")).to_be_hidden()  # one photo is as it was


@pytest.mark.parametrize("place", ["#comparer figure canvas", "#intro h1", "#status", "#version"])
def test_a_drop_at_any_place_is_taken(page, photos, place):
    page.locator(place).first.scroll_into_view_if_needed()
    box = page.locator(place).first.bounding_box()
    at = box["x"] + 5, box["y"] + box["height"] / 2
    file = photos("p", "a.png") / "a.png"
    drag(page, file, at=at, until="dragOver")
    expect(page.locator("#overlay")).to_be_visible()
    drag(page, file, at=at)
    expect(page.locator("#overlay")).to_be_hidden()
    wait_for(page, "a")


def test_two_files_are_both_taken(page, photos):
    folder = photos("p", "a.png", "b.png")
    drag(page, folder / "a.png", folder / "b.png")
    wait_for_set(page, 2)
    assert strip_states(page) == {"a": "done", "b": "done"}
    wait_for(page, "a")


def test_a_folder_is_walked_and_its_odd_files_are_named(page, photos):
    names = [f"{i}.png" for i in range(14)]
    folder = photos("p", *names)
    inner = folder / "inner"
    inner.mkdir()
    (folder / "9.png").rename(inner / "9.png")
    (folder / "notes.txt").write_text("no picture")
    (inner / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (folder / ".hidden.png").write_bytes(b"")
    (inner / "none").mkdir()
    drag(page, folder)
    wait_for_set(page, 14)
    expect(page.locator("#strip .refused summary")).to_have_text("4 files were not taken")
    told = refused(page)
    assert told.keys() == {"p/notes.txt", "p/inner/cut.jpg", "p/.hidden.png", "p/inner/none"}
    assert told["p/.hidden.png"] == "hidden"
    assert told["p/inner/none"] == "an empty folder"
    assert "picture" in told["p/notes.txt"]


def test_a_file_over_the_limit_is_named(page, photos):
    folder = photos("p", "a.png", "b.png")
    (folder / "large.png").write_bytes(bytes(21_000_000))
    drag(page, folder)
    wait_for_set(page, 2)
    assert refused(page) == {"p/large.png": "over the limit for a file, 20 MB"}


def test_several_are_pasted_or_chosen_and_text_fields_keep_their_own(page, photos):
    folder = photos("p", "a.png", "b.png", "c.png")
    page.evaluate("document.body.append(document.createElement('textarea'))")
    paste(page, folder / "a.png", target="body > textarea")
    paste(page, folder / "a.png", folder / "b.png")
    wait_for_set(page, 2)
    with page.expect_file_chooser() as chooser:
        page.locator("#photo button[aria-dropeffect]").click()
    assert chooser.value.is_multiple()
    chooser.value.set_files([folder / "c.png", folder / "a.png"])
    wait_for_set(page, 4)


DRAGGED = """([type, text]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.setData(type, text);
    for (const each of ['dragenter', 'dragover', 'drop']) {
        document.querySelector('#comparer').dispatchEvent(
            new DragEvent(each, { dataTransfer, bubbles: true, cancelable: true }));
    }
}"""


def test_of_a_picture_of_another_page_the_data_are_taken_and_a_link_is_named(page):
    picture = page.locator("#examples img").first
    data = picture.evaluate(
        """image => {
            const canvas = document.createElement('canvas');
            Object.assign(canvas, { width: 40, height: 32 });
            canvas.getContext('2d').drawImage(image, 0, 0);
            return canvas.toDataURL();
        }"""
    )
    page.evaluate(DRAGGED, ["text/uri-list", data])
    wait_for(page, "dragged")
    page.evaluate(DRAGGED, ["text/html", '<img src="https://example.org/cat.jpg">'])
    expect(page.locator("#strip .refused")).to_contain_text("https://example.org/cat.jpg")
    expect(page.locator("#strip .refused")).to_contain_text("link alone")


def test_what_is_dragged_within_the_page_stays_where_it_is(page):
    link = page.locator("#comparer a[download]").first
    box = link.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(400, 300, steps=5)
    expect(page.locator("#overlay")).to_be_hidden()
    page.mouse.up()
    expect(page.locator("#strip .refused")).to_be_hidden()
    wait_for(page, "cat")
