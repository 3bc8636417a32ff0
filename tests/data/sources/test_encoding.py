from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwell.data.sources.encoding import EncodingProblem, text_of
from trainwell.data.sources.table import decode_text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_survives(encoding: str, text: str) -> None:
    given_text = text.removeprefix("\ufeff")  # a mark at the start is not text
    assert text_of(given_text.encode(encoding)) == given_text


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_the_first_wrong_byte_is_named_with_its_offset_in_the_file(mark: bytes) -> None:
    with pytest.raises(EncodingProblem) as caught:
        text_of(mark + b"ab\ncd\xe9f")
    assert (caught.value.offset, caught.value.byte) == (len(mark) + 5, 0xE9)


def test_a_nul_byte_is_binary_data() -> None:
    with pytest.raises(EncodingProblem) as caught:
        text_of(b"ab\0")
    assert (caught.value.offset, caught.value.byte) == (2, 0)


def test_a_table_with_a_byte_order_mark_names_the_wrong_byte() -> None:
    with pytest.raises(Exception, match=r"line 2: must be UTF-8 text, got the byte 0xe9"):
        decode_text(codecs.BOM_UTF8 + b"a,b\n1,\xe9\n", "t.csv")
