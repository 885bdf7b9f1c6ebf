"""Streams that are closed, full, or read by nobody: each command ends with a code and no traceback.

A closed stream is as good as the null device. Output that cannot be written is 2, which is no
verdict; remarks that cannot be written change nothing.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path
from types import SimpleNamespace

import click
import pytest

from common import ROOT
from mock_server.contract.document import shipped
from mock_server.testing.account import running
from vms import __main__ as entry_point
from vms import cli, show
from vms.endings import Commands

CONTRACT = str(shipped("voice-campaign.yaml"))
CLIENT = str(ROOT / "generated/voice_api")
FULL = Path("/dev/full")
SENDING = ("send", "--to", "+33639981234", "--text", "Hello.")
COMMANDS = {
    (): 2,
    ("--help",): 0,
    ("--version",): 0,
    ("no-such-command",): 2,
    ("check",): 0,
    ("contract", "-"): 0,
    ("demo",): 0,
    ("diff", CONTRACT): 0,
    ("drift", CONTRACT, CLIENT): 0,
    ("drift", CONTRACT, "nowhere"): 2,
    ("explain", "payload.json"): 0,
    ("explain", "--strict", "payload.json"): 1,
    ("generate", CONTRACT, "made"): 0,
    ("lint", CONTRACT): 0,
    ("lint", "payload.json"): 1,
    ("listen", "--url", "http://127.0.0.1:9"): 2,
    ("rules",): 0,
    ("rules", "--json"): 0,
    (*SENDING, "--dry-run"): 0,
    (*SENDING, "--yes"): 0,
    ("say", "Hello.", "-o", "-"): 0,
    ("say", "Hello.", "-o", "out.wav"): 0,
    ("serve", "--accounts", "payload.json"): 2,
}
SLOW = {"demo", "drift", "generate"}
QUICK = [given for given in COMMANDS if not given or given[0] not in SLOW or "nowhere" in given]
named = {"ids": lambda given: " ".join(given[:2]) or "nothing"}


def broken_pipe() -> io.TextIOWrapper:
    """The end that is written to, of a pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w", encoding="utf-8")


def full() -> io.TextIOWrapper:
    if not FULL.exists():
        pytest.skip("no /dev/full here")
    return FULL.open("w", encoding="utf-8")


def nothing() -> None:
    """A stream that is closed, as Python has it."""


UNWRITABLE = [full, broken_pipe]


class Seen(io.BytesIO):
    """What a command has written, also after it is closed."""

    text = ""

    def write(self, content: bytes) -> int:
        self.text += content.decode()
        return len(content)


@contextmanager
def streams(**given: io.TextIOWrapper | None) -> Iterator[Seen]:
    """The process with other streams; what is written to standard error."""
    seen = Seen()
    if "stdout" not in given:
        given["stdout"] = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (closed below)
    if "stderr" not in given:
        given["stderr"] = io.TextIOWrapper(seen, encoding="utf-8", write_through=True)
    with pytest.MonkeyPatch.context() as patch:
        for name, stream in given.items():
            patch.setattr(sys, name, stream)
        yield seen
        # Those that were closed have others in their place.
        for name in given:
            with suppress(OSError):
                getattr(sys, name).close()


def ended(*given: str) -> object:
    """The exit code of the command as a shell learns it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["vms", *given])
        with pytest.raises(SystemExit) as exited:
            entry_point.main()
    # A text is printed by the interpreter, which then ends with 1.
    return 1 if isinstance(exited.value.code, str) else exited.value.code or 0


@pytest.fixture(scope="module")
def twin_url() -> Iterator[str]:
    with running() as twin:
        yield twin.base_url


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twin_url: str) -> None:
    """A folder with a payload in it that has to be repaired, and a twin to send to."""
    text = '{"text": 1, "recipients": [{"phone_number": "+33612345678"}]}'
    (tmp_path / "payload.json").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in {"LOGIN": "ada@example.com", "KEY": "a", "BASE_URL": twin_url}.items():
        monkeypatch.setenv(f"VMS_{name}", value)


def test_every_command_is_asked() -> None:
    assert {given[0] for given in COMMANDS if given} >= cli.vms.commands.keys()


@pytest.mark.unmeasured
@pytest.mark.parametrize("given", COMMANDS, **named)
def test_without_any_stream_a_command_ends_as_it_does_with_them(given: tuple[str, ...]) -> None:
    with streams(stdin=None, stdout=None, stderr=None):
        assert ended(*given) == COMMANDS[given]


@pytest.mark.unmeasured
@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("given", QUICK, **named)
def test_without_one_stream_a_command_ends_as_it_does_with_it(
    given: tuple[str, ...], stream: str
) -> None:
    with streams(**{stream: None}):
        assert ended(*given) == COMMANDS[given]


@pytest.mark.unmeasured
@pytest.mark.parametrize("output", UNWRITABLE)
@pytest.mark.parametrize("given", QUICK, **named)
def test_remarks_that_cannot_be_written_change_no_code(
    given: tuple[str, ...], output: type[io.TextIOWrapper]
) -> None:
    with streams(stderr=output()):
        assert ended(*given) == COMMANDS[given]


@pytest.mark.parametrize("output", UNWRITABLE)
@pytest.mark.parametrize(
    "given", [given for given in QUICK if given and given[0] != "serve"], **named
)
def test_output_that_cannot_be_written_is_no_verdict(
    given: tuple[str, ...], output: type[io.TextIOWrapper]
) -> None:
    with streams(stdout=output()):
        assert ended(*given) == 2


@pytest.mark.unmeasured
def test_a_full_disk_is_named_on_one_line() -> None:
    with streams(stdout=full()) as seen:
        ended("rules")

    assert seen.text == "Error: cannot write: No space left on device\n"


@pytest.mark.unmeasured
def test_of_a_pipe_that_nobody_reads_nothing_is_said() -> None:
    with streams(stdout=broken_pipe()) as seen:
        ended("rules")

    assert seen.text == ""


def test_what_was_sent_stays_sent_if_the_summary_cannot_be_written() -> None:
    with streams(stdout=broken_pipe()) as seen:
        code = ended(*SENDING, "--yes", "--json")

    assert (code, seen.text.rpartition("Error: ")[2]) == (
        0,
        "the summary cannot be printed: Broken pipe\n",
    )


def test_a_payload_on_a_closed_standard_input_cannot_be_read() -> None:
    with streams(stdin=None) as seen:
        code = ended("explain", "-")

    assert (code, seen.text) == (2, "Error: the payload cannot be read: Bad file descriptor\n")


def test_a_command_that_is_interrupted_has_found_out_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vms.contracts.diff.render.compared", interrupted)

    with streams() as seen:
        code = ended("diff", CONTRACT, "--fail-on", "any")

    assert (code, seen.text) == (130, "\nInterrupted.\n")


def test_a_command_that_is_interrupted_while_it_is_loaded_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupting:
        def __getattr__(self, _: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "vms.cli", Interrupting())

    with streams():
        assert ended("rules") == 130


def test_a_file_that_fails_late_is_named() -> None:
    @click.group(cls=Commands)
    def group() -> None: ...

    @group.command()
    def late() -> None:
        Path("nowhere").read_bytes()

    with streams() as seen, pytest.raises(SystemExit) as exited:
        group(["late"])

    assert exited.value.code == 2
    assert seen.text == "Error: nowhere: No such file or directory\n"


def test_the_display_of_a_terminal_leaves_a_broken_pipe_to_the_command() -> None:
    with streams(stdout=broken_pipe()), pytest.raises(BrokenPipeError):
        show.console().print("Hello.")


# ── real processes ───────────────────────────────────────────────────────

VMS = (sys.executable, "-m", "vms")


def shell(line: str, *command: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of the line, in which "$@" is the command."""
    whole = ["bash", "-c", line, "bash", *command]
    return subprocess.run(whole, capture_output=True, text=True, check=False)


@pytest.mark.unmeasured
@pytest.mark.parametrize("line", ['"$@" >&-', '"$@" 2>&-', '"$@" <&-', '"$@" <&- >&- 2>&-'])
def test_a_stream_that_the_shell_has_closed_is_no_traceback(line: str) -> None:
    done = shell(line, *VMS, "rules")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("line", "code"),
    [('"$@" | head -1; exit ${PIPESTATUS[0]}', 0), ('"$@" | true; exit ${PIPESTATUS[0]}', 2)],
)
def test_a_pipe_that_ends_early_is_no_traceback(line: str, code: int) -> None:
    done = shell(line, *VMS, "contract", "-")

    assert done.returncode in {code, 2}
    assert done.stderr == ""


@pytest.mark.unmeasured
@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
# What is short stays in the buffer, and fails once more when the interpreter ends.
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["rules", "--version"])
def test_an_output_that_is_full_is_no_traceback(
    command: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)

    done = shell('"$@" >/dev/full', *VMS, command)

    assert done.returncode == 2
    assert done.stderr == "Error: cannot write: No space left on device\n"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc here")
def test_the_number_of_a_closed_standard_error_is_taken_before_a_file_can_have_it() -> None:
    code = (
        "import os, vms.__main__ as m; m._open_what_is_closed();"
        "print(os.readlink('/proc/self/fd/2'))"
    )

    assert shell('"$@" 2>&-', sys.executable, "-c", code).stdout == f"{os.devnull}\n"


@pytest.mark.parametrize("name", ["stdin", "stdout", "stderr"])
def test_the_checks_run_with_all_streams_also_where_one_is_closed(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = dict[str, object]()
    loader = SourceFileLoader("noxw", str(ROOT / "noxw"))
    noxw = module_from_spec(ModuleSpec("noxw", loader, origin=loader.path))
    noxw.__file__ = loader.path
    loader.exec_module(noxw)
    monkeypatch.setattr(noxw, "prepare", lambda: None)
    monkeypatch.setattr(
        subprocess,
        "run",
        lambda *_, **named: given.update(named) or SimpleNamespace(returncode=0),
    )

    monkeypatch.setattr(sys, name, None)
    noxw.main()

    assert {stream: given[stream] for stream in ("stdin", "stdout", "stderr")} == {
        "stdin": None,
        "stdout": None,
        "stderr": None,
        name: subprocess.DEVNULL,
    }
