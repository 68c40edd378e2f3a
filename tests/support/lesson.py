"""What the lesson is asked, and what lies on the sheet that it answers with."""

from demo.engine.comparison import Comparison
from demo.engine.scores import Scores
from demo.lesson.patch_viewer import Question
from demo.lesson.plausible import SIDE
from demo.viewer.show import Show
from srgan.reading import read_image

TILE = 4 * SIDE


def question(**changes):
    """What the viewer asks when it is first seen, unless told otherwise."""
    first = {"number": 1, "id": "", "is_whole": False, "is_chosen": False, "x": 5, "y": 5}
    return Question(**first | changes)


def chosen(shown, x, y):
    return question(id=shown.id, is_whole=True, is_chosen=True, x=x, y=y)


def comparison(lr, hr=None, **images):
    """A comparison on display, of which these methods are ready."""
    methods = ["Bicubic", "SRResNet", "SRGAN"]
    scores = {name: Scores.of(0, 30) for name in images}
    return Show("photo", methods).panes(Comparison(lr, hr, images, scores=scores))


def tiles(data):
    """The sheet's squares: small, averages, patches and pictures by name."""
    sheet = read_image(data.sheet.path)
    assert sheet.shape[1:] == (TILE, 3)
    squares = sheet.reshape(-1, TILE, TILE, 3)
    count = len(data.patches)
    names = [picture.name for picture in data.pictures]
    assert len(squares) == 1 + 2 * count + len(names)
    rest = dict(zip(names, squares[1 + 2 * count :], strict=True))
    return squares[0], squares[1 : count + 1], squares[count + 1 : 2 * count + 1], rest
