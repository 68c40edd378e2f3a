"""The tab "Compare": photos through all methods, in linked panes, with scores."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from demo.analysis.panel import SAVE, Analysis
from demo.compare.dial import STEPS, DialHandler
from demo.compare.handlers import Handlers, chosen, full, place, shrink
from demo.compare.keep import Keeper
from demo.compare.outputs import Outputs
from demo.compare.placer import Placer
from demo.compare.sets import SetHandlers, Visit
from demo.compare.strip import Strip, StripData
from demo.compare.table import Table, TableHandlers
from demo.compare.turn import Turn
from demo.compare.upload import UploadImage
from demo.engine.cache import Cache
from demo.engine.examples import NAMES, original_path
from demo.engine.pace import Pace
from demo.engine.seen import Seen
from demo.engine.sets import MAX_PHOTOS, MAX_PIXELS, Sets
from demo.engine.table import BEST, tables
from demo.parts.events import HEAVY, HEAVY_DIAL, LIGHT, LIGHT_QUEUED, SCORING
from demo.parts.templates import page_script
from demo.viewer.gallery import STORED, Gallery
from demo.viewer.viewer import Comparer, ComparerData
from srgan.images import SCALE
from srgan.upscale import Upscaler

MAX_FILE_MB = 20
FORGET = """() => {
  try { localStorage.removeItem("srgan-views"); } catch {}
  dispatchEvent(new Event("srgan-forget"));
}"""
QUEUED = LIGHT_QUEUED | {"concurrency_id": "adding"}
INTAKE = page_script(Path(__file__).with_name("intake.js"))

MODES = [
    ("This is the original: shrink it ×4, restore it, score it", "original"),
    ("This is a small image: enlarge it ×4", "small"),
]
PROTOCOLS = [("Today's protocol", "today"), ("The paper's protocol", "paper")]
TODAY = """**PSNR** and **SSIM** tell how close the pixels are to the original's (BT.601 luma, \
4 pixels off each side, SSIM with an 11×11 Gaussian window)."""
PAPER = """**PSNR** and **SSIM** as the paper measured them, with the Daala tools (BT.709 luma, \
4 pixels off each side, an SSIM window that grows with the image). The captions above keep today's \
protocol."""
MEANING = f"""**Detail** is how much fine structure there is, right or wrong, in percent of the \
original's. **Agreement** shrinks the result again and compares it with the input. {BEST} is the \
best of a column. The paper expects SRGAN to score *lower* than SRResNet, by about 2.5 dB, and \
yet people prefer it: these numbers reward averaging. Judge by eye."""

DIAL = """Adds a pane. 0 is SRResNet, trained on the squared error; 1 is SRGAN; between them every \
parameter of the network is a mixture of theirs, not the pixels."""


class CompareTab:
    """Components and events of the tab, made inside a `gr.Tab`.

    Args:
        upscalers: Methods in the order of their panes.
        max_output_pixels: Largest image that a method may make.
        dial: The upscaler at a share of SRGAN from 0 to 1; without it there is no dial.
        cache: What was computed before.
        gallery: Of the built-in photos.
        weights: sha256 of the methods' weights by file name, for who takes the scores home.
    """

    def __init__(
        self,
        upscalers: Sequence[Upscaler],
        max_output_pixels: int,
        dial: Callable[[float], Upscaler] | None = None,
        cache: Cache | None = None,
        gallery: Gallery = STORED,
        weights: Mapping[str, str] | None = None,
    ) -> None:
        first = next(iter(NAMES))
        panes, scores = gallery.show(first)
        self.analysis = Analysis(weights)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                self._controls(max_output_pixels, gallery.note)
            with gr.Column(scale=4, min_width=320):
                self._results(panes, tables(scores), has_dial=dial is not None)
        self.shown, self.source = gr.State(panes), gr.State(str(original_path(first)))
        self.scores, self.seen = gr.State(scores), gr.State(Seen())
        self.turn, self.visit = gr.State(Turn()), gr.State(Visit())
        parts = Outputs.__dataclass_fields__
        self._outputs = Outputs(**{name: getattr(self, name) for name in parts})
        pace, sets = Pace(), Sets(Path(get_upload_folder()) / "sets")
        self._handlers = Handlers(upscalers, max_output_pixels, self._outputs, cache, gallery, pace)
        of_set = SetHandlers(sets, upscalers, max_output_pixels, self._outputs, pace)
        self._connect(DialHandler(dial, self._outputs, cache) if dial else None)
        self._connect_set(of_set)
        names = [upscaler.name for upscaler in upscalers]
        self._connect_table(TableHandlers(sets, names, weights))
        self._connect_visit(Keeper(sets, of_set, self._outputs, cache, gallery), of_set.follow)
        no_room = gr.Button(visible="hidden", elem_id="no-room")  # pressed by upload.js
        no_room.click(full, None, self.status, **LIGHT_QUEUED)
        self._add_api(names)

    def _controls(self, max_output_pixels: int, note: str) -> None:
        self.photo = UploadImage(
            label="Your photo",
            placeholder="Drop photos anywhere,\nclick to choose, or paste",
            sources=["upload", "clipboard"],
            buttons=[],
            height=220,
            elem_id="photo",
        )
        gr.Markdown(_limits(max_output_pixels), elem_id="limits")
        self.forget = gr.Button("Forget my photos", size="sm", elem_id="forget")
        self.placer = Placer(visible="hidden", elem_id="placer")
        self.mode = gr.Radio(MODES, value="original", label="What is it?", elem_id="mode")
        self.status = gr.Markdown(note, elem_id="status", min_height=64)
        self.stop = gr.Button("Stop", variant="stop", size="sm", visible="hidden", elem_id="stop")
        gr.Markdown("Or one of these, precomputed:")
        with gr.Row(elem_id="examples"):
            self.examples = {
                name: gr.Button(label, icon=original_path(name), size="sm", min_width=80)
                for name, label in NAMES.items()
            }

    def _results(self, panes: ComparerData, texts: tuple[str, str], has_dial: bool) -> None:
        self.strip = Strip(elem_id="strip")
        self.comparer = Comparer(panes, elem_id="comparer")
        self.dial = gr.Slider(
            *(0, 1, 0),
            step=1 / STEPS,
            label="Between the two losses",
            info=DIAL,
            buttons=[],
            visible=has_dial,
            elem_id="dial",
        )
        self.table = Table(elem_id="set-table")
        self.table_file = gr.File(visible="hidden", label="The set")
        self.analysis.build()
        self.protocol = gr.Radio(
            PROTOCOLS, value="today", label="PSNR and SSIM in", elem_id="protocol"
        )
        with gr.Column(elem_id="today") as self.today_box:
            self.today = gr.Markdown(texts[0], buttons=["copy"])
            gr.Markdown(TODAY)
        with gr.Column(visible=False, elem_id="paper") as self.paper_box:
            self.paper = gr.Markdown(texts[1], buttons=["copy"])
            gr.Markdown(PAPER)
        gr.Markdown(MEANING)

    def _connect(self, dials: DialHandler | None) -> None:
        handlers, updated = self._handlers, self._outputs.all
        # A run starts when `begun` changes. It could follow its triggers with `.then`, but the
        # browser handles the listeners of one trigger in turn, and what ends the old run must come
        # first: else a last step of it would overwrite what the trigger itself has shown.
        begun = self._begun = gr.State()
        run = self._run = begun.change(
            handlers.run,
            [self.source, self.mode, self.turn, begun],
            updated,
            show_progress_on=self.status,
            trigger_mode="multiple",  # the run before may still be on its way out
            api_visibility="private",
            **HEAVY,
        )
        self.analysis.connect(self.comparer, self.shown, self.scores, self.seen, self.protocol)
        runs = [run]
        if dials:
            runs.append(
                self.dial.input(
                    dials.run,
                    [self.dial, self.shown, self.scores, self.seen, self.turn],
                    updated,
                    show_progress="hidden",
                    trigger_mode="always_last",
                    api_visibility="private",
                    **HEAVY_DIAL,
                )
            )
        for each in runs:
            self.analysis.follow(each)
        buttons = [button.click for button in (self.stop, *self.examples.values())]
        gr.on([self.photo.upload, self.mode.input, *buttons], None, cancels=runs)

        new = [self.source, begun, self.placer]
        # Not "once", Gradio's default: what comes while the first is on its way would be lost.
        every = LIGHT_QUEUED | {"trigger_mode": "multiple"}
        self.photo.upload(chosen, [self.photo, self.turn], new, **every)
        self.mode.input(Turn.begin, self.turn, begun, **LIGHT_QUEUED)
        for event, begin in ((self.placer.place, place), (self.placer.shrink, shrink)):
            event(None, cancels=runs)
            event(begin, self.turn, begun, **every)
        self.stop.click(
            handlers.stop,
            [self.shown, self.turn],
            [self.comparer, self.status, self.stop],
            **LIGHT,
        )
        for name, button in self.examples.items():
            shows = button.click(partial(handlers.example, name), self.turn, updated, **LIGHT)
            self.analysis.follow(shows)
        self.protocol.input(
            lambda p: (gr.Column(visible=p == "today"), gr.Column(visible=p == "paper")),
            self.protocol,
            [self.today_box, self.paper_box],
            **LIGHT,
        )

    def _connect_set(self, handlers: SetHandlers) -> None:
        visit, strip = self.visit, self.strip
        page = [visit, self.turn]
        often = {"trigger_mode": "multiple"}
        strip.added(handlers.add, [self.mode, *page], strip, concurrency_limit=8, **often, **QUEUED)
        strip.chose(handlers.choose, page, strip, **often, **LIGHT)
        shows = strip.look(
            handlers.look, page, self._outputs.all, trigger_mode="always_last", **LIGHT
        )
        self.analysis.follow(shows)
        strip.work(
            handlers.work,
            visit,
            strip,
            show_progress="hidden",
            api_visibility="private",
            **often,
            **HEAVY,
        )
        strip.halt(handlers.halt, visit, strip, **often, **LIGHT)
        strip.resume(handlers.resume, visit, strip, **often, **LIGHT)

    def _connect_table(self, handlers: TableHandlers) -> None:
        latest = {"trigger_mode": "always_last"}
        self.strip.tabulate(handlers.show, self.visit, self.table, **latest, **LIGHT)
        self.comparer.region(
            handlers.mark, self.visit, None, trigger_mode="multiple", **LIGHT
        ).then(handlers.show, self.visit, self.table, **latest, **LIGHT)
        self.table.save(
            handlers.save, [self.protocol, self.visit], self.table_file, **SCORING
        ).success(None, self.table_file, js=SAVE)

    def _connect_visit(self, keeper: Keeper, follow: Callable) -> None:
        visit, turn, single = self.visit, self.turn, gr.State()
        opened = self.strip.opened(
            keeper.open,
            [visit, turn],
            [self.strip, single, self.source, self.mode, self._begun],
            trigger_mode="multiple",
            **LIGHT_QUEUED,
        )
        opened.then(keeper.restore, [single, turn], self._outputs.all, **LIGHT)
        opened.then(follow, [visit, turn], self.strip, concurrency_limit=8, **QUEUED)
        self._begun.change(keeper.begin, [self.source, self.mode, self._begun, visit], **LIGHT)
        self._run.then(keeper.end, [self._begun, visit, turn], **LIGHT)
        for made in self.analysis.made:
            made.then(keeper.made, [visit, self.analysis.figure, self.analysis.file], **LIGHT)
        self.forget.click(None, js=FORGET, cancels=[self._run])
        self.forget.click(
            keeper.forget, [self.seen, self.shown, visit, turn], self._outputs.all, **LIGHT
        ).then(_empty, visit, self.strip, **LIGHT)

    def open_link(self, page: gr.Blocks) -> None:
        """Show at the start what the address asks for."""
        inputs, updated = [self.shown, self.turn], self._outputs.all
        shows = page.load(self._handlers.linked, inputs, updated, **LIGHT)
        self.analysis.follow(shows)

    def _add_api(self, methods: list[str]) -> None:
        files = [gr.File(label=f"{method} ×{SCALE}, PNG", visible=False) for method in methods]
        report = gr.JSON(label="Scores", visible=False)
        oversize = gr.Radio(["centre", "shrink"], label="If it is too large", visible=False)
        inputs = [self.photo, self.mode, oversize]
        gr.Button(visible=False).click(
            self._handlers.api, inputs, [*files, report], api_name="compare", **HEAVY
        )


def _empty(visit: Visit) -> StripData:
    """Show no set."""
    return StripData(choice=visit.choice)


def _limits(max_output_pixels: int) -> str:
    original, small = max_output_pixels / 1e6, max_output_pixels / SCALE**2 / 1e6
    return (
        f"Up to {original:.1f} megapixels for an original, {small:.2f} for a small image, "
        f"{MAX_FILE_MB} MB a file; of a larger photo you place a piece or shrink it. A set has up "
        f"to {MAX_PHOTOS} photos and {MAX_PIXELS / 1e6:.0f} megapixels in all, with their small "
        "versions if you like (folders HR and LR). PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF. Photos "
        "are deleted within an hour or two."
    )
