"""The blind test in a real browser: nothing tells a method, and nobody's vote is lost."""

import io
import json
import re
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import gradio as gr
import numpy as np
import PIL.Image
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from scipy import stats
from support.browser import FLAGS, PHONE, installed_browser, serve

from demo.blind.component import Blind
from demo.blind.pictures import HEIGHT, PHOTOS, WIDTH, picture
from demo.blind.session import PARTS, Session
from demo.blind.store import Store
from demo.blind.tab import BEHIND, BlindTab
from demo.blind.trials import METHODS
from demo.page import LAUNCH

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
LOW = PHONE | {"viewport": {"width": 390, "height": 640}}  # with the browser's own bars
KEY = "blind-test"  # in localStorage
NAMES = re.compile(rf"{'|'.join(METHODS[:4])}|\b({'|'.join(PHOTOS)})\b", re.IGNORECASE)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
PATIENCE = 0.3  # of the store [s]
# How long the pictures stay away, after the answer of the server has come.
WATCH = """() => {
    window.blanks = [];
    const stage = document.querySelector('#blind [data-screen=trial] .stage');
    let start = 0;
    new MutationObserver(() => {
        if (stage.hasAttribute('data-blank')) start = performance.now();
        else window.blanks.push(performance.now() - start);
    }).observe(stage, {attributeFilter: ['data-blank']});
}"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("ratings") / "ratings.db", PATIENCE)


@pytest.fixture(scope="module")
def url(store):
    with gr.Blocks() as blocks:
        with gr.Tab("Another"):
            gr.Markdown("Nothing.")
        with gr.Tab("Blind test"):
            BlindTab(store)
    with serve(blocks, **LAUNCH) as address:
        yield address


@contextmanager
def opened(browser, url, settings=DESKTOP, script="", theme="light"):
    """The start of the test; fails on any error in the browser."""
    errors = []
    with browser.new_context(**settings) as context:
        page = context.new_page()
        page.add_init_script(script)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: "Error" in line.text and errors.append(line.text))
        page.goto(f"{url}?__theme={theme}")
        page.get_by_role("tab", name="Blind test").click()
        expect(page.get_by_role("heading", name="Judge the pictures")).to_be_visible()
        yield page
    assert not errors


def ready(page, place):
    """Until a trial is on the screen and takes an answer."""
    expect(page.locator("#blind .count")).to_have_text(f"{place} of 25")
    expect(page.locator("#blind .answers button:visible").first).to_be_visible()
    expect(page.locator("#blind .answers button:visible[aria-disabled]")).to_have_count(0)


def begin(page, name="Rate pictures"):
    """Up to the first trial."""
    page.get_by_role("button", name=f"{name}: Start").click()
    if name == "Rate pictures":
        page.get_by_role("button", name="Start rating").click()
    ready(page, 1)


def kept(page):
    """The ticket in the browser."""
    return page.evaluate(f"localStorage.getItem('{KEY}')")


def votes(page, store):
    return Session(store, kept(page)).votes


def accessible(page):
    """Fails on what axe finds in the tab."""
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found = Axe().run(page, context="#blind, #blind-report", options=options)
    assert found.violations_count == 0, found.generate_report()


# ---- A whole run with the keyboard, recorded -----------------------------------------------------


@dataclass
class Trial:
    """What could be seen of one, besides the picture."""

    kind: str
    methods: tuple[str, ...]
    dom: str
    texts: str  # what a screen reader gets
    sent: str
    received: str
    headers: dict[str, str]
    seconds: float  # of the server
    blank: float  # ms


@dataclass
class Run:
    """A whole session."""

    trials: list[Trial] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # the keys that were pressed
    votes: list = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    foci: set[str] = field(default_factory=set)


def neutral(text):
    """A text without ids, counts, answers and the pictures, of which the length stays."""
    text = re.sub(r"[A-Za-z0-9+/]{1000,}=*", lambda found: f"picture of {len(found.group())}", text)
    text = re.sub(r"blob:[^\s\"']+", "blob", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "id", text)
    text = re.sub(r'("place": ?|value=")\d+', r"\1", re.sub(r"\b\d+ of 25", "n of 25", text))
    text = re.sub(r'"answer":"\w+"', "answer", text)
    return re.sub(r'"(average_)?duration": ?[\d.e-]+|"seconds": ?[\d.e-]+', "time", text)


def tab_to(page, name):
    """Press Tab until a button has the focus, then Enter."""
    for _ in range(40):
        page.keyboard.press("Tab")
        active = page.evaluate(
            "(document.activeElement.ariaLabel ?? '') + document.activeElement.textContent"
        )
        if name in active:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{name} cannot be reached")


def record(page, run, trial, exchange):
    """Keep what can be known of a trial before it is answered."""
    request, response = exchange
    methods = tuple(m for m in (trial.left, trial.right) if m)
    headers = {
        k: v for k, v in response.all_headers().items() if k not in ("date", "x-process-time")
    }
    length = str(len(response.body()) - len(str(json.loads(response.text())["data"][0]["place"])))
    headers = {k: length if k == "content-length" else v for k, v in headers.items()}
    run.trials.append(
        Trial(
            trial.kind,
            methods,
            neutral(page.locator("#blind").evaluate("e => e.outerHTML")),
            neutral(page.locator("#blind").aria_snapshot()),
            neutral(request.post_data),
            neutral(response.text()),
            headers,
            request.timing["responseEnd"] - request.timing["requestStart"],
            page.evaluate("window.blanks.at(-1)"),
        )
    )


@pytest.fixture(scope="module")
def run(browser, url, store):
    """One person's whole run, with the keyboard only."""
    run, exchanges = Run(), []
    with opened(browser, url) as page:
        page.on("request", lambda request: run.urls.append(request.url))
        page.on(
            "requestfinished",
            lambda request: (
                request.method == "POST"
                and "heartbeat" not in request.url
                and exchanges.append((request, request.response()))
            ),
        )
        page.evaluate(WATCH)
        for part, name in zip(PARTS, ("Rate pictures", "Compare two"), strict=True):
            tab_to(page, name)
            if part == "ratings":
                expect(page.locator("figcaption", has_text="5 excellent")).to_have_count(2)
                tab_to(page, "Start rating")
            ready(page, 1)
            trials = Session(store, kept(page)).trials(part)
            for place, trial in enumerate(trials, 1):
                ready(page, place)
                record(page, run, trial, exchanges[-1])
                run.foci.add(page.evaluate("document.activeElement.className"))
                keys = (
                    "12345" if part == "ratings" else ("ArrowLeft", "ArrowRight", "0", "ArrowDown")
                )
                key = keys[place % len(keys)]
                run.answers.append(key)
                page.keyboard.press(key)
            expect(page.get_by_role("heading", name="Done")).to_be_focused()
            run.reports.append(page.locator("#blind-report").inner_text())
        run.votes = votes(page, store)
    return run


def test_the_whole_test_can_be_taken_with_the_keyboard(run):
    meaning = {"ArrowLeft": "left", "ArrowRight": "right", "0": "same", "ArrowDown": "same"}
    assert [vote.answer for vote in run.votes] == [meaning.get(k, k) for k in run.answers]
    assert len(run.votes) == 50
    assert all(0 < vote.seconds < 60 for vote in run.votes)
    assert "opinion scores" in run.reports[0]
    assert "SRGAN over SRResNet" not in run.reports[0]
    assert "SRGAN over SRResNet" in run.reports[1]


def test_the_focus_stays_at_the_question(run):
    assert run.foci == {"question"}


@pytest.mark.parametrize("kind", ["rating", "real", "closer"])
@pytest.mark.parametrize("seen", ["dom", "texts", "sent", "received"])
def test_all_trials_of_a_kind_look_the_same_but_for_the_picture(run, kind, seen):
    """Not even an order of words or fields can differ by method; the first follows a start."""
    trials = [trial for trial in run.trials if trial.kind == kind][1:]
    shown = METHODS if kind == "rating" else METHODS[1:4]
    assert {method for trial in trials for method in trial.methods} >= {*shown}
    assert len({getattr(trial, seen) for trial in trials}) == 1
    assert len(getattr(trials[0], seen)) > 50


@pytest.mark.parametrize("kind", ["rating", "real", "closer"])
def test_the_answers_of_the_server_have_one_length_and_the_same_headers(run, kind):
    trials = [trial for trial in run.trials if trial.kind == kind][1:]
    headers = [
        {k: v for k, v in trial.headers.items() if k != "content-length"} for trial in trials
    ]
    assert all(found == headers[0] for found in headers)
    lengths = [int(trial.headers["content-length"]) for trial in trials]
    assert max(lengths) - min(lengths) <= 20  # digits of the server's own timing
    assert len({re.findall(r"picture of (\d+)", trial.received)[0] for trial in trials}) == 1


def test_no_name_of_a_method_or_photo_is_told_before_the_results(run):
    for trial in run.trials:
        for text in (trial.dom, trial.texts, trial.sent, trial.received, *trial.headers.values()):
            assert not NAMES.search(text)
        original = re.compile("original", re.IGNORECASE)
        told = original.search(trial.texts)
        assert bool(told) == (trial.kind == "closer")
    beside = Blind.files.parent.iterdir()
    sent = (file for file in beside if file.suffix in (".css", ".html", ".js"))
    for text in (*run.urls, *(file.read_text() for file in sent)):
        assert not NAMES.search(text)


def test_a_picture_is_no_file(run):
    """No address, name, date or place in a cache that could be compared."""
    loaded = [address for address in run.urls if "/file=" in address or address.endswith(".png")]
    assert loaded == []
    assert all("etag" not in trial.headers for trial in run.trials)


@pytest.mark.parametrize("time", ["seconds", "blank"])
def test_the_time_until_a_picture_is_shown_does_not_depend_on_the_method(run, time):
    """One in a thousand runs is unlucky."""
    times = {method: [] for method in METHODS}
    for trial in run.trials:
        if trial.kind == "rating":
            times[trial.methods[0]].append(getattr(trial, time))
    assert min(map(len, times.values())) >= 4
    assert stats.kruskal(*times.values()).pvalue > 0.001


# ---- Pixels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1, 1.25, 1.5, 2, 3])
def test_a_pixel_of_the_picture_is_a_whole_number_of_pixels_of_the_screen(
    browser, url, store, ratio
):
    """On a screen that has this ratio: Playwright's emulation of one rounds to CSS pixels."""
    flags = [*FLAGS, "--window-size=1400,1000", f"--force-device-scale-factor={ratio}"]
    screen = browser.browser_type.launch(executable_path=installed_browser(), args=flags)
    with closing(screen), opened(screen, url, {"no_viewport": True}) as page:
        begin(page)
        zoom = int(page.locator(".stage:visible").get_attribute("data-zoom"))
        assert zoom == max(1, round(ratio))
        box = page.locator("#blind img[alt='Picture 1']").bounding_box()
        seen = np.asarray(PIL.Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
        left, top = round(box["x"] * ratio), round(box["y"] * ratio)
        trial = Session(store, kept(page)).trials("ratings")[0]
        expected = picture(trial.photo, trial.left).repeat(zoom, axis=0).repeat(zoom, axis=1)
        assert (seen[top : top + HEIGHT * zoom, left : left + WIDTH * zoom] == expected).all()


# ---- A phone -------------------------------------------------------------------------------------


def test_the_whole_test_can_be_taken_on_a_phone(browser, url, store):
    places = {}
    with opened(browser, url, LOW) as page:

        def fits():
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        def see(place):
            fits()
            kind = page.locator("#blind .question").inner_text()
            for button in page.locator("#blind .answers button:visible").all():
                box = button.bounding_box()  # without scrolling, and large enough for a thumb
                assert box["y"] >= 0
                assert box["y"] + box["height"] <= LOW["viewport"]["height"]
                assert min(box["width"], box["height"]) >= 44
            box = page.locator("#blind img:visible").first.bounding_box()
            assert box["width"] == pytest.approx(WIDTH)  # three pixels of the screen for each
            places.setdefault((kind, place == 14), set()).add(
                (box["x"], box["y"] + page.evaluate("scrollY"))
            )

        fits()
        page.get_by_role("button", name="Rate pictures: Start").tap()
        expect(page.get_by_role("button", name="Start rating")).to_be_visible()
        fits()
        page.get_by_role("button", name="Start rating").tap()
        for place in range(1, 26):
            ready(page, place)
            see(place)
            page.locator(f"#blind [data-answer='{place % 5 + 1}']").tap()
        expect(page.locator("#blind-report table").first).to_be_visible()
        fits()
        page.get_by_role("button", name="Compare two: start").tap()
        for place in range(1, 26):
            ready(page, place)
            see(place)
            page.locator("#blind [data-answer='right']").tap()
        expect(page.locator("#blind-report h4").first).to_be_visible()
        page.locator("#blind-report summary").tap()
        fits()
        assert len(votes(page, store)) == 50
    assert all(len(found) == 1 for found in places.values())  # pictures never move


# ---- Leaving and coming back ---------------------------------------------------------------------


def test_a_run_goes_on_after_the_page_is_loaded_anew(browser, url, store):
    with opened(browser, url) as page:
        begin(page)
        for place in (1, 2):
            page.keyboard.press("4")
            ready(page, place + 1)
        page.reload()
        page.get_by_role("tab", name="Blind test").click()
        page.get_by_role("button", name="Rate pictures: Go on (2 of 25 done)").click()
        ready(page, 3)
        page.keyboard.press("5")
        ready(page, 4)
        page.get_by_role("button", name="Stop for now").click()
        expect(page.get_by_role("button", name="Go on (3 of 25 done)")).to_be_visible()
        assert [vote.answer for vote in votes(page, store)] == ["4", "4", "5"]


def test_the_browser_keeps_the_ticket_and_nothing_else(browser, url, store):
    with opened(browser, url) as page:
        before = page.evaluate("({...localStorage})")
        cookies = page.context.cookies()
        begin(page)
        page.keyboard.press("3")
        ready(page, 2)
        after = page.evaluate("({...localStorage})")
        assert {*after} - {*before} == {KEY}
        assert re.fullmatch("[0-9a-f]{32}", after[KEY])
        assert not page.evaluate(f"sessionStorage.getItem('{KEY}')")
        assert page.context.cookies() == cookies


def test_a_browser_that_stores_nothing_can_take_the_test_too(browser, url):
    script = f"""for (const name of ['getItem', 'setItem', 'removeItem']) {{
        const real = Storage.prototype[name];
        Storage.prototype[name] = function (key, ...rest) {{
            if (key === '{KEY}') throw new DOMException('denied', 'SecurityError');
            return real.call(this, key, ...rest);
        }};
    }}"""
    with opened(browser, url, script=script) as page:
        begin(page)
        page.keyboard.press("3")
        ready(page, 2)
        page.get_by_role("button", name="Stop for now").click()
        page.get_by_role("button", name="Go on (1 of 25 done)").click()
        ready(page, 2)


def test_votes_can_be_deleted_after_one_is_asked_again(browser, url, store):
    with opened(browser, url) as page:
        expect(page.get_by_role("button", name="Delete my votes")).to_be_hidden()
        begin(page)
        page.keyboard.press("3")
        ready(page, 2)
        ticket = kept(page)
        rater = Session(store, ticket).rater
        page.get_by_role("button", name="Stop for now").click()
        page.get_by_role("button", name="Delete my votes").click()
        page.get_by_role("button", name="Keep").click()
        assert len(store.votes(rater)) == 1
        page.get_by_role("button", name="Delete my votes").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        expect(page.locator("#blind .note:visible")).to_have_text("Your 1 vote is deleted.")
        assert store.votes(rater) == []
        assert kept(page) is None
        begin(page)
        assert kept(page) not in (None, ticket)


def test_two_windows_of_one_person_share_one_run(browser, url, store):
    with opened(browser, url) as page:
        begin(page)
        other = page.context.new_page()
        other.goto(url)
        other.get_by_role("tab", name="Blind test").click()
        other.get_by_role("button", name="Rate pictures: Start").click()
        other.get_by_role("button", name="Start rating").click()
        ready(other, 1)
        page.keyboard.press("2")
        ready(page, 2)
        other.keyboard.press("5")
        ready(other, 2)
        expect(other.locator("#blind .note:visible")).to_have_text(BEHIND)
        other.keyboard.press("4")
        ready(other, 3)
        assert [vote.answer for vote in votes(page, store)] == ["2", "4"]


def test_a_locked_database_is_told_and_the_answer_is_kept(browser, url, store):
    with opened(browser, url) as page:
        begin(page)
        with closing(sqlite3.connect(store.path, isolation_level=None)) as locked:
            locked.execute("BEGIN IMMEDIATE")
            page.keyboard.press("5")
            retry = page.get_by_role("button", name="Try again")
            expect(retry).to_be_focused()
            expect(page.get_by_role("alert")).to_contain_text("in use by another program")
            retry.click()
            expect(retry).to_be_hidden()
            expect(retry).to_be_visible()
            locked.execute("ROLLBACK")
        retry.click()
        ready(page, 2)
        expect(retry).to_be_hidden()
        expect(page.locator("#blind .question")).to_be_focused()
        assert [vote.answer for vote in votes(page, store)] == ["5"]


def test_a_server_that_does_not_answer_is_told_and_the_answer_is_kept(browser, url, store):
    impatient = """const wait = setTimeout;
        window.setTimeout = (f, time, ...rest) => wait(f, time === 10000 ? 1000 : time, ...rest);"""
    with opened(browser, url, script=impatient) as page:
        begin(page)
        requests = []

        def lose_the_first(route):
            requests.append(route)
            if len(requests) > 1:
                route.continue_()

        page.route(re.compile("/gradio_api/run/"), lose_the_first)
        page.keyboard.press("4")
        expect(page.get_by_role("alert")).to_contain_text("does not answer")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#blind .count")).to_have_text("2 of 25")
        assert [vote.answer for vote in votes(page, store)] == ["4"]


# ---- Everybody -----------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_screen(browser, url, store, theme):
    with opened(browser, url, theme=theme) as page:
        accessible(page)
        page.get_by_role("button", name="Rate pictures: Start").click()
        expect(page.get_by_role("button", name="Start rating")).to_be_visible()
        accessible(page)
        page.get_by_role("button", name="Start rating").click()
        ready(page, 1)
        accessible(page)
        finish(page, store)
        page.get_by_role("button", name="Stop for now").click()
        for name in ("Rate pictures", "Compare two"):
            accessible(page)
            page.get_by_role("button", name=f"{name}: See the results").click()
            page.locator("#blind-report summary").click()
            accessible(page)
            page.get_by_role("button", name="Back to the start").click()
            expect(page.get_by_role("heading", name="Judge the pictures")).to_be_visible()


def finish(page, store):
    """Answer all trials of this browser's person, behind its back."""
    session = Session(store, kept(page))
    for trial in (*session.trials("ratings"), *session.trials("pairs")):
        session.answer(trial, "left" if trial.right else "3", 2.0)


def test_the_trial_is_announced(browser, url):
    with opened(browser, url) as page:
        begin(page)
        status = page.locator("#blind [role=status]")
        expect(status).to_have_text("1 of 25. How good is this picture? ")
        page.keyboard.press("3")
        expect(status).to_have_text("2 of 25. How good is this picture? ")
