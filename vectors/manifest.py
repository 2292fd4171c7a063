"""Read and write `golden/MANIFEST.json`: the SHA-256, content hashes and numbers of cases of the golden files."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from .dtypes import DTYPES
from .files import replace_atomically
from .parse_json import without_duplicates
from .records import DIRECTIONS, VectorError

SCHEMA_VERSION = 4
"""Version of the files' layout and of the manifest's. SCHEMA.md says when it changes."""

MANIFEST_NAME = "MANIFEST.json"

_HASH = re.compile(r"[0-9a-f]{64}")
_FILE_NAME = re.compile(r"[A-Za-z0-9_]+\.h5")


@dataclass(frozen=True)
class FamilyCount:
    """The numbers of families and cases of one direction in one dtype."""

    dtype: str
    direction: str
    families: int
    cases: int


@dataclass(frozen=True)
class FileEntry:
    """The manifest's entry of one file."""

    sha256: str
    counts: tuple[FamilyCount, ...]
    content: Mapping[str, str]
    """Content hash by path of the group or dataset; "/" is the whole file."""


@dataclass(frozen=True)
class Manifest:
    """The manifest of a folder of golden files."""

    vectors_version: str
    files: Mapping[str, FileEntry]
    """By file name: "dense.h5"."""


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder of golden files. Raises VectorError where there is none that can be used."""
    path = folder / MANIFEST_NAME
    try:
        return _parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise VectorError(f"{path}: there is no manifest; reinstall backproof, or run `backproof generate`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise VectorError(f"{path}: cannot be read as JSON ({_first_line(error)}); reinstall backproof") from None
    except VectorError as error:
        raise VectorError(f"{path}: {error}") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder; the old one stays whole until the new one takes its place."""
    replace_atomically(folder / MANIFEST_NAME, manifest_bytes(manifest))


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest's file. Raises VectorError where they could not be read."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "vectors_version": manifest.vectors_version,
        "files": {
            name: {
                "sha256": entry.sha256,
                "families": {f"{c.dtype}/{c.direction}": [c.families, c.cases] for c in entry.counts},
                "content": dict(sorted(entry.content.items())),
            }
            for name, entry in sorted(manifest.files.items())
        },
    }
    _parse(json.dumps(document))
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def hash_of_stranger(image: bytes, manifest: Manifest) -> str:
    """The SHA-256 of a file's bytes where the manifest lists no file that has them, else the empty string."""
    found = sha256(image).hexdigest()
    return "" if any(entry.sha256 == found for entry in manifest.files.values()) else found


def hash_complaint(image: bytes, entry: FileEntry) -> str:
    """Return what is wrong where a file's bytes do not match its entry, else the empty string."""
    found = sha256(image).hexdigest()
    if found == entry.sha256:
        return ""
    return (
        f"is not the file that the manifest lists (SHA-256 {found[:12]}..., listed {entry.sha256[:12]}...); "
        "reinstall backproof, or run `backproof generate`"
    )


def content_complaints(hashes: Mapping[str, str], entry: FileEntry) -> list[str]:
    """Return one line for each group or dataset whose content does not match the entry."""
    found = []
    for path in sorted({*hashes, *entry.content}):
        if path not in hashes or path not in entry.content:
            found.append(f"{path} is in the {'file' if path in hashes else 'manifest'} alone")
        elif hashes[path] != entry.content[path]:
            found.append(f"the content of {path} is not what the manifest lists")
    return found


def check_schema_version(version: object, remedy: str = "regenerate the file") -> None:
    """Raise VectorError unless files of this schema version can be read."""
    if type(version) is not int:
        raise VectorError(f"schema_version is {version!r}, where a whole number is due; {remedy}")
    if version > SCHEMA_VERSION:
        raise VectorError(
            f"has schema version {version}, and this backproof reads {SCHEMA_VERSION}; install a newer backproof"
        )
    if version != SCHEMA_VERSION:
        raise VectorError(
            f"has schema version {version}, and this backproof reads {SCHEMA_VERSION}; "
            "run `backproof generate`, or read it with the backproof that wrote it (0.1 for version 1)"
        )


@lru_cache(maxsize=4)  # read anew for each golden file
def _parse(text: str) -> Manifest:
    document = json.loads(text, object_pairs_hook=without_duplicates)
    remedy = "reinstall backproof, or run `backproof generate`"
    if not isinstance(document, dict):
        raise VectorError(f"is no JSON object; {remedy}")
    check_schema_version(document.get("schema_version"), remedy)
    version, files = document.get("vectors_version"), document.get("files")
    if not isinstance(version, str) or not version:
        raise VectorError(f"vectors_version is {version!r}, where a string is due; {remedy}")
    if not isinstance(files, dict):
        raise VectorError(f"names no files; {remedy}")
    return Manifest(version, {name: _parse_entry(name, entry, remedy) for name, entry in files.items()})


def _parse_entry(name: str, entry: object, remedy: str) -> FileEntry:
    if not _FILE_NAME.fullmatch(name):
        raise VectorError(f"{name!r} is no name of a golden file; {remedy}")
    if not isinstance(entry, dict) or not _is_hash(entry.get("sha256")):
        raise VectorError(f"the entry of {name} has no SHA-256 of 64 hexadecimal digits; {remedy}")
    content = entry.get("content")
    if not isinstance(content, dict) or "/" not in content or not all(map(_is_hash, content.values())):
        raise VectorError(f"the entry of {name} has no content hash for each of its groups; {remedy}")
    counts = entry.get("families")
    if not isinstance(counts, dict) or not all(_is_count(key, value) for key, value in counts.items()):
        raise VectorError(f"the entry of {name} does not count its families; {remedy}")
    return FileEntry(entry["sha256"], tuple(FamilyCount(*key.split("/"), *n) for key, n in counts.items()), content)


def _is_count(key: str, value: object) -> bool:
    dtype, _, direction = key.partition("/")
    numbers = isinstance(value, list) and len(value) == 2 and all(type(n) is int and n > 0 for n in value)
    return dtype in DTYPES and direction in DIRECTIONS and numbers


def _is_hash(text: object) -> bool:
    return isinstance(text, str) and _HASH.fullmatch(text) is not None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
