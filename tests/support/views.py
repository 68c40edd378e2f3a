"""A viewer of five different pictures, and its single views."""

import json

import gradio as gr
import numpy as np
from support.viewer import Viewer, comparison, nearest, picture

from demo.viewer.viewer import Comparer, write_pane_file

LR = picture(90, 120)


IMAGES = {  # all different
    "input": nearest(LR),
    "bicubic": 255 - nearest(LR),
    "srresnet": np.roll(nearest(LR), 4, axis=1),
    "srgan": np.clip(nearest(LR).astype(int) + 9, 0, 255).astype(np.uint8),
    "original": np.roll(nearest(LR), 8, axis=0),
}


def different():
    """A comparison whose panes all differ, as an example photo called "cat"."""
    data = comparison(LR)
    data.photo = "cat"
    for pane in data.panes[1:]:
        pane.file = write_pane_file(IMAGES[pane.key], f"{pane.key}.png")
    return data


def views_page(**settings):
    """A page with that comparison, which says in a text box what a region's event has brought."""

    def said(event: gr.EventData):
        return json.dumps(event._data)

    with gr.Blocks() as page:
        comparer, text = Comparer(**settings), gr.Textbox(elem_id="said")
        comparer.region(said, None, text, show_progress="hidden")
        page.load(different, None, comparer, show_progress="hidden")
    return page


class Views(Viewer):
    """A viewer that is opened with all panes ready."""

    def single(self):
        """What is on the large canvas, (H, W, 3)."""
        return self.canvas(".single canvas")[..., :3]

    def expected(self, image):
        """The part of an image, (H, W, 3), that a canvas shows at a whole scale."""
        scale, left, top, _ = map(int, self.state())
        large = image.repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = self.single().shape[:2]
        return large[-top : height - top, -left : width - left]

    def told(self):
        """The region, once the server has been told the one that is shown; None without one."""
        text = self.page.locator("#said textarea")
        self.page.wait_for_function(
            """() => {
                const said = document.querySelector('#said textarea').value;
                const region = said && JSON.parse(said).region;
                const {width, height, x, y} = region || {};
                const shown = document.querySelector('.region-text').textContent;
                return said && shown === (region ? `${width} × ${height} at ${x}, ${y}` : '');
            }"""
        )
        return json.loads(text.input_value())["region"]
