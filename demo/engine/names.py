"""Which of several files are one photo and its small version, by their usual names."""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

Role = Literal["large", "small", "other scale", ""]

# Of a folder: HR, GT, GTmod12, Set5_HR, DIV2K_valid_HR; LR, LRbicx4, Set5_LR_x4, LR_bicubic.
_LARGE_FOLDER = re.compile(r"(?:^|[_\-. ])(?:hr|gt(?:mod\d+)?|ground[_\-. ]?truth)$", re.I)
_SMALL_FOLDER = re.compile(
    r"(?:^|[_\-. ])lr(?:[_\-. ]?(?:bi|bic|bicubic))?(?:[_\-. ]?x(?P<scale>\d))?$", re.I
)
_SCALE_FOLDER = re.compile(r"^x(?P<scale>\d)$", re.I)  # LR_bicubic/X4 of DIV2K
# Of a file: baby_HR, baby_GT, baby_original; baby_LR, baby_LRx4, baby_small, babyx4, baby_x4.
_LARGE_FILE = re.compile(r"[_\-. ](?:hr|gt|original)$", re.I)
_SMALL_FILE = re.compile(r"[_\-. ](?:lr|small)(?:[_\-. ]?x(?P<scale>\d))?$", re.I)
_SCALE_FILE = re.compile(r"[_\-. ]?x(?P<scale>\d)$", re.I)


class Given(NamedTuple):
    """A photo of a set, by the numbers of its files."""

    photo: int
    small: int | None = None  # its small version, if that was given, too
    is_small: bool = False  # no photo but a small image, by its name
    problem: str = ""  # why it is not taken


class _Read(NamedTuple):
    """What a name says."""

    key: str
    role: Role
    is_sure: bool  # "baby_LR" is a small image; "babyx4" only beside a "baby"


def pair(names: Sequence[str]) -> list[Given]:
    """Tell which files go together: folders HR and LR, baby_HR and baby_LR, baby and babyx4.

    Args:
        names: Of the files, with the folders they were in: "Set5/HR/baby.png".

    Returns:
        The photos in the order of their names' first appearance.
    """
    read = [_read(name) for name in names]
    groups: dict[str, dict[Role, list[int]]] = defaultdict(lambda: defaultdict(list))
    for number, (key, role, _) in enumerate(read):
        groups[key][role].append(number)
    found = []
    for group in groups.values():
        large, plain = group["large"], group[""]
        photos, small = large or plain, group["small"]
        others = plain if large else []
        if photos and small:
            found.append(Given(photos[0], small[0]))
            rest, doubled = photos[1:] + others, small[1:]
        else:
            rest, doubled = photos + others, []
            found += [Given(each, is_small=read[each].is_sure) for each in small]
        found += [Given(each) for each in rest]
        found += [Given(each, problem=f"{names[small[0]]} is its small version already")
                  for each in doubled]  # fmt: skip
        found += [Given(each, problem="a small version for another scale than ×4")
                  for each in group["other scale"]]  # fmt: skip
    return sorted(found)


def _read(name: str) -> _Read:
    path = PurePosixPath(name.replace("\\", "/"))
    role, is_sure, kept = "", False, []
    for part in path.parts[:-1]:
        small = _SMALL_FOLDER.search(part) or (role == "small" and _SCALE_FOLDER.search(part))
        if small:
            role, is_sure = _scaled(small), True
        elif _LARGE_FOLDER.search(part):
            role, is_sure = "large", True
            small = _LARGE_FOLDER.search(part)
        kept.append(part[: small.start()] if small else part)
    stem = path.stem
    for pattern, meaning in ((_LARGE_FILE, "large"), (_SMALL_FILE, "small"), (_SCALE_FILE, "x")):
        ending = pattern.search(stem)
        if not (ending and ending.start()):
            continue
        if meaning == "x":
            # Without a name for small images it may be any number: "linux4".
            if role == "large" or (ending["scale"] != "4" and role == ""):
                continue
            role = _scaled(ending)
        else:
            role = meaning if meaning == "large" else _scaled(ending)
            is_sure = True
        stem = stem[: ending.start()]
        break
    return _Read("/".join([*filter(None, kept), stem]).casefold(), role, is_sure)


def _scaled(found: re.Match[str]) -> Role:
    scale = found.groupdict().get("scale")
    return "small" if scale in (None, "4") else "other scale"
