"""The linked viewer as a test has it: mock pictures, and a page with hands on it."""

import base64

import numpy as np
from playwright.sync_api import expect

from demo.viewer.viewer import ComparerData, Pane, write_pane_file

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
FRAMES = "await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)));"


def picture(height=36, width=50, seed=0):
    """A small image of smooth colours and noise, (h, w, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    smooth = np.stack([x * 5, y * 7, (x + y) * 3], axis=-1) % 256
    return ((smooth + rng.integers(0, 64, (height, width, 1))) % 256).astype(np.uint8)


def nearest(lr):
    return lr.repeat(4, axis=0).repeat(4, axis=1)


def comparison(
    lr=None, id="one", ready=("input", "bicubic", "srresnet", "srgan", "original"), **working
):
    """Nearest-neighbour copies in all panes but bicubic's, which shows the negative."""
    lr = picture() if lr is None else lr
    names = {"bicubic": "Bicubic", "srresnet": "SRResNet", "srgan": "SRGAN", "original": "Original"}
    images = {"input": lr, **dict.fromkeys(names, nearest(lr)), "bicubic": 255 - nearest(lr)}
    panes = []
    for key, image in images.items():
        height, width = image.shape[:2]
        pane = Pane(key=key, name=names.get(key, "Small input"), width=width, height=height)
        if key in ready:
            pane.file = write_pane_file(image, f"photo_{key}_x4.png")
            pane.state, pane.caption = "ready", "29.34 dB · SSIM 0.812"
        elif key in working:
            pane.state, pane.done = "working", working[key]
        panes.append(pane)
    return ComparerData(id=id, panes=panes)


class Viewer:
    """The page as a person at the screen has it."""

    def __init__(self, page, feed):
        self.page, self.feed = page, feed
        self.root = page.locator(".viewer")

    def show(self, data, ready=5):
        self.feed.put(data)
        expect(self.page.locator("figure[data-state=ready]")).to_have_count(ready)
        expect(self.root).to_have_attribute("data-id", data.id)

    def pane(self, key):
        return self.page.locator(f"figure[data-key={key}]")

    def press(self, *keys):
        self.root.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def state(self):
        """The zoom and the place of the scene's corner, after what was done has been drawn."""
        names = ("scale", "left", "top", "movable")
        data = self.page.evaluate(
            f"async () => {{ {FRAMES} return {{...document.querySelector('.viewer').dataset}} }}"
        )
        return tuple(float(data[n]) for n in names[:3]) + ("movable" in data,)

    def scale(self):
        return self.state()[0]

    def pixels(self, key):
        """What is on a pane's canvas, (H, W, 4)."""
        return self.canvas(f"figure[data-key={key}] canvas")

    def canvas(self, selector):
        """What is on a canvas, (H, W, 4)."""
        width, height, data = self.page.evaluate(
            f"""async selector => {{
                {FRAMES}
                const canvas = document.querySelector(selector), {{width, height}} = canvas;
                const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
                let text = '';
                for (let i = 0; i < data.length; i += 32768)
                    text += String.fromCharCode(...data.subarray(i, i + 32768));
                return [width, height, btoa(text)];
            }}""",
            selector,
        )
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)

    def differing(self, key="input"):
        """The panes whose canvas is not pixel for pixel the given one's."""
        return self.page.evaluate(
            f"""async key => {{
                {FRAMES}
                const read = figure => {{
                    const canvas = figure.querySelector('canvas');
                    const {{width, height}} = canvas;
                    const data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
                    return [width, height, new Uint32Array(data.buffer)];
                }};
                const figures = [...document.querySelectorAll('figure')];
                const [w, h, own] = read(figures.find(figure => figure.dataset.key === key));
                return figures.filter(figure => {{
                    const [width, height, other] = read(figure);
                    return width !== w || height !== h || other.some((p, i) => p !== own[i]);
                }}).map(figure => figure.dataset.key);
            }}""",
            key,
        )

    def places(self):
        """Left, top, width and height of each pane, within the viewer."""
        return self.page.evaluate(
            """[...document.querySelectorAll('figure')].map(
                f => [f.offsetLeft, f.offsetTop, f.offsetWidth, f.offsetHeight])"""
        )

    def centre(self, key="input"):
        box = self.pane(key).locator("canvas").bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(self, *paths):
        """Move fingers along paths of CSS pixels, all of one length, and lift them."""
        session = self.page.context.new_cdp_session(self.page)

        def send(kind, points):
            points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        first, *rest = zip(*paths, strict=True)
        send("touchStart", first)
        for points in rest:
            send("touchMove", points)
        send("touchEnd", [])
        session.detach()

    def pinch(self, x, y, begin, end, steps=6):
        """Two fingers on a diagonal, each so many CSS pixels from (x, y)."""
        reach = np.linspace(begin, end, steps)
        self.touch([(x - r, y - r / 2) for r in reach], [(x + r, y + r / 2) for r in reach])
