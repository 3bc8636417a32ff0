from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwell.core.errors import DataError, TrainwellError
from trainwell.data.examples import Examples
from trainwell.data.sources.table import read_rows, read_table
from trainwell.data.values.table import Table
from trainwell.recipe.sections import DataRecipe

SHARED = Path(__file__).parents[4] / "shared" / "data" / "tabular"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data/tabular beside the project")


def read(tmp_path: Path, content: str | bytes, **settings: object) -> Examples:
    path = tmp_path / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, DataRecipe(source=str(path), **settings))  # type: ignore[arg-type]


def columns(examples: Examples) -> dict[str, list[object]]:
    assert isinstance(examples.inputs, Table)
    return {name: values.tolist() for name, values in examples.inputs.columns.items()}


PLAIN = "age,town,paid\n30,Rome,yes\n41.5,Oslo,no\n7,Rome,yes\n9,Oslo,no\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", " , "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\n\n"),
        PLAIN.rstrip("\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace("Rome", '"Rome"'),
    ],
    ids=[
        "comma",
        "semicolon",
        "tab",
        "bar",
        "spaces",
        "CRLF",
        "blank lines",
        "no last newline",
        "BOM",
        "UTF-16",
        "quotes",
    ],
)
def test_the_same_table_written_in_many_ways(content: str | bytes, tmp_path: Path) -> None:
    examples = read(tmp_path, content)
    assert columns(examples) == {"age": [30, 41.5, 7, 9], "town": ["Rome", "Oslo", "Rome", "Oslo"]}
    assert (examples.target_type, examples.labels, examples.targets.tolist()) == (
        "classes",
        ("no", "yes"),
        [1, 0, 1, 0],
    )
    assert examples.features == ("age", "town")
    assert examples.remarks == ("Target 'paid' has 2 different values: binary classification.",)


def test_cells_may_hold_delimiters_newlines_and_quotes(tmp_path: Path) -> None:
    examples = read(tmp_path, 'note,y\n"a, ""b""\nc",1\nplain,0\nx,1\nx,0\n')
    assert columns(examples)["note"] == ['a, "b"\nc', "plain", "x", "x"]
    assert tuple(examples.ids) == ("line 2", "line 4", "line 5", "line 6")


def test_missing_values(tmp_path: Path) -> None:
    tokens = ["", "?", "NA", "n/a", "NaN", "null", "None", "#N/A", "<NA>"]
    rows = "".join(f"{token},{token},{i % 2}\n" for i, token in enumerate(tokens))
    examples = read(tmp_path, f"age,town,y\n1,Rome,1\n{rows}")
    assert columns(examples)["town"] == ["Rome", *[None] * len(tokens)]
    assert all(math.isnan(value) for value in columns(examples)["age"][1:])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("1,2,0\n3,4,1\n5,6,0\n", False),
        ("a,b,c\n1,2,0\n3,4,1\n", True),
        ("a,b,y\nred,big,yes\nblue,small,no\nred,small,no\n", True),
        ("red,big,yes\nblue,small,no\nred,small,no\n", False),
        (",b,y\n1,2,0\n3,4,1\n", True),
        ("x,?,1\ny,2,0\nx,3,1\n", False),
        ("a,b,y\n?,?,yes\n?,?,no\n", True),
        ("0,1,2,target\n1.5,2,3,0\n4,5,6.5,1\n", True),
        (",0,1,target\n0,2,3,0\n1,5,6.5,1\n", True),
        ("country,2019,2020,growth\nNorway,1,2,3\nPeru,2,3,4\n", True),
        ("0,1,2,3\n1.5,2,3,0\n4,5,6.5,1\n", True),
        ("0,1,1\n0,0,0\n1,1,0\n", False),
        ("1,5;2;0\n3;4;1\n", False),
    ],
)
def test_the_header_is_found_out(content: str, header: bool, tmp_path: Path) -> None:
    examples = read(tmp_path, content)
    assert any("has no header" in remark for remark in examples.remarks) is not header
    assert len(examples) == content.count("\n") - header


@pytest.mark.parametrize(
    ("settings", "target", "features"),
    [
        ({}, "paid", ("age", "town")),
        ({"target": "town"}, "town", ("age", "paid")),
        ({"target": "1"}, "town", ("age", "paid")),
        ({"target": "-2"}, "town", ("age", "paid")),
        ({"target": "-1", "drop": ("age",)}, "paid", ("town",)),
        ({"group": "town"}, "paid", ("age",)),
    ],
)
def test_columns_are_chosen(
    settings: dict[str, object], target: str, features: tuple[str, ...], tmp_path: Path
) -> None:
    examples = read(tmp_path, PLAIN, **settings)
    assert examples.features == features
    assert f"Target {target!r}" in examples.remarks[0]


def test_a_header_of_numbers_is_said(tmp_path: Path) -> None:
    examples = read(tmp_path, "country,2019,y\nNorway,1,3\nPeru,2,4\n")
    assert columns(examples)["2019"] == [1, 2]
    assert "The first line of data.csv is its header, though '2019' in it is a number." in examples.remarks


def test_labels_and_groups_keep_the_zeros_they_begin_with(tmp_path: Path) -> None:
    examples = read(tmp_path, "a,g,y\n1,1,007\n2,01,7\n3,1,00123\n4,1,007\n", group="g")
    assert examples.labels == ("00123", "007", "7") and examples.targets.tolist() == [1, 2, 0, 1]
    assert examples.groups is not None and examples.groups.tolist() == [1, 0, 1, 1]


def test_groups_are_numbered(tmp_path: Path) -> None:
    examples = read(tmp_path, PLAIN, group="town")
    assert examples.groups is not None and examples.groups.tolist() == [1, 0, 1, 0]
    assert "Rows with equal values of column 'town' are kept in one split; it is not an input." in examples.remarks


def test_a_number_target_is_regressed(tmp_path: Path) -> None:
    examples = read(tmp_path, PLAIN, target="age")
    assert (examples.target_type, examples.targets.dtype) == ("numbers", np.float32)


def test_a_column_that_is_nearly_numbers_is_named(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i % 2}\n" for i in range(20))
    examples = read(tmp_path, f"size,y\n{rows}12o,1\n1_000,0\n")
    assert columns(examples)["size"][-1] == "1_000"
    assert "Column 'size' is text because of cells like '12o': line 22, line 23 (2 of 22)." in examples.remarks


@pytest.mark.parametrize("delimiter", [":", " ", "tab", "\\t"])
def test_a_delimiter_can_be_given(delimiter: str, tmp_path: Path) -> None:
    written = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter)
    assert columns(read(tmp_path, PLAIN.replace(",", written), delimiter=delimiter))["age"] == [30, 41.5, 7, 9]


def test_a_comma_in_numbers_does_not_win_over_the_delimiter(tmp_path: Path) -> None:
    assert columns(read(tmp_path, "a;b;y\n1,5;2;0\n2,5;3;1\n3;4;1\n"))["b"] == [2, 3, 4]


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("a;b;y\n1,5;2,25;x\n2;,5;z\n", {"a": [1.5, 2], "b": [2.25, 0.5]}),
        ("1,5;-2,25e3;x\n2;3;z\n", {"x0": [1.5, 2], "x1": [-2250, 3]}),
        ("a;b;y\n1,234;1.5;x\n2,5;2,5;z\n", {"a": [1.234, 2.5], "b": ["1.5", "2,5"]}),
        ("a\tb\ty\n1,234\t1,5\tx\n999\t2,5\tz\n", {"a": ["1,234", "999"], "b": [1.5, 2.5]}),
    ],
)
def test_decimal_commas(content: str, first: dict[str, list[object]], tmp_path: Path) -> None:
    examples = read(tmp_path, content)
    assert columns(examples) == first
    assert any(remark.startswith("Commas are decimal points: ") for remark in examples.remarks)


BROKEN: dict[str, tuple[str | bytes, dict[str, object], str]] = {
    "empty": ("", {}, "data.csv is empty"),
    "white": (" \n\n", {}, "data.csv is empty"),
    "only quotes": ('""\n\n""\n', {}, "data.csv is empty"),
    "header only": ("a,b,y\n", {}, "data.csv has a header but no rows"),
    "single column": ("a\n1\n2\n", {}, "got the single column 'a' with every delimiter tried"),
    "wrong delimiter": (PLAIN, {"delimiter": ";"}, "got the single column 'age,town,paid' with ';'"),
    "impossible delimiter": (PLAIN, {"delimiter": "ab"}, "data.delimiter must be one character or 'tab', got 'ab'"),
    "ragged": ("a,b,y\n1,2,0\n3,4\n5,6,1\n", {}, "data.csv, line 3: must have 3 cells as in line 1, got 2"),
    "ragged later": (
        "a,b,y\n" + "1,2,0\n" * 200 + "1,2,3,4\n",
        {},
        "data.csv, line 202: must have 3 cells as in line 1, got 4",
    ),
    "unclosed quote": ('a,b,y\n1,2,0\n"3,4,1\n5,6,0\n', {}, "data.csv, line 3: a quote opens here and never closes"),
    "huge cell": ('a,b,y\n1,2,"' + "x" * 200_000, {}, "data.csv, line 2: field larger than field limit"),
    "NUL": (b"a,b,y\n1,2,0\n1,\0,1\n", {}, "data.csv, line 3: must be text, got a NUL byte"),
    "latin-1": (
        "a,b,y\n1,2,0\nü,4,1\n".encode("latin-1"),
        {},
        "data.csv, line 3: must be UTF-8 text, got the byte 0xfc",
    ),
    "twice": ("a,b,a,y\n1,2,3,0\n4,5,6,1\n", {}, "columns 0 and 2 (counted from 0) are both called 'a'"),
    "no such target": (
        PLAIN,
        {"target": "payd"},
        "data.target must name a column of data.csv, got 'payd'. Did you mean 'paid'?",
    ),
    "target out of range": (PLAIN, {"target": "3"}, "data.target must name a column of data.csv, got '3'."),
    "no such drop": (
        PLAIN,
        {"drop": ("agee",)},
        "data.drop must name a column of data.csv, got 'agee'. Did you mean 'age'?",
    ),
    "no such group": (PLAIN, {"group": "x"}, "data.group must name a column"),
    "target dropped": (PLAIN, {"drop": ("paid",)}, "must leave the target and at least one input column"),
    "all dropped": (PLAIN, {"drop": ("age", "town")}, "must leave the target and at least one input column"),
    "missing target": (
        "a,y\n1,x\n2,\n3,?\n4,z\n",
        {},
        "Target 'y' is missing in line 3, line 4 (2 of 4)",
    ),
    "missing group": (
        "a,g,y\n1,,0\n2,b,1\n",
        {"group": "g"},
        "Group 'g' must be known for every row, but is missing in line 2",
    ),
    "infinite": (
        "a,y\n1,0\ninf,1\n-inf,0\n",
        {},
        "Column 'a' of data.csv must contain finite numbers (at most 3.4e38), got larger ones in line 3, line 4 (2 of 3)",
    ),
    "infinite target": ("a,y\n1,0.5\n2,inf\n", {}, "Target 'y' must be finite, got infinity in line 3"),
    "one class": ("a,y\n1,x\n2,x\n", {}, "data.csv has a single class, 'x'"),
    "HTML": ("<html>\n<body>\n</body>\n</html>\n", {}, "single column"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_said_in_one_sentence(case: str, tmp_path: Path) -> None:
    content, settings, sentence = BROKEN[case]
    with pytest.raises(DataError) as error:
        read(tmp_path, content, **settings)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@given(content=st.binary(max_size=300) | st.text("ab1,;\t|\"'\n\r ?.-", max_size=200).map(str.encode))
def test_any_bytes_give_examples_or_a_sentence(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    try:
        read_table(path, DataRecipe())
    except TrainwellError as problem:
        assert str(problem)


def test_names_in_messages_cannot_steer_a_terminal(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read(tmp_path, "a,\x1b[31mb\n1,\n2,\n")
    assert "\x1b" not in str(error.value)


def test_rows_without_a_target_for_prediction(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("age,town\n30,Rome\n")
    rows = read_rows(tmp_path / "new.csv")
    assert rows.table.columns["age"].tolist() == [30] and rows.ids == ("line 2",)
    (tmp_path / "one.csv").write_text("age\n30\n")
    assert list(read_rows(tmp_path / "one.csv").table.columns) == ["age"]


@pytest.mark.parametrize("content", ["1,code\n30,007\n", "1;code\n30;007\n"])
def test_columns_are_read_as_they_were_learned(content: str, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(content)
    rows = read_rows(tmp_path / "new.csv", known={"code": False, "1": True})
    assert {name: values.tolist() for name, values in rows.table.columns.items()} == {"1": [30], "code": ["007"]}
    (tmp_path / "new.csv").write_text("0,1\n5,6\n")
    assert len(read_rows(tmp_path / "new.csv", known={"0": True, "1": True}).ids) == 1


polars = pytest.importorskip("polars", reason="Parquet needs the package polars")


def parquet(path: Path, **values: object) -> Path:
    polars.DataFrame(values).write_parquet(path)
    return path


def test_parquet(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "data.parquet",
        age=[30, None, 7, 9],
        size=[1.5, 2.5, float("nan"), 0.5],
        town=["Rome", None, "Oslo", "?"],
        member=[True, False, None, True],
        paid=["yes", "no", "yes", "no"],
    )
    examples = read_table(path, DataRecipe())
    found = columns(examples)
    assert found["town"] == ["Rome", None, "Oslo", None]
    assert found["member"] == ["true", "false", None, "true"]
    assert math.isnan(found["age"][1]) and math.isnan(found["size"][2])  # type: ignore[arg-type]
    assert (examples.labels, tuple(examples.ids)[0]) == (("no", "yes"), "row 0")


def test_parquet_that_cannot_be_used(tmp_path: Path) -> None:
    path = parquet(tmp_path / "nested.parquet", a=[[1], [2]], y=[0, 1])
    with pytest.raises(
        DataError, match=r"Column 'a' of nested.parquet must contain numbers, text or booleans, got List"
    ):
        read_table(path, DataRecipe())
    path = parquet(tmp_path / "nested.parquet", a=[[1], [2]], b=[1, 2], y=[0, 1])
    assert read_table(path, DataRecipe(drop=("a",))).features == ("b",)
    with pytest.raises(DataError, match="drop it with data.drop"):
        read_rows(path).require(["b", "a"])
    path = parquet(tmp_path / "cut.parquet", a=list(range(100)), y=[0, 1] * 50)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:40] + b"\xff" * 20 + whole[60:], b"PAR1"):
        path.write_bytes(damaged)
        with pytest.raises(DataError):
            read_table(path, DataRecipe())


@needs_shared
@pytest.mark.parametrize(
    ("file", "target", "rows", "inputs", "task", "classes"),
    [
        ("adult-train.csv", "", 32561, 14, "classes", 2),
        ("winequality-red.csv", "", 1599, 11, "classes", 6),
        ("mammography.csv", "", 11183, 6, "classes", 2),
        ("creditcard-fraud-3265.csv", "", 3265, 30, "classes", 2),
        ("german.csv", "", 1000, 20, "classes", 2),
        ("horse-colic.csv", "", 300, 27, "classes", 2),
        ("abalone.csv", "", 4177, 8, "numbers", 0),
        ("letter-recognition.data", "0", 20000, 16, "classes", 26),
        ("california-housing.csv", "median_house_value", 20640, 9, "numbers", 0),
        ("titanic.csv", "survived", 891, 14, "classes", 2),
        ("penguins.csv", "species", 344, 6, "classes", 3),
        ("diamonds.csv", "cut", 53940, 9, "classes", 5),
    ],
)
def test_real_tables(file: str, target: str, rows: int, inputs: int, task: str, classes: int) -> None:
    examples = read_table(SHARED / file, DataRecipe(target=target))
    assert (len(examples), len(examples.features), examples.target_type, len(examples.labels)) == (
        rows,
        inputs,
        task,
        classes,
    )


@needs_shared
def test_missing_cells_of_real_tables_are_counted() -> None:
    examples = read_table(SHARED / "california-housing.csv", DataRecipe(target="median_house_value"))
    assert sum(math.isnan(value) for value in columns(examples)["total_bedrooms"]) == 207  # type: ignore[arg-type]
    adult = columns(read_table(SHARED / "adult-train.csv", DataRecipe()))
    assert sum(value is None for value in adult["x1"]) == 1836


REVIEWS = "stars,review,label\n1,a dull film,bad\n5,a fine film,good\n2,what a bore,bad\n4,I liked it,good\n"


def test_a_column_of_texts_is_read_as_sequences_on_request(tmp_path: Path) -> None:
    examples = read(tmp_path, REVIEWS, text="review", target="label")
    assert examples.kind.name == "text" and list(examples.inputs)[3] == "I liked it"
    assert examples.features == () and any("'review' is read as sequences" in remark for remark in examples.remarks)


@pytest.mark.parametrize(
    ("column", "sentence"), [("stars", "got 'stars', which contains numbers"), ("reviews", "Did you mean .review.")]
)
def test_a_column_that_holds_no_texts_is_refused(tmp_path: Path, column: str, sentence: str) -> None:
    with pytest.raises(TrainwellError, match=sentence):
        read(tmp_path, REVIEWS, text=column, target="label")
