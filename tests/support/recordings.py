"""WAVs and zip archives that the tests make in memory."""

import io
import struct
import zipfile
from collections.abc import Iterable, Mapping

PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


def chunk(kind: bytes, body: bytes) -> bytes:
    """One RIFF chunk with its padding."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def pcm(rate: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    """The body of a format chunk."""
    block = channels * bits // 8
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits)


def extensible(rate: int = 16_000, guid: bytes = PCM_GUID) -> bytes:
    """The body of a format chunk in the extensible form."""
    return pcm(rate, tag=0xFFFE) + struct.pack("<HHI", 22, 16, 4) + guid


def riff(*chunks: bytes) -> bytes:
    """A RIFF file of kind WAVE."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav(seconds: float = 1, rate: int = 16_000) -> bytes:
    """Silence that the service accepts."""
    return riff(chunk(b"fmt ", pcm(rate)), chunk(b"data", bytes(2 * int(seconds * rate))))


def zipped(files: Mapping[str, bytes | str] | Iterable[tuple[str, bytes | str]]) -> bytes:
    """A deflated archive of the files, in their order."""
    pairs = files.items() if isinstance(files, Mapping) else files
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in pairs:
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
