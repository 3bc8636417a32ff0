"""trainwell generate: sample text from a language model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trainwell.cli.options import Json, RunPath, Runs, find_run, print_json, print_text


def generate(
    run: RunPath,
    *,
    prompt: Annotated[str, typer.Option(help="Continue this text; default: begin a line.")] = "",
    length: Annotated[int, typer.Option(help="Set the number of tokens to sample.")] = 500,
    temperature: Annotated[float, typer.Option(help="Divide logits by this; 0: most probable token.")] = 0.8,
    top_k: Annotated[int, typer.Option(help="Sample from the k most probable tokens; 0: all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Sample from tokens of this total probability.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Set the random seed.")] = 0,
    runs: Runs = Path("runs"),
    json: Json = False,
) -> None:
    """Sample text from a language model.

    Prints the prompt and its continuation while it is sampled. The same seed gives the same text.
    """
    from trainwell.fitting import open_run
    from trainwell.inference import Sampling
    from trainwell.inference import generate as continue_text

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, seed=seed)

    def show(piece: str) -> None:
        sys.stdout.write(piece)
        sys.stdout.flush()

    opened = open_run(find_run(run, runs))
    if not json:
        show(prompt)
    found = continue_text(opened, prompt, length=length, sampling=sampling, show=None if json else show)
    if not json:
        show("\n")
    if found.unknown:
        names = ", ".join(map(repr, found.unknown))
        print_text(f"trainwell: not in the vocabulary, read as <unk>: {names}", to_stderr=True)
    if json:
        print_json({"run": str(opened.path), **found.to_json()})
