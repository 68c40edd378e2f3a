"""Files in buckets, by fsspec: s3://, gs://, hf:// and what else it has a package for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import fsspec

_HEAD = 2**18  # bytes: here a PNG or JPEG has said what it is made of


@dataclass(frozen=True)
class Url:
    """A file or folder in a bucket; as far as names go, like a `Path`."""

    text: str

    def __str__(self) -> str:
        return self.text

    def __truediv__(self, name: str | PurePath) -> "Url":
        inside = PurePath(name).as_posix()
        return self if inside == "." else Url(f"{self.text.rstrip('/')}/{inside}")

    @property
    def name(self) -> str:
        """With its ending."""
        return self.text.rsplit("/", 1)[-1]

    @property
    def stem(self) -> str:
        """Without it."""
        return PurePosixPath(self.name).stem

    def find(self, without: str = "") -> list[tuple["Url", PurePath]]:
        """List the files of a folder or a glob with their subfolder, sorted; a file as it is.

        Hidden ones are passed over, as are those in the folder `without`.

        Raises:
            OSError: It cannot be listed; says why.
        """
        with _told(self.text):
            files, root = fsspec.url_to_fs(self.text)
            if not has_magic(self.text):
                found = files.find(root)
            else:
                found = [path for path in files.glob(root) if files.isfile(path)]
                root = root[: min(map(root.find, filter(root.count, "*?[")))].rpartition("/")[0]
            inner = (PurePosixPath(path).relative_to(root or "/") for path in sorted(found))
            listed = [(Url(files.unstrip_protocol(path)), path) for path in sorted(found)]
        return [
            (url, place.parent)
            for (url, _), place in zip(listed, inner, strict=True)
            if not any(part.startswith(".") for part in place.parts)
            and not (without and url.text.startswith(f"{without.rstrip('/')}/"))
        ]

    def fetch(self, path: Path) -> None:
        """Copy it into a file.

        Raises:
            OSError: It is not there, or cannot be read; says why.
        """
        with _told(self.text):
            files, inside = fsspec.url_to_fs(self.text)
            files.get_file(inside, str(path))

    def fetch_head(self, path: Path) -> bool:
        """Copy its first bytes into a file; returns whether it is there."""
        with _told(self.text):
            files, inside = fsspec.url_to_fs(self.text)
            if not files.exists(inside):
                return False
            path.write_bytes(files.head(inside, _HEAD))  # no range beyond its end: S3 refuses
            return True

    def put(self, path: Path) -> None:
        """Copy a file there; a bucket shows it whole or not at all.

        Raises:
            OSError: It cannot be written; says why.
        """
        with _told(self.text):
            files, inside = fsspec.url_to_fs(self.text)
            files.makedirs(files._parent(inside), exist_ok=True)  # noqa: SLF001 - it has no other
            files.put_file(str(path), inside)


def heads(urls: Sequence[Url], size: int) -> list[bytes]:
    """Return the first bytes of files of one bucket, many at a time; b"" of one without."""
    if not urls:
        return []
    with _told(urls[0].text):
        files, _ = fsspec.url_to_fs(urls[0].text)
        inside = [files._strip_protocol(url.text) for url in urls]  # noqa: SLF001 - the same
        found = files.cat_ranges(inside, [0] * len(urls), [size] * len(urls))
    return [each if isinstance(each, bytes) else b"" for each in found]


def place(text: str) -> Path | Url:
    """Return what a person has named: a path, or an address in a bucket."""
    return Url(text) if "://" in text else Path(text)


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Make what a bucket's own package raises an OSError that names the address."""
    try:
        yield
    except Exception as error:
        reason: Any = str(error) or type(error).__name__
        raise OSError(f"{url}: {reason}") from error
