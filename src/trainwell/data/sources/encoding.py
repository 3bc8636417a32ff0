"""Bytes of a file as text: UTF-8 or UTF-16, and where it is neither."""

from __future__ import annotations

import codecs


class EncodingProblem(Exception):
    """Bytes that are not text.

    Args:
        offset: of the first wrong byte.
        byte: its value; 0 marks binary data.
    """

    def __init__(self, offset: int, byte: int) -> None:
        super().__init__(f"byte 0x{byte:02x} at offset {offset}")
        self.offset = offset
        self.byte = byte


def text_of(data: bytes) -> str:
    r"""Return UTF-8 bytes, or UTF-16 bytes with a byte order mark, as text without the mark.

    Raises:
        EncodingProblem: for other bytes, and for UTF-8 with a NUL byte.

    >>> text_of(b"\xef\xbb\xbfone"), text_of("one".encode("utf-16"))
    ('one', 'one')
    """
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
        mark = 0
    else:
        encoding = "utf-8-sig"
        mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
        if (at := data.find(b"\0")) >= 0:
            raise EncodingProblem(at, 0)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as problem:
        at = problem.start + mark  # the codec counts from after the mark
        raise EncodingProblem(at, data[at]) from None
