"""Work over a Ray cluster, where Ray is installed (extra `ray`): the same as on one machine."""

import os
import sys

import numpy as np
import pytest
import skimage.data
from PIL import Image as PillowImage
from support.networks import random_generator

from srgan import fleet
from srgan.enlarge_files import main as enlarge
from srgan.evaluate import main as evaluate
from srgan.images import write_png
from srgan.weights import save_weights

PHOTO = skimage.data.astronaut()[100:132, 200:240]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for seed, name in enumerate(("srresnet", "srgan")):
        save_weights(random_generator(seed, 1, 4), folder / f"{name}.safetensors", {})
    return folder


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two machines of one core each, the second of which can be taken away."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    memory = {"object_store_memory": 100 * 2**20}
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **memory})
    found.second = found.add_node(num_cpus=1, **memory)
    yield found
    ray.shutdown()
    found.shutdown()


def save_photos(folder, count):
    folder.mkdir()
    for number in range(count):
        write_png(np.roll(PHOTO, number, axis=1), folder / f"{number:02}.png")
    return folder


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.filterwarnings("ignore")  # Ray's, of its own parts
class TestCluster:
    def run(self, cluster, weights, *args):
        common = ["--weights", str(weights), "--precision", "fp32", "--ray", cluster.address]
        return enlarge([*map(str, args), *common])

    def test_the_bytes_and_names_are_those_of_one_machine(self, cluster, weights, tmp_path, capsys):
        photos = save_photos(tmp_path / "photos", 3)
        clear = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 99, np.uint8)])
        PillowImage.fromarray(clear).save(photos / "00.webp", lossless=True)  # 00.png is there
        (photos / "deep").mkdir()
        PillowImage.fromarray(PHOTO).save(photos / "deep" / "dpi.jpg", dpi=(300, 300))
        (photos / "broken.png").write_bytes((photos / "01.png").read_bytes()[:99])
        common = ["--weights", str(weights), "--precision", "fp32"]
        assert enlarge([str(photos), "--out", str(tmp_path / "one"), *common]) == 1
        capsys.readouterr()
        assert self.run(cluster, weights, photos, "--out", tmp_path / "many") == 1
        said = capsys.readouterr().err.splitlines()
        assert said[0].startswith(f"skipped {photos}/broken.png: This picture is damaged")
        assert "megapixels a second" in said[1]
        assert said[2] == "5 enlarged, 1 skipped"
        one, many = files(tmp_path / "one"), files(tmp_path / "many")
        assert len(one) == 5
        assert many == one
        (tmp_path / "many" / "02_srgan_x4.png").unlink()
        (photos / "broken.png").unlink()
        assert self.run(cluster, weights, photos, "--out", tmp_path / "many") == 0  # goes on
        last = capsys.readouterr().err.splitlines()[-1]
        assert last == "1 enlarged, 0 skipped, 4 there already (--overwrite does them again)"
        assert files(tmp_path / "many") == one

    def test_a_bucket_is_read_and_written(self, cluster, weights, tmp_path, capsys):
        photos = save_photos(tmp_path / "photos", 2)
        common = ["--weights", str(weights), "--precision", "fp32"]
        assert enlarge([str(photos), "--out", str(tmp_path / "one"), *common]) == 0
        bucket = f"file://{tmp_path}"  # fsspec's, like s3://
        assert self.run(cluster, weights, f"{bucket}/photos", "--out", f"{bucket}/many") == 0
        assert files(tmp_path / "many") == files(tmp_path / "one")
        assert f"{bucket}/many/00_srgan_x4.png" in capsys.readouterr().out

    def test_scores_are_those_of_one_machine(self, cluster, weights, tmp_path):
        photos = save_photos(tmp_path / "photos", 3)
        (photos / "broken.png").write_bytes(b"")
        args = ["--images", str(photos), "--weights", str(weights), "--methods", "bicubic", "srgan"]
        for name, more in (("one", []), ("many", ["--ray", cluster.address])):
            assert evaluate([*args, *more, "--csv", str(tmp_path / name)]) == 2
        assert (tmp_path / "many").read_text() == (tmp_path / "one").read_text()

    def test_what_kills_its_process_alone_brings_no_result(self, cluster):
        def make():
            return lambda number: os._exit(1) if number == 2 else 10 * number

        fleet.connect(cluster.address)
        assert sorted(fleet.spread(make, range(5))) == [(0, 0), (1, 10), (3, 30), (4, 40)]
        with pytest.raises(fleet.FleetError, match="no machine has 64 cores; the largest has 1"):
            next(fleet.spread(make, [1], cores=64))

    def test_a_machine_that_is_lost_costs_no_picture(self, cluster):  # the last: it is gone then
        fleet.connect(cluster.address)
        done = {}
        for number, result in fleet.spread(lambda: str, range(30)):
            done[number] = result
            if len(done) == 5:
                cluster.remove_node(cluster.second, allow_graceful=False)
        assert done == {number: str(number) for number in range(30)}


def test_without_ray_the_option_names_the_command_that_installs_it(
    weights, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "ray", None)
    photos = str(save_photos(tmp_path / "photos", 1))
    args = ["--weights", str(weights), "--ray"]
    with pytest.raises(SystemExit) as stop:
        enlarge([photos, "--out", str(tmp_path / "out"), *args])
    assert stop.value.code == 2
    assert "--ray needs Ray, which is not installed: pip install 'srgan[ray]'" in (
        capsys.readouterr().err
    )
    assert evaluate(["--images", photos, *args]) == 2
    assert "pip install 'srgan[ray]'" in capsys.readouterr().err


def test_an_address_is_told_from_a_file(weights, tmp_path, capsys):
    with pytest.raises(SystemExit):
        enlarge(["--ray", "photos", "--out", str(tmp_path / "out")])
    assert "'photos' is no address of a cluster" in capsys.readouterr().err
