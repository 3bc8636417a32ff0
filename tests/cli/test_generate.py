"""trainwell fit book.txt and trainwell generate."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tokenizers", reason="sequences of tokens need the package tokenizers")


def test_a_text_is_learned_and_continued(cli, tmp_path) -> None:
    random = np.random.default_rng(0)
    lines = [f"{'the cat' if random.random() < 0.5 else 'a dog'} sat down.\n" for _ in range(300)]
    (tmp_path / "book.txt").write_text("".join(lines))
    small = ["--set", "nn.hidden=[16]", "--set", "nn.embedding=8"]
    done = cli("fit", "book.txt", "--epochs", 2, "--name", "r", *small)
    assert done.code == 0
    assert "read as characters in windows of 64: language model" in done.err
    assert "Split in the order of the text" in done.err
    assert "bits per character" in done.out and "bigram" in done.out
    assert "trainwell generate runs/r" in done.out
    report = (tmp_path / "runs" / "r" / "report.html").read_text()
    assert "bigram" in report and "Confusion matrix" not in report

    done = cli("generate", "r", "--prompt", "the cat", "--length", 20)
    assert done.code == 0 and done.out.startswith("the cat") and done.err == ""
    assert len(done.out) == len("the cat") + 20 + 1
    assert cli("generate", "r", "--prompt", "the cat", "--length", 20).out == done.out
    greedy = ["generate", "r", "--temperature", 0, "--length", 9, "--json"]
    found = cli(*greedy).json
    assert found["text"] == cli(*greedy, "--seed", 5).json["text"] and found["tokens"] == 9
    strange = cli("generate", "r", "--prompt", "Ü", "--length", 5, "--top-k", 3, "--top-p", 0.9, "--json")
    assert strange.json["unknown"] == ["Ü"] and "not in the vocabulary, read as <unk>: 'Ü'" in strange.err

    assert "first 80% to train" in cli("audit", "book.txt", "--no-labels").out.replace("\n  ", " "), "as fit splits"
    assert cli("show-batch", "book.txt").code == 0
    refused = cli("predict", "r", "book.txt")
    assert refused.code == 2 and "trainwell generate RUN" in refused.err
    assert cli("generate", "r", "--top-p", 2).code == 2
