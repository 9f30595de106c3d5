"""The providers' own icons, from mingrammer's `diagrams`, small enough to be embedded.

This is the only module that imports `diagrams`. It uses its node classes as a catalogue of pictures, by
the dotted path a component carries ("aws.compute.ElasticContainerService"); the graph itself we lay out
and draw, because diagrams refers to its pictures by absolute path, and gives nodes random ids.
"""

from __future__ import annotations

import base64
import importlib
import re
import struct
import zlib
from functools import lru_cache
from pathlib import Path

import diagrams
from PIL import Image

__all__ = ["GENERIC", "data_uri", "resolve"]

GENERIC = "generic.Generic"
"""What stands in for an icon that `diagrams` does not have."""

_BLANK = "generic.blank.Blank"
"""An icon of `diagrams` that shows nothing; on a card it would look like one that failed to load."""

_PIXELS = 72
_COLOURS = 32
_DOTTED = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)?\.[A-Za-z0-9_]+")


@lru_cache(maxsize=1024)
def resolve(icon: str) -> str:
    """`icon` if `diagrams` has a picture for it, else GENERIC. Never raises."""
    return icon if _file(icon) is not None else GENERIC


@lru_cache(maxsize=256)
def data_uri(icon: str) -> str:
    """The picture of `icon`, or of GENERIC if there is none, as a `data:` URI of a 72 x 72 PNG.

    The same icon gives the same bytes on every machine that has the same Pillow and diagrams.
    """
    file = _file(icon) or _file(GENERIC)
    return "data:image/png;base64," + base64.b64encode(_shrink(file)).decode("ascii") if file else ""


def _file(icon: str) -> Path | None:
    """The picture file behind a dotted class path below `diagrams`, or None."""
    if icon == _BLANK or not _DOTTED.fullmatch(icon):
        return None
    module, _, name = icon.rpartition(".")
    try:
        node = getattr(importlib.import_module(f"diagrams.{module}"), name)
    except (ImportError, AttributeError):
        return None
    if not (isinstance(node, type) and issubclass(node, diagrams.Node)):
        return None
    folder, picture = getattr(node, "_icon_dir", None), getattr(node, "_icon", None)
    file = Path(diagrams.__file__).parent.parent / str(folder) / str(picture)
    return file if folder and picture and file.is_file() else None


def _shrink(file: Path) -> bytes:
    """The picture at twice its displayed size, centred in a square, in a palette of 32 colours."""
    with Image.open(file) as picture:
        source = picture.convert("RGBA")
    source.thumbnail((_PIXELS, _PIXELS), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (_PIXELS, _PIXELS), (255, 255, 255, 0))
    square.paste(source, ((_PIXELS - source.width) // 2, (_PIXELS - source.height) // 2))
    return _png(square.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE))


def _png(picture: Image.Image) -> bytes:
    """A palette picture as PNG.

    Written here rather than by Pillow, because Pillow's wheels carry zlib or zlib-ng by platform and the
    two compress the same pixels to different bytes.
    """
    palette = picture.getpalette("RGBA") or []
    colours = [palette[at : at + 4] for at in range(0, len(palette), 4)]
    pixels = picture.tobytes()
    rows = b"".join(b"\0" + pixels[at : at + picture.width] for at in range(0, len(pixels), picture.width))
    header = struct.pack(">IIBBBBB", picture.width, picture.height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", b"".join(bytes(colour[:3]) for colour in colours)),
        (b"tRNS", bytes(colour[3] for colour in colours)),
        (b"IDAT", _deflate(rows)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk: length, kind, body, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


# RFC 1951, 3.2.5: the smallest length or distance of each code, and how many extra bits follow it.
_LENGTHS = (
    (3, 0), (4, 0), (5, 0), (6, 0), (7, 0), (8, 0), (9, 0), (10, 0), (11, 1), (13, 1), (15, 1), (17, 1), (19, 2),
    (23, 2), (27, 2), (31, 2), (35, 3), (43, 3), (51, 3), (59, 3), (67, 4), (83, 4), (99, 4), (115, 4), (131, 5),
    (163, 5), (195, 5), (227, 5), (258, 0),
)  # fmt: skip
_DISTANCES = tuple((1 + at, 0) for at in range(4)) + tuple(
    ((2 + odd << extra) + 1, extra) for extra in range(1, 14) for odd in (0, 1)
)
_LONGEST_MATCH = 258
_TRIES = 24


class _Bits:
    """Bits packed as deflate wants them: least significant first."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0
        self._bytes = bytearray()

    def number(self, value: int, count: int) -> None:
        """Append the lowest `count` bits of `value`."""
        self._value |= value << self._count
        self._count += count
        while self._count >= 8:
            self._bytes.append(self._value & 255)
            self._value >>= 8
            self._count -= 8

    def huffman(self, symbol: int) -> None:
        """Append a literal or length symbol in deflate's fixed code."""
        if symbol < 144:
            code, count = 48 + symbol, 8
        elif symbol < 256:
            code, count = 400 + symbol - 144, 9
        elif symbol < 280:
            code, count = symbol - 256, 7
        else:
            code, count = 192 + symbol - 280, 8
        self.number(_reverse(code, count), count)

    def finish(self) -> bytes:
        """All bytes, the last one filled with zeros."""
        return bytes(self._bytes) + (bytes([self._value & 255]) if self._count else b"")


def _reverse(code: int, count: int) -> int:
    """The lowest `count` bits of `code`, back to front."""
    return int(format(code, f"0{count}b")[::-1], 2)


def _deflate(data: bytes) -> bytes:
    """`data` as a zlib stream of one block in the fixed Huffman code: plain, and the same everywhere."""
    bits = _Bits()
    bits.number(0b011, 3)
    seen: dict[bytes, list[int]] = {}
    at = 0
    while at < len(data):
        length, distance = _match(data, at, seen.get(data[at : at + 3], ()))
        if length:
            _write_match(bits, length, distance)
        else:
            bits.huffman(data[at])
        for passed in range(at, at + max(length, 1)):
            seen.setdefault(data[passed : passed + 3], []).append(passed)
        at += max(length, 1)
    bits.huffman(256)
    return b"\x78\x01" + bits.finish() + struct.pack(">I", zlib.adler32(data))


def _match(data: bytes, at: int, earlier: list[int] | tuple[()]) -> tuple[int, int]:
    """The longest repeat at `at` of something seen `earlier`: its length and distance, or (0, 0)."""
    best, distance = 0, 0
    longest = min(_LONGEST_MATCH, len(data) - at)
    for start in reversed(earlier[-_TRIES:]):
        length = 0
        while length < longest and data[start + length] == data[at + length]:
            length += 1
        if length > best:
            best, distance = length, at - start
    return (best, distance) if best >= 3 else (0, 0)


def _write_match(bits: _Bits, length: int, distance: int) -> None:
    """Write one (length, distance) pair."""
    code = max(at for at, (least, _) in enumerate(_LENGTHS) if least <= length)
    bits.huffman(257 + code)
    bits.number(length - _LENGTHS[code][0], _LENGTHS[code][1])
    code = max(at for at, (least, _) in enumerate(_DISTANCES) if least <= distance)
    bits.number(_reverse(code, 5), 5)
    bits.number(distance - _DISTANCES[code][0], _DISTANCES[code][1])
