"""What `ask` and `prompt` take as a query and as numbers, and what they refuse before anything is loaded."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from urial_tui.cli.ask import asking
from urial_tui.cli.ask.command import ask
from urial_tui.cli.ask.prompt import prompt
from urial_tui.errors import UrialError, UsageError
from urial_tui.standard_output import OutputError


class Asked(Exception):
    """Stands for the answer: nothing is asked in these tests."""


@pytest.fixture(autouse=True)
def requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[asking.Asking]:
    """The questions that `ask` would have asked."""
    made: list[asking.Asking] = []

    def run_nothing(request: asking.Asking) -> Any:
        made.append(request)
        raise Asked

    monkeypatch.setenv("URIAL_TUI_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(asking, "run", run_nothing)
    return made


def run(command: Any, *arguments: str, **more: Any) -> Result:
    return CliRunner().invoke(command, arguments, **more)


def refused(command: Any, *arguments: str, **more: Any) -> UrialError:
    result = run(command, *arguments, **more)
    assert isinstance(result.exception, UrialError), result.output
    return result.exception


@pytest.mark.parametrize(
    ("data", "query"),
    [
        (b"a\nb\n", "a\nb"),
        (b"a\r\n", "a"),
        (b"a\n\n", "a\n"),
        (b"a", "a"),
        (b"a\r", "a\r"),
        ("caffè\n".encode(), "caffè"),
        (b"a\0b\n", "a\0b"),
    ],
)
def test_ask_and_prompt_read_the_same_query_from_standard_input(
    requests: list[asking.Asking], data: bytes, query: str
) -> None:
    assert run(prompt, "--style", "raw", "-", input=data).stdout_bytes == query.encode()
    assert isinstance(run(ask, "-", input=data).exception, Asked)
    assert [request.query for request in requests] == [query]


@pytest.mark.parametrize("command", [ask, prompt])
def test_what_is_no_text_is_refused(command: Any, requests: list[asking.Asking]) -> None:
    error = refused(command, "-", input=b"ab\xff")
    assert isinstance(error, UsageError)
    assert "standard input is not UTF-8 text (byte 3)" in error.message
    error = refused(command, "a\udcffb")
    assert isinstance(error, UsageError)
    assert error.message == "the query is not UTF-8 text (character 2)"
    assert "empty" in refused(command, "-", input=b" \n").message
    assert "empty" in refused(command, "").message
    assert isinstance(refused(command), UsageError)
    assert requests == []


@pytest.mark.parametrize("command", [ask, prompt])
def test_a_standard_input_that_cannot_be_read_is_refused(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: Any) -> int:
            raise OSError(9, "Bad file descriptor")

    def call() -> None:
        command.main(["-"], standalone_mode=False)

    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="closed"):
        call()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Broken())))
    with pytest.raises(UsageError, match="Bad file descriptor"):
        call()


@pytest.mark.parametrize("command", [ask, prompt])
def test_a_standard_input_without_end_is_refused(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urial_tui.cli.common.query.MAX_BYTES", 10)
    assert "more than" in refused(command, "-", input=b"a" * 11).message


def test_options_that_exclude_each_other_are_refused_before_standard_input_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    for arguments in (["--demo", "--side", "x"], ["--pack", "x", "--pack-file", "y"]):
        with pytest.raises(UsageError, match="exclude each other"):
            ask.main(["-", *arguments], standalone_mode=False)


@pytest.mark.parametrize("value", ["nan", "-nan", "inf", "-inf", "NaN", "1e999", "-1", "5.1", "x"])
def test_a_temperature_that_is_no_usable_number_is_refused(
    value: str, requests: list[asking.Asking]
) -> None:
    result = run(ask, "--temperature", value, "Hi")
    assert result.exit_code == 2
    assert "--temperature" in result.stderr
    assert requests == []


def test_numbers_in_range_arrive(requests: list[asking.Asking]) -> None:
    run(ask, "--temperature", "0.5", "--seed", str(2**32 - 2), "--max-tokens", "9", "Hi")
    (request,) = requests
    assert (request.temperature, request.seed, request.max_tokens) == (0.5, 2**32 - 2, 9)


def test_the_seed_that_means_a_random_one_to_llama_cpp_is_refused() -> None:
    assert run(ask, "--seed", str(2**32 - 1), "Hi").exit_code == 2


@pytest.mark.parametrize("error", [OutputError("No space left on device"), BrokenPipeError()])
def test_an_output_that_takes_no_more_ends_the_answer_once_and_is_kept_as_the_reason(
    monkeypatch: pytest.MonkeyPatch, error: BrokenPipeError | OutputError
) -> None:
    written = []

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            raise error

    monkeypatch.setattr(sys, "stdout", Full())
    ended = []
    screen = asking._Screen(True, lambda: ended.append(True))
    for text in ("I", " walk"):
        screen._write(text)
    assert screen.refused is error
    assert (written, ended) == (["I"], [True])
