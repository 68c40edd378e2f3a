"""The running app as a program sees it: the API, hostile requests, closed doors."""

import json
import math
import re
from http import HTTPStatus
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from support import web
from support.browser import serve
from support.mocks import noise, save

from demo.compare.tab import MAX_FILE_MB
from demo.page import LAUNCH, build_page
from srgan.images import crop_to_scale, shrink
from srgan.metrics import agreement, detail, paper_score, score
from srgan.upscale import WEIGHTS

LEAKS = re.compile(r"Traceback|site-packages|/tmp|/etc|\.py|PIL|Errno|gradio\.", re.IGNORECASE)


@pytest.fixture(scope="module")
def url(upscalers):
    with serve(build_page(list(upscalers.values()), max_output_pixels=256 * 256), **LAUNCH) as url:
        yield url


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def pixels(path):
    with PIL.Image.open(path) as image:
        return np.asarray(image)


def ask(client, path, *choices):
    return client.predict(handle_file(str(path)), *choices, api_name="/compare")


# ---- The API -------------------------------------------------------------------------------------


def test_a_file_gives_three_pngs_and_the_scores(client, upscalers, tmp_path):
    hr = noise(67, 90)
    *files, report = ask(client, save(tmp_path, hr, "my photo.png"))
    hr = crop_to_scale(hr)
    lr = shrink(hr)
    names = [Path(file).name for file in files]
    assert names == [f"my_photo_{m}_x4.png" for m in ("bicubic", "srresnet", "srgan")]
    for (method, upscale), file in zip(upscalers.items(), files, strict=True):
        sr = upscale(lr)
        assert (pixels(file) == sr).all()
        scores = report["scores"][method]
        assert scores["today"] == pytest.approx(score(sr, hr)._asdict())
        assert scores["paper"] == pytest.approx(paper_score(sr, hr)._asdict())
        assert scores["detail"] == pytest.approx(detail(sr, hr))
        assert scores["agreement"] == pytest.approx(agreement(sr, lr))
        assert scores["seconds"] > 0
    assert report["notes"] == [
        "Cropped at the bottom and right from 90×67 to 88×64, multiples of 4."
    ]


@pytest.mark.parametrize("name", ["noext", "scan.jpg_large", "photo.jpg-large", 'a b\'c "ü".txt'])
def test_content_decides_and_not_the_name(url, tmp_path, name):
    jpeg = save(tmp_path, noise(16, 20), "real.jpg")
    path = upload(url, jpeg.rename(tmp_path / name))
    answer = post(url, {"path": path, "meta": META}, "small", None)
    assert "event: complete" in answer
    assert "_srgan_x4.png" in answer


def test_a_small_image_is_enlarged_without_scores(client, upscalers, tmp_path):
    lr = noise(9, 14)
    *files, report = ask(client, save(tmp_path, lr), "small")
    assert (pixels(files[2]) == upscalers["SRGAN"](lr)).all()
    assert report["scores"]["SRGAN"]["today"] is None


def test_values_that_json_does_not_know(client, tmp_path):
    """A flat picture comes back equal from bicubic: PSNR is infinite, detail undefined."""
    *_, report = ask(client, save(tmp_path, np.full((40, 40, 3), 128, np.uint8)))
    bicubic = report["scores"]["Bicubic"]
    assert bicubic["today"] == {"psnr": None, "ssim": 1.0}
    assert bicubic["detail"] is None
    assert math.isfinite(bicubic["seconds"])


def test_a_photo_over_the_limit_needs_a_choice(client, tmp_path):
    image = noise(300, 400)
    path = save(tmp_path, image)
    with pytest.raises(AppError, match="piece of 292×220, such as its centre, or shrink"):
        ask(client, path)
    *files, report = ask(client, path, "original", "centre")
    assert pixels(files[0]).shape == (220, 292, 3)
    assert "292×220" in report["notes"][0]


def test_its_documentation_says_what_goes_in_and_comes_out(client, url):
    api = client.view_api(return_format="dict")["named_endpoints"]
    assert list(api) == ["/compare"]
    parameters = {p["parameter_name"]: p for p in api["/compare"]["parameters"]}
    assert list(parameters) == ["photo", "mode", "oversize"]
    assert parameters["photo"]["python_type"]["type"] == "filepath"
    assert "original" in parameters["mode"]["python_type"]["type"]
    assert parameters["mode"]["parameter_default"] == "original"
    returns = [r["label"] for r in api["/compare"]["returns"]]
    assert returns == ["Bicubic ×4, PNG", "SRResNet ×4, PNG", "SRGAN ×4, PNG", "Scores"]
    said = parameters["photo"]["python_type"]["description"]
    assert "uploaded" in said
    assert "No link, no base64" in said
    description = api["/compare"]["description"]
    assert "PSNR" in description
    assert "over the limit" in description


# ---- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"hello", "no picture"),
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100), "HEIC"),
    ],
)
def test_unusable_files_get_a_message_for_people(client, tmp_path, content, word):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with pytest.raises(AppError) as caught:
        ask(client, path)
    assert word in str(caught.value)
    assert not LEAKS.search(str(caught.value))


@pytest.mark.parametrize("size", [(1, 1), (3, 99)])
def test_an_original_too_small_to_be_shrunk_is_told_the_smallest_size(client, tmp_path, size):
    with pytest.raises(AppError, match="4 × 4"):
        ask(client, save(tmp_path, noise(*size)))


def test_a_tiny_original_is_restored_and_the_notes_say_why_it_has_no_scores(client, tmp_path):
    *_, report = ask(client, save(tmp_path, noise(4, 8)))
    assert report["scores"]["SRGAN"]["today"] is None
    assert any("at least 19 pixels" in note for note in report["notes"])


def post(url, payload, *choices):
    """Call the endpoint by hand; returns what the server sends."""
    body = {"data": [payload, *(choices or ("original", None))]}
    call = web.post(f"{url}gradio_api/call/compare", json=body)
    if call.status_code != 200:
        return call.text
    event = call.json()["event_id"]
    return web.get(f"{url}gradio_api/call/compare/{event}").text


def upload(url, path):
    """Return the path of an uploaded file on the server."""
    with path.open("rb") as file:
        return web.post(f"{url}gradio_api/upload", files={"files": file}).json()[0]


META = {"_type": "gradio.FileData"}


@pytest.mark.parametrize(
    "payload",
    [
        {"path": "/etc/hostname"},
        {"path": "/etc/hostname", "meta": META},
        {"path": str(WEIGHTS / "README.md"), "meta": META},
        {"path": str(WEIGHTS.parent / "docs" / "page.png"), "meta": META},
        {"path": str(WEIGHTS.parent / "docs" / "page.png")},
        {"path": "../../etc/hostname"},
        {"path": "http://127.0.0.1:9/x.png", "meta": META},
        {"path": "HTTPS://example.org/x.png", "meta": META},
        {"path": "file:///etc/hostname", "meta": META},
        {"path": "", "meta": META},
        {"path": None},
        {"url": "data:image/png;base64,AAAA"},
        {"path": "data:image/png;base64,AAAA", "meta": META},
        {"url": "https://example.org/x.png", "meta": META},
        "https://example.org/x.png",
        {"path": "\0"},
        {"path": ["/etc/hostname"]},
        "/etc/hostname",
        5,
        [],
        None,
    ],
    ids=str,
)
def test_other_photos_are_refused_and_told_what_to_send_and_nothing_leaks(url, payload):
    answer = post(url, payload)
    assert "event: complete" not in answer
    assert "handle_file" in answer
    assert "docs/api.md" in answer
    assert not LEAKS.search(answer)


@pytest.mark.parametrize("body", [{}, {"mode": "original"}])
def test_a_call_by_names_without_a_photo_is_told_what_to_send(url, body):
    answer = web.post(f"{url}gradio_api/call/v2/compare", json=body)
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "photo" in answer.text
    assert "handle_file" in answer.text


@pytest.mark.parametrize("choices", [("other", None), ("original", "other"), (5, []), ({}, "x")])
def test_hostile_choices_are_refused(url, tmp_path, choices):
    uploaded = upload(url, save(tmp_path, noise()))
    answer = post(url, {"path": uploaded, "meta": META}, *choices)
    assert "event: complete" not in answer
    assert not LEAKS.search(answer)


def test_a_path_out_of_the_upload_folder_through_a_link_is_refused(url, tmp_path):
    uploaded = upload(url, save(tmp_path, noise()))
    inside = Path(uploaded)
    link = inside.with_name("link.png")
    link.symlink_to(save(tmp_path, noise(seed=1), "secret.png"))
    assert "event: complete" not in post(url, {"path": str(link), "meta": META})
    assert "event: complete" in post(url, {"path": str(inside), "meta": META})


def test_the_queue_cannot_be_bypassed(url):
    answer = web.post(f"{url}gradio_api/run/compare", json={"data": [None, "original", None]})
    assert answer.status_code == 404


def test_events_that_are_not_the_api_refuse_hostile_values(url):
    """Every event of the page is called by hand with a file that it must not read."""
    config = web.get(f"{url}config").json()
    hostile = {"path": "/etc/hostname", "meta": META}
    for dependency in config["dependencies"]:
        body = {
            "data": [hostile] * len(dependency["inputs"]),
            "fn_index": dependency["id"],
            "session_hash": "hostile",
        }
        web.post(f"{url}gradio_api/queue/join", json=body)
        answer = web.post(f"{url}gradio_api/run/predict", json=body)
        assert not re.search(r"Traceback|site-packages", answer.text)
    assert web.get(url).status_code == 200


def test_closed_doors(url):
    assert web.get(f"{url}monitoring/summary").status_code == 403
    large = {"files": ("a.png", b"x" * (MAX_FILE_MB * 1024 * 1024 + 1))}
    assert web.post(f"{url}gradio_api/upload", files=large).status_code == 413
    for path in ("/etc/hostname", WEIGHTS / "srgan/model.safetensors", WEIGHTS.parent / "app.py"):
        assert web.get(f"{url}gradio_api/file={path}").status_code == 403


def test_the_page_asks_nobody_else(url):
    """Fonts, scripts and styles come from this server."""
    text = web.get(url).text + json.dumps(web.get(f"{url}config").json())
    outside = {m for m in re.findall(r"(?:src|href)=[\"'](https?://[^/\"']+)", text)}
    assert not {host for host in outside if "127.0.0.1" not in host}
