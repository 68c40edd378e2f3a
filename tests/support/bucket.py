"""A bucket that is a folder of this machine: bucket://name is $BUCKET/name, in every process."""

import os

import fsspec
from fsspec.implementations.local import LocalFileSystem

ROOT = "BUCKET"


class Bucket(LocalFileSystem):
    protocol = "bucket"

    @classmethod
    def _strip_protocol(cls, path):
        path = str(path).removeprefix("bucket://")
        return path if path.startswith("/") else f"{os.environ[ROOT]}/{path}".rstrip("/")

    def unstrip_protocol(self, name):
        return f"bucket://{str(name).removeprefix(os.environ[ROOT]).lstrip('/')}"


def register():
    """Ray's workers, which are not told, find it by the environment."""
    fsspec.register_implementation("bucket", Bucket, clobber=True)
