"""Read and write trees as HDF5. No other module imports h5py.

A file is parsed from its bytes in memory; its arrays are views into them, or inflated from them.
"""

import re
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path

import h5py  # type: ignore[import-untyped, unused-ignore]  # it has no types of its own
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5p, h5s, h5t, h5z  # type: ignore[import-untyped, unused-ignore]

from .deflate import LEVEL, deflated, inflated
from .files import LARGEST_FILE, one_line
from .layout import LARGEST_CONTENTS, TEXT
from .manifest import check_schema_version
from .records import VectorError
from .tree import Group

MOST_OBJECTS = 5_000
DEEPEST = 4
_SMALLEST_FILE = 96
_CHUNK_INDEX = 112
"""As many bytes the HDF5 library writes to say where a dataset's chunk is, in a file that grows from _EMPTY_FILE."""
_image_numbers = count()  # to HDF5, two open images of one name are one file
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HIGHER_NODE = re.compile(rb"TREE[\0\1][^\0]|BTIN\0")
"""A node above the leaves in an index of links or chunks. The HDF5 library would follow one that leads to itself until
the process dies; a golden file is too small to have any."""

_NUMBERS = (
    (h5t.STD_I64LE, np.dtype("<i8")),
    (h5t.IEEE_F64LE, np.dtype("<f8")),
    (h5t.IEEE_F32LE, np.dtype("<f4")),
    (h5t.IEEE_F16LE, np.dtype("<f2")),
    (h5t.STD_U16LE, np.dtype("<u2")),
    (h5t.STD_U8LE, TEXT),
)

_EMPTY_FILE = (
    bytes.fromhex(
        "894844460d0a1a0a0208080000000000000000003000000000000000e4000000000000006100000000000000cc3f68d5"
        "4f484452022000000000000000000000000000000000161307000500010010000400000700000000000000000078806d3a"
        "4f484452020078021200000000ffffffffffffffffffffffffffffffff0a02000100000058"
    )
    + bytes(90)
    + bytes.fromhex("c5b9c8ac")
)
"""An HDF5 file of an empty root group, as the library creates it with H5Pset_istore_k(..., 1), for which h5py has no
call: the index of a chunk then has room for two, where it would have room for 64 and take 2 kB. The first line is the
superblock, the second its extension, and what follows the root group."""


def read_tree(path: Path, image: bytes, trusted: bool = False) -> Group:
    """Parse the bytes of an HDF5 file into a tree. `trusted`: they are the bytes that the manifest lists.

    Raises VectorError, with the path, where they are not HDF5 or hold something that no golden file has.
    """
    if not image.startswith(_SIGNATURE):
        raise VectorError(f"{path}: is no HDF5 file; name a file that `backproof generate` wrote")
    if not trusted and _HIGHER_NODE.search(image):
        raise VectorError(f"{path}: has an index of several levels, which no golden file has")
    try:
        access = h5p.create(h5p.FILE_ACCESS)
        access.set_fapl_core(backing_store=False)
        access.set_file_image(image)
        access.set_fclose_degree(h5f.CLOSE_STRONG)
        file = h5f.open(f"backproof image {next(_image_numbers)}".encode(), h5f.ACC_RDONLY, access)
        try:
            return _Loader(image, trusted).group(h5g.open(file, b"/"), "/", 0)
        finally:
            file.close()
    except VectorError as error:
        raise VectorError(one_line(f"{path}: {error}")) from None
    except Exception as error:  # h5py raises exceptions of many classes
        if "truncated" in str(error) or len(image) < _SMALLEST_FILE:
            raise VectorError(f"{path}: is cut short at {len(image)} bytes; fetch or generate it again") from None
        reason = error.args[0] if error.args else type(error).__name__
        raise VectorError(one_line(f"{path}: is damaged: {reason}; fetch or generate it again")) from None


@dataclass
class _Loader:
    """Walks an open file. Links and unusual storage are looked for only in bytes that are not trusted."""

    image: bytes
    trusted: bool
    objects: int = 0
    inflated_bytes: int = 0

    def group(self, group: h5g.GroupID, path: str, depth: int) -> Group:
        attributes = self.attributes(group, path)
        if depth == 0:
            check_schema_version(attributes.get("schema_version"))
        for name in sorted(attributes.keys() - ({"schema_version"} if depth == 0 else set())):
            raise VectorError(f"{path} has an attribute {name}, which is none of the layout")
        if depth > DEEPEST:
            raise VectorError(f"{path} is nested deeper than the layout goes")
        children: dict[str, Group | np.ndarray] = {}
        for link in group:
            name = link.decode("ascii", "backslashreplace")
            below = f"{path.rstrip('/')}/{name}"
            self.objects += 1
            if self.objects > MOST_OBJECTS:
                raise VectorError(f"{below} is one object too many: {MOST_OBJECTS} are the most that a file may have")
            if not self.trusted and group.links.get_info(link).type != h5l.TYPE_HARD:
                raise VectorError(f"{below} is a link to elsewhere (soft or external), which no golden file has")
            node = h5o.open(group, link)
            if isinstance(node, h5d.DatasetID):
                children[name] = self.dataset(node, below)
            elif isinstance(node, h5g.GroupID):
                children[name] = self.group(node, below, depth + 1)
            else:
                raise VectorError(f"{below} is neither a group nor a dataset")
        return Group(children, attributes)

    def dataset(self, dataset: h5d.DatasetID, path: str) -> np.ndarray:
        creation = dataset.get_create_plist()
        if not self.trusted:
            _refuse_tricks(dataset, creation, path)
        dtype = _dtype(dataset.get_type(), path)
        space = dataset.get_space()
        shape = space.get_simple_extent_dims()
        if shape is None or space.get_simple_extent_type() == h5s.NULL:
            raise VectorError(f"{path} has no shape")
        if len(shape) != 1 or shape[0] > (LARGEST_CONTENTS if dtype == TEXT else LARGEST_FILE):
            raise VectorError(f"{path} declares the sizes {shape}, which are beyond any column")
        size = shape[0]
        if not size:
            return np.empty(shape, dtype)
        if creation.get_layout() == h5d.CHUNKED:
            return self.inflate(dataset, path, dtype, size)
        offset, length = dataset.get_offset(), size * dtype.itemsize
        if offset is None or dataset.get_storage_size() != length or offset + length > len(self.image):
            raise VectorError(f"{path} declares {length} bytes, which the file of {len(self.image)} does not hold")
        array = np.frombuffer(self.image, dtype, size, offset)
        if not array.flags.aligned:
            array = array.copy()
            array.flags.writeable = False
        return array

    def inflate(self, dataset: h5d.DatasetID, path: str, dtype: np.dtype, size: int) -> np.ndarray:
        """Read a column that is one chunk, shuffled and deflated. The HDF5 library only tells where the chunk lies."""
        length = size * dtype.itemsize
        self.inflated_bytes += length
        if self.inflated_bytes > LARGEST_FILE:
            raise VectorError(f"{path} is too large: {LARGEST_FILE} bytes are the most that a file may inflate to")
        chunk = dataset.get_chunk_info_by_coord((0,))
        if chunk.byte_offset is None or chunk.byte_offset + chunk.size > len(self.image):
            raise VectorError(f"{path} lacks its chunk, which the file of {len(self.image)} bytes does not hold")
        if chunk.filter_mask:
            raise VectorError(f"{path} has a chunk that leaves out a filter")
        try:
            return inflated(memoryview(self.image)[chunk.byte_offset :][: chunk.size], dtype, size)
        except ValueError as error:
            raise VectorError(f"{path} does not inflate to the {length} bytes that it declares: {error}") from None

    def attributes(self, node: h5g.GroupID, path: str) -> dict[str, int]:
        attributes: dict[str, int] = {}
        for index in range(h5a.get_num_attrs(node)):
            attribute = h5a.open(node, index=index)
            name = attribute.name.decode("ascii", "backslashreplace")
            where = f"attribute {name} of {path}"
            if attribute.shape != () or attribute.get_space().get_simple_extent_type() != h5s.SCALAR:
                raise VectorError(f"{where} is no scalar")
            if not attribute.get_type().equal(h5t.STD_I64LE):
                raise VectorError(f"{where} is no integer of 64 bits")
            value = np.zeros((), "<i8")
            attribute.read(value, mtype=h5t.STD_I64LE)
            attributes[name] = value.item()
        return attributes


def _refuse_tricks(dataset: h5d.DatasetID, creation: h5p.PropDCID, path: str) -> None:
    """Raise VectorError unless a dataset lies within the file, contiguous or as one chunk, shuffled and deflated."""
    if h5a.get_num_attrs(dataset):
        raise VectorError(f"{path} has attributes, and none is of the layout")
    layout = creation.get_layout()
    if layout == h5d.VIRTUAL:
        raise VectorError(f"{path} is a virtual dataset, whose values lie in other files")
    if creation.get_external_count():
        raise VectorError(f"{path} keeps its values in an external file")
    filters = [creation.get_filter(index) for index in range(creation.get_nfilters())]  # (code, flags, values, name)
    if layout == h5d.CONTIGUOUS and not filters:
        return
    if layout != h5d.CHUNKED or creation.get_chunk() != dataset.shape:
        raise VectorError(f"{path} is compact or in several chunks, where a contiguous dataset or one chunk is due")
    codes, size = [code for code, *_ in filters], dataset.get_type().get_size()
    if codes != [h5z.FILTER_SHUFFLE, h5z.FILTER_DEFLATE] or filters[0][2] != (size,):
        raise VectorError(f"{path} is a chunk of other filters than shuffle, by the elements' size, and deflate")


def _dtype(kind: h5t.TypeID, where: str) -> np.dtype:
    """Return the NumPy dtype of an HDF5 type. Raises VectorError unless it is a known number."""
    if kind.committed():
        raise VectorError(f"{where} has a committed type, where it should have one of its own")
    for stored, dtype in _NUMBERS:
        if kind.equal(stored):
            return dtype
    raise VectorError(f"{where} has a type that no golden file has (strings, records, references, other numbers)")


def tree_image(tree: Group) -> bytes:
    """Return the bytes of an HDF5 file that holds a tree: the same tree gives the same bytes. No file is written, which
    the HDF5 library would not survive on a full disk."""
    image = BytesIO(_EMPTY_FILE)
    with h5py.File(image, "r+", libver=("v108", "v108")) as file:
        _save_group(file.id, tree)
    return image.getvalue()


def _save_group(group: h5g.GroupID, tree: Group) -> None:
    for name, value in sorted(tree.attributes.items()):
        attribute = h5a.create(group, name.encode(), h5t.STD_I64LE, h5s.create(h5s.SCALAR))
        attribute.write(np.array(value, "<i8"), mtype=h5t.STD_I64LE)
    for name, child in sorted(tree.children.items()):
        if isinstance(child, Group):
            creation = h5p.create(h5p.GROUP_CREATE)
            creation.set_obj_track_times(False)
            _save_group(h5g.create(group, name.encode(), gcpl=creation), child)
        else:
            _save_dataset(group, name, child)


def _save_dataset(group: h5g.GroupID, name: str, array: np.ndarray) -> None:
    creation = h5p.create(h5p.DATASET_CREATE)
    creation.set_obj_track_times(False)
    if chunk := _chunk(array):
        creation.set_chunk(array.shape)
        creation.set_shuffle()
        creation.set_deflate(LEVEL)
    else:
        creation.set_layout(h5d.CONTIGUOUS)
    kind = next(stored for stored, number in _NUMBERS if number == array.dtype)
    dataset = h5d.create(group, name.encode(), kind, h5s.create_simple(array.shape), creation)
    if chunk:
        dataset.write_direct_chunk((0,), chunk)
    elif array.size:
        dataset.write(h5s.ALL, h5s.ALL, array, mtype=kind)


def _chunk(array: np.ndarray) -> bytes:
    """Deflate a column where the file gets smaller by it; else return no bytes."""
    chunk = deflated(array) if array.size else b""
    return chunk if len(chunk) + _CHUNK_INDEX < array.nbytes else b""
