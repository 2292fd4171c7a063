"""Golden files on disk: write, read, verify.

A file is read into memory once. Its hash, its tree and its arrays all come from those bytes.
"""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from .files import PARTIAL, bytes_of, locked, one_line, replace_all, replace_atomically
from .hdf5 import read_tree, tree_image
from .manifest import (
    MANIFEST_NAME,
    FamilyCount,
    FileEntry,
    Manifest,
    content_complaints,
    hash_complaint,
    manifest_bytes,
    read_manifest,
    write_manifest,
)
from .reading import from_tree
from .records import OperationVectors, VectorError
from .tree import Group, content_hashes
from .validation import problems
from .writing import to_tree


def golden_folder() -> Path:
    """Return the folder of the golden files that are installed with backproof."""
    return Path(__file__).parent / "golden"


def golden_operations(folder: Path | None = None) -> tuple[str, ...]:
    """Name the operations that have golden vectors, in alphabetical order. Raises VectorError without a manifest."""
    return tuple(sorted(name.removesuffix(".h5") for name in read_manifest(folder or golden_folder()).files))


def read_golden(op: str, folder: Path | None = None) -> OperationVectors:
    """Read an operation's golden vectors from a file whose SHA-256 is the manifest's.

    Raises VectorError where the operation has none, or the file was altered or cannot be used.
    """
    folder = folder or golden_folder()
    manifest = read_manifest(folder)
    name = f"{op}.h5"
    if name not in manifest.files:
        there = ", ".join(sorted(name.removesuffix(".h5") for name in manifest.files))
        raise VectorError(f"{folder}: the manifest has no vectors of {op!r}; it has {there or 'none at all'}")
    path = folder / name
    image = bytes_of(path)
    complaint = hash_complaint(image, manifest.files[name])
    if complaint:
        raise VectorError(f"{path}: {complaint}")
    return _records(path, read_tree(path, image, trusted=True))


def read(path: str | Path) -> OperationVectors:
    """Read the golden vectors of any file, whoever made it; tensors are read-only.

    Raises VectorError where the file is not what SCHEMA.md describes.
    """
    path = Path(path)
    return _records(path, read_tree(path, bytes_of(path)))


def write(path: str | Path, vectors: OperationVectors) -> None:
    """Write a golden file; the old one stays whole until the new one takes its place. Raises VectorError where the
    records do not fit the layout, or the file cannot be written."""
    path, image = Path(path), image_of(vectors)
    try:
        replace_atomically(path, image)
    except OSError as error:
        raise VectorError(one_line(f"{path}: cannot be written: {error.strerror or error}")) from None


def image_of(vectors: OperationVectors) -> bytes:
    """Return the bytes of a golden file, read back and found well-formed: the same records give the same bytes, but for
    what another zlib deflates otherwise. Raises VectorError where the records do not fit the layout."""
    tree, path = to_tree(vectors), Path(f"{vectors.op}.h5")
    image = tree_image(tree)
    read_back = read_tree(path, image)
    _records(path, read_back)
    if content_hashes(read_back) != content_hashes(tree):
        raise VectorError(f"{path}: what was written does not read back the same; this is a fault of backproof's")
    return image


def same_content(image: bytes, path: Path) -> bool:
    """Say whether a file holds the same groups, numbers and words as these bytes of one, however they are stored."""
    if not path.is_file():
        return False
    try:
        return content_hashes(read_tree(path, image)) == content_hashes(read_tree(path, bytes_of(path)))
    except VectorError:
        return False


def install(folder: Path, images: Mapping[str, bytes], complete: bool) -> list[str]:
    """Put files, by name, into a folder of golden files, and enter them in its manifest; `complete`: they are all.

    Returns the names of those written: a file that holds the same already is left as it is. Where this was killed
    midway, reading says of a file that it is not the one that the manifest lists. Raises VectorError where the files
    would be of different vectors versions, and OSError where they cannot be written; the folder is then as it was.
    """
    with locked(folder):
        changed = {name: image for name, image in images.items() if not same_content(image, folder / name)}
        entered = {name: changed[name] if name in changed else bytes_of(folder / name) for name in images}
        manifest = _manifest_with(folder, entered, complete)
        for left_over in folder.glob(f".*{PARTIAL}"):
            left_over.unlink()
        files = {folder / name: image for name, image in changed.items()}
        replace_all({**files, folder / MANIFEST_NAME: manifest_bytes(manifest)})
        for path in folder.glob("*.h5") if complete else ():
            if path.name not in images:
                path.unlink()
    return list(changed)


def update_manifest(folder: Path, operations: Iterable[str]) -> None:
    """Enter the files of some operations in the folder's manifest, which keeps its other entries.

    An entry whose file is gone is dropped. Raises VectorError where the files are of different vectors versions.
    """
    images = {f"{op}.h5": bytes_of(folder / f"{op}.h5") for op in operations}
    write_manifest(folder, _manifest_with(folder, images))


def _manifest_with(folder: Path, images: Mapping[str, bytes], complete: bool = False) -> Manifest:
    """Return the folder's manifest with entries for these files, and for no others if they are `complete`."""
    try:
        kept = Manifest("", {}) if complete else read_manifest(folder)
    except VectorError:
        if (folder / MANIFEST_NAME).exists() and {path.name for path in folder.glob("*.h5")} - images.keys():
            raise
        kept = Manifest("", {})
    entries = {name: e for name, e in kept.files.items() if name not in images and (folder / name).exists()}
    versions = {kept.vectors_version: sorted(entries)} if entries else {}
    for name, image in sorted(images.items()):
        tree = read_tree(folder / name, image)
        vectors = _records(folder / name, tree)
        versions.setdefault(vectors.vectors_version, []).append(name)
        entries[name] = FileEntry(sha256(image).hexdigest(), counts(vectors), content_hashes(tree))
    if len(versions) > 1:
        listing = "; ".join(f"{version}: {', '.join(files)}" for version, files in sorted(versions.items()))
        raise VectorError(f"{folder}: the files are of different vectors versions ({listing}); generate all of them")
    return Manifest(next(iter(versions), ""), entries)


def counts(vectors: OperationVectors) -> tuple[FamilyCount, ...]:
    """How many families and cases vectors have of each dtype and direction."""
    cases: dict[tuple[str, str], list[int]] = {}
    for family in vectors.families:
        cases.setdefault((family.dtype, family.direction), []).append(family.count)
    return tuple(FamilyCount(*cell, len(counts), sum(counts)) for cell, counts in cases.items())


def verify(path: str | Path | None = None, ops: Collection[str] = ()) -> list[str]:
    """Check a golden file, or a folder of them and its manifest. Returns one line for each thing that is wrong.

    Without a path: the files that are installed with backproof. Of a folder, all files unless operations are named. A
    file is checked against the manifest beside it if that lists its name.
    """
    path = golden_folder() if path is None else Path(path)
    if path.is_dir():
        try:
            manifest = read_manifest(path)
        except VectorError as error:
            return [str(error)]
        names = [f"{op}.h5" for op in ops] if ops else sorted({*manifest.files, *(p.name for p in path.glob("*.h5"))})
        return [line for name in names for line in _verify_file(path / name, manifest)]
    try:
        manifest = read_manifest(path.parent)
    except VectorError:
        return _verify_file(path, None)
    return _verify_file(path, manifest if path.name in manifest.files else None)


def _verify_file(path: Path, manifest: Manifest | None) -> list[str]:
    entry = manifest.files.get(path.name) if manifest else None
    if manifest and not entry:
        return [f"{path}: the manifest has no entry of it; run `backproof generate`"]
    found = []
    try:
        image = bytes_of(path)
        if entry and (complaint := hash_complaint(image, entry)):
            found.append(f"{path}: {complaint}")
        tree = read_tree(path, image)
        vectors = _records(path, tree)
    except VectorError as error:
        return [*found, str(error)]
    if entry:
        found += [f"{path}: {line}" for line in content_complaints(content_hashes(tree), entry)]
    if entry and entry.counts != counts(vectors):
        found.append(f"{path}: has other numbers of families and cases than the manifest lists")
    if manifest and entry and vectors.vectors_version != manifest.vectors_version:
        found.append(f"{path}: has vectors version {vectors.vectors_version}, the manifest {manifest.vectors_version}")
    if vectors.op != path.stem:
        found.append(f"{path}: holds the vectors of {vectors.op}, for which it is not named")
    return found + [f"{path}: {problem}" for problem in problems(vectors)]


def _records(path: Path, tree: Group) -> OperationVectors:
    try:
        return from_tree(tree)
    except VectorError as error:
        raise VectorError(one_line(f"{path}: {error}")) from None
