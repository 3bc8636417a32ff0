"""Five small data sets that come with scikit-learn.

Their files are read directly: importing `sklearn.datasets` would cost 1.4 s, reading digits costs 15 ms.
"""

from __future__ import annotations

import gzip
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainwell.core.catalogue import Catalogue
from trainwell.core.errors import DataError
from trainwell.core.targets import CLASSES, NUMBERS
from trainwell.data.examples import Examples
from trainwell.data.kinds import KINDS
from trainwell.data.values.missing import Array
from trainwell.data.values.naming import numbered
from trainwell.data.values.table import Table

_IRIS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
_WINE = (
    *("alcohol", "malic_acid", "ash", "alcalinity_of_ash", "magnesium", "total_phenols", "flavanoids"),
    *("nonflavanoid_phenols", "proanthocyanins", "color_intensity", "hue", "od280/od315_of_diluted_wines", "proline"),
)
_CELL = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points"),
    *("symmetry", "fractal dimension"),
)
_CANCER = tuple(form.format(of) for form in ("mean {}", "{} error", "worst {}") for of in _CELL)
_DIABETES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def digits() -> Examples:
    """Read 1,797 images of handwritten digits, 8 x 8, 10 classes; grey levels 0 to 16 become 0 to 255."""
    numbers = _numbers("digits.csv.gz", ",")
    grey = np.round(numbers[:, :-1] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)
    classes = numbers[:, -1].astype(np.int64)
    return Examples(
        name="digits",
        kind=KINDS["image"],
        inputs=grey,
        targets=classes,
        target_type=CLASSES,
        ids=numbered("row", len(grey)),
        labels=tuple(map(str, range(10))),
    )


def iris() -> Examples:
    """Read 150 flowers of 3 species by 4 lengths (Fisher 1936)."""
    return _classified("iris", _IRIS)


def wine() -> Examples:
    """Read 178 wines of 3 growers by 13 chemical measures."""
    return _classified("wine_data", _WINE)


def breast_cancer() -> Examples:
    """Read 569 tumours, malignant or benign, by 30 measures of their cells."""
    return _classified("breast_cancer", _CANCER)


def diabetes() -> Examples:
    """Read 442 patients by 10 measures, as measured; the target is the disease's progress one year later."""
    numbers = _numbers("diabetes_data_raw.csv.gz", " ")
    progress = _numbers("diabetes_target.csv.gz", " ")
    return Examples(
        name="diabetes",
        kind=KINDS["table"],
        inputs=_table(numbers, _DIABETES),
        targets=progress.reshape(-1).astype(np.float32),
        target_type=NUMBERS,
        ids=numbered("row", len(numbers)),
        features=_DIABETES,
    )


BUNDLED: Catalogue[Callable[[], Examples]] = Catalogue(
    "bundled data set",
    {"digits": digits, "iris": iris, "wine": wine, "breast-cancer": breast_cancer, "diabetes": diabetes},
)


def with_target(examples: Examples) -> Table:
    """Return the columns of a bundled table, the last one its target.

    >>> list(with_target(iris()).columns)[3:], with_target(iris()).columns["target"][0]
    (['petal width (cm)', 'target'], 'setosa')
    """
    columns = dict(examples.inputs.columns) if isinstance(examples.inputs, Table) else {}
    names = np.array(examples.labels, dtype=object)
    return Table({**columns, "target": names[examples.targets] if len(names) else examples.targets.astype(np.float64)})


def _classified(name: str, features: tuple[str, ...]) -> Examples:
    """Read a table whose first line is: rows, columns, then the names of the classes; the last column is the class."""
    header, _, body = _text(f"{name}.csv").partition("\n")
    labels = tuple(header.split(",")[2:])
    numbers = np.loadtxt(io.StringIO(body), delimiter=",", dtype=np.float64)
    return Examples(
        name=name.removesuffix("_data").replace("_", "-"),
        kind=KINDS["table"],
        inputs=_table(numbers[:, :-1], features),
        targets=numbers[:, -1].astype(np.int64),
        target_type=CLASSES,
        ids=numbered("row", len(numbers)),
        labels=labels,
        features=features,
    )


def _table(numbers: NDArray[np.float64], features: tuple[str, ...]) -> Table:
    columns: dict[str, Array] = {name: numbers[:, i].copy() for i, name in enumerate(features)}
    return Table(columns)


def _numbers(file: str, delimiter: str) -> NDArray[np.float64]:
    return np.loadtxt(io.StringIO(_text(file)), delimiter=delimiter, dtype=np.float64)


def _text(file: str) -> str:
    package = importlib.util.find_spec("sklearn")
    path = Path((package.submodule_search_locations or [""])[0] if package else "") / "datasets" / "data" / file
    opener: Any = gzip.open if file.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            return str(stream.read())
    except OSError as problem:
        raise DataError(f"{file} must come with scikit-learn, got: {problem}. Install scikit-learn again.") from None
