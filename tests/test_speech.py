"""Texts as speech: voices, what is rendered, what is only data, and what goes wrong."""

from __future__ import annotations

import io
import itertools
import os
import runpy
import subprocess
import sys
import threading
import wave
from array import array
from collections.abc import Callable, Iterator
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import ROOT
from mock_server.contract.loader import Contract
from mock_server.speech import espeak, rendering, voices
from mock_server.speech.recordings import Recordings
from mock_server.speech.rendering import MissingVoiceError, SpeechError

PAGE = ROOT / "docs/how-to/hear-a-message.md"
LANGUAGES = list(voices.table()["languages"])
GENDERS = list(voices.table()["genders"])
TEXTS = {
    "en-US": "Your parcel arrives tomorrow.",
    "en-GB": "Your parcel arrives tomorrow.",
    "el-GR": "Το δέμα σας φτάνει αύριο.",  # noqa: RUF001  (Greek)
    "pl-PL": "Twoja paczka dotrze jutro.",
    "hu-HU": "A csomagja holnap érkezik.",
    "sv-SE": "Din försändelse kommer i morgon.",
    "de-DE": "Ihre Sendung kommt morgen an.",
    "es-ES": "Su paquete llega mañana a las diez.",
    "es-LA": "Su paquete llega mañana a las diez.",
    "fr-FR": "Votre colis arrive demain.",
    "it-IT": "Il suo pacco arriva domani.",
    "pt-BR": "Sua encomenda chega amanhã.",
    "ru-RU": "Ваша посылка придёт завтра.",
}
EACH = list(itertools.product(LANGUAGES, GENDERS))


def heard(file: bytes) -> array[int]:
    """The samples of a WAV file, as the standard library reads them."""
    with wave.open(io.BytesIO(file)) as reader:
        assert reader.getparams()[:3] == (1, 2, 22_050)
        return array("h", reader.readframes(reader.getnframes()))


def pitch(samples: array[int]) -> float:
    """The frequency of the voice in Hertz: the median over its loudest tenths of a second."""
    # A quarter of the samples is enough for voices, and takes a sixteenth of the time.
    rate, size = 22_050 // 4, 2_205 // 4
    samples = array("h", [sum(samples[at : at + 4]) // 4 for at in range(0, len(samples), 4)])
    parts = [samples[start : start + size] for start in range(0, len(samples) - size, size)]
    loud = sorted(parts, key=level)[-5:]
    lags = range(rate // 400, rate // 60)

    def period(part: array[int]) -> int:
        return max(lags, key=lambda lag: sum(x * y for x, y in zip(part, part[lag:], strict=False)))

    return rate / sorted(map(period, loud))[2]


def level(samples: array[int]) -> float:
    """The root of the mean square, of 32,767."""
    return sqrt(sum(sample * sample for sample in samples) / len(samples))


@pytest.fixture(scope="module")
def spoken() -> dict[tuple[str, str], bytes]:
    """The sentence of each language in each gender."""
    return {
        (one, gender): rendering.wav(TEXTS[one], voices.voice(one, gender)) for one, gender in EACH
    }


# ── voices ───────────────────────────────────────────────────────────────


def test_every_language_and_gender_of_the_contract_has_a_voice(contract: Contract) -> None:
    members = contract.body.members

    assert [one for one in LANGUAGES if not members["voice_language"].accepts(one)] == []
    assert members["voice_language"].valid.count("-") == len(LANGUAGES)
    assert all(members["voice_gender"].accepts(one) for one in GENDERS)


def test_which_voice_it_is_is_assumed() -> None:
    assert voices.table()["evidence"]["grade"] == "assumed"


@pytest.mark.parametrize(("language", "gender"), [("tlh-QO", "male"), ("fr-FR", "robot")])
def test_what_has_no_voice_is_named_with_what_has_one(language: str, gender: str) -> None:
    with pytest.raises(
        voices.NoVoiceError, match=r"got (tlh-QO|robot); expected one of (en-US|male)"
    ):
        voices.voice(language, gender)


@pytest.mark.unmeasured
@pytest.mark.parametrize(("language", "gender"), EACH)
def test_a_sentence_takes_seconds_and_is_heard(
    spoken: dict[tuple[str, str], bytes], language: str, gender: str
) -> None:
    file = spoken[language, gender]
    samples = heard(file)

    assert 1 < rendering.seconds(file) < 4
    assert rendering.seconds(file) == len(samples) / 22_050
    assert 1_000 < level(samples) < 10_000
    assert max(map(abs, samples)) > 8_000


def test_no_two_voices_sound_the_same(spoken: dict[tuple[str, str], bytes]) -> None:
    assert len(set(spoken.values())) == len(EACH)


@pytest.mark.unmeasured
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_woman_has_a_higher_voice_than_a_man(
    spoken: dict[tuple[str, str], bytes], language: str
) -> None:
    female, male = (pitch(heard(spoken[language, gender])) for gender in ("female", "male"))

    assert female > 1.2 * male


def test_the_table_of_the_page_is_what_is_rendered(spoken: dict[tuple[str, str], bytes]) -> None:
    rows = PAGE.read_text("utf-8").partition("<!-- voices -->")[2].partition("<!-- end -->")[0]

    assert rows.strip().splitlines()[2:] == table(spoken)


def table(spoken: dict[tuple[str, str], bytes]) -> list[str]:
    """The rows of the page."""
    rows = list[str]()
    for language in LANGUAGES:
        cells = [f"`{language}`", TEXTS[language]]
        for gender in ("male", "female"):
            seconds = rendering.seconds(spoken[language, gender])
            cells += [f"`{voices.voice(language, gender)}`", f"{seconds:.1f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def test_the_same_text_is_the_same_to_the_byte(spoken: dict[tuple[str, str], bytes]) -> None:
    assert rendering.wav(TEXTS["fr-FR"], "fr+f2") == spoken["fr-FR", "female"]


# ── a text is data ─────────────────────────────────────────────────────────


def seconds(text: str) -> float:
    return rendering.seconds(rendering.wav(text, "en-us"))


@pytest.mark.parametrize(
    "markup",
    [
        "<break/>",
        "<speak>Hello</speak>",
        '<prosody volume="silent">Hello</prosody>',
        '<audio src="/dev/zero">Hello</audio>',
        "<!-- Hello -->",
        "&lt;",
    ],
)
def test_markup_is_read(markup: str) -> None:
    assert seconds(markup) > 0.5


def test_a_pause_in_markup_is_not_made() -> None:
    assert seconds('Hello <break time="60s"/> there.') < 10


def test_phonemes_are_read_as_they_stand() -> None:
    assert rendering.wav("[[h@l'oU]]", "en-us") != rendering.wav("hello", "en-us")
    assert seconds("[[h@l'oU]]") > seconds("hello")


@pytest.mark.parametrize("command", ["80S", "0A", "0P", "Vfr ", "2B", "1I", "10Y"])
@pytest.mark.unmeasured
def test_no_control_character_begins_a_command(command: str) -> None:
    with_control = rendering.wav(f"Hello \x01{command} there, my friend.", "en-us")

    assert with_control == rendering.wav(f"Hello  {command} there, my friend.", "en-us")


@pytest.mark.parametrize(
    "character", ["\0", "\x01", "\x02", "\x1b", "\x7f", "\x85", "\ud800", "\ue03c", "\ufffe"]
)
@pytest.mark.unmeasured
def test_what_is_not_a_character_to_read_is_a_blank(character: str) -> None:
    text = f"Hello {character} there"

    assert rendering.wav(text, "en-us") == rendering.wav("Hello   there", "en-us")


@pytest.mark.parametrize("text", ["", " ", "...", "\n\n", "\0"])
def test_a_text_of_nothing_to_read_is_a_file_without_sound(text: str) -> None:
    assert seconds(text) < 1


@settings(max_examples=25)
@given(
    st.text(max_size=40) | st.text("<>[]&;/\"'=. aé1", max_size=80),
    st.sampled_from([voices.voice(*one) for one in EACH]),
)
def test_any_text_is_rendered(text: str, voice: str) -> None:
    assert rendering.wav(text, voice)[:4] == b"RIFF"


@pytest.mark.parametrize(
    "text", ["a" * 1_224, "9" * 1_224, "é" * 1_224, "." * 1_224, "beep.." * 200, "%" * 1_224]
)
@pytest.mark.unmeasured
def test_a_strange_text_of_the_greatest_length_is_rendered(text: str) -> None:
    assert 0 < seconds(text) <= rendering.LONGEST


def test_what_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "LONGEST", 1)

    assert seconds("One, two, three, four, five.") == 1


# ── the program ──────────────────────────────────────────────────────────


class Closed(io.BytesIO):
    """Nobody reads it any more."""

    def write(self, _: object) -> int:
        raise BrokenPipeError


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str | None, bytes]]:
    """The program, in this process; gets a voice, how much is enough, and where to write."""
    library, data = rendering.require()
    monkeypatch.chdir(data)

    def run(voice: str, enough: int, samples: io.BytesIO, library: str = library) -> str | None:
        return espeak.main([library, voice, str(enough)], io.BytesIO(b"Hello there."), samples)

    return run


def test_the_program_writes_what_is_rendered(program: Callable[..., str | None]) -> None:
    samples = io.BytesIO()

    assert program("en-us", 2**20, samples) is None
    assert len(samples.getvalue()) > rendering.BYTES_A_SECOND / 2


def test_the_program_writes_no_more_than_is_enough(program: Callable[..., str | None]) -> None:
    samples = io.BytesIO()

    assert program("en-us", 10_000, samples) is None
    assert len(samples.getvalue()) == 10_000


def test_the_program_ends_where_nobody_reads(program: Callable[..., str | None]) -> None:
    assert program("en-us", 2**20, Closed()) is None


@pytest.mark.parametrize(
    ("voice", "library", "why"),
    [("tlh", None, "espeak_SetVoiceByName"), ("en-us", "/nowhere.so", "nowhere")],
)
def test_the_program_names_what_is_missing(
    program: Callable[..., str | None], voice: str, library: str | None, why: str
) -> None:
    given = {"library": library} if library else {}

    assert why in str(program(voice, 2**20, io.BytesIO(), **given))


def test_the_program_runs_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = io.BytesIO()
    library, data = rendering.require()
    monkeypatch.chdir(data)
    monkeypatch.setattr(sys, "argv", ["espeak.py", library, "tlh", "1"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Hello.")))
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(samples))

    with pytest.raises(SystemExit, match="espeak_SetVoiceByName"):
        runpy.run_path(espeak.__file__, run_name="__main__")


class Failing:
    """A library whose functions answer what they are set to."""

    def __init__(self, **answers: int) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Callable[..., int]:
        answers = {"espeak_Initialize": 22_050} | self._answers
        return lambda *_: answers.get(name, 0)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"espeak_Initialize": -1}, "espeak_Initialize answered -1; expected 22050"),
        ({"espeak_Synth": -1}, "espeak_Synth answered -1; expected 0"),
    ],
)
def test_what_the_library_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, int], why: str
) -> None:
    monkeypatch.setattr(espeak.ctypes, "CDLL", lambda _: Failing(**answers))

    assert espeak.main(["", "en-us", "1"], io.BytesIO(), io.BytesIO()) == why


# ── what goes wrong ────────────────────────────────────────────────────────


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)

    with pytest.raises(MissingVoiceError, match=r"pip install 'vms-kit\[twin,voice\]'"):
        rendering.wav("Hello.", "en-us")


def test_data_at_a_long_path_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, data = rendering.require()
    long = tmp_path / ("a" * 200)
    long.symlink_to(data)
    monkeypatch.setattr(rendering, "require", lambda: (library, str(long)))

    assert seconds("Hello.") > 0


def test_data_that_are_not_there_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, _ = rendering.require()
    monkeypatch.setattr(rendering, "require", lambda: (library, str(tmp_path)))

    with pytest.raises(SpeechError, match="espeak-ng failed: "):
        rendering.wav("Hello.", "en-us")


@pytest.fixture
def instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has another program run in place of espeak-ng."""
    path = tmp_path / "program.py"
    monkeypatch.setattr(rendering, "_PROGRAM", str(path))
    return lambda code: path.write_text(code, "utf-8") and None


def test_a_crash_ends_the_rendering_alone(instead: Callable[[str], None]) -> None:
    instead("import os; os.abort()")

    with pytest.raises(SpeechError, match="espeak-ng failed: it ended with -6"):
        rendering.wav("Hello." * 20_000, "en-us")


def test_a_rendering_that_takes_too_long_is_ended(instead: Callable[[str], None]) -> None:
    instead("import time; time.sleep(600)")

    with pytest.raises(SpeechError, match="espeak-ng failed: it ended with -9"):
        list(rendering.rendered("Hello.", "en-us", patience=0))


def test_a_python_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(SpeechError, match="/nowhere/python cannot be started: No such file"):
        rendering.wav("Hello.", "en-us")


def test_who_stops_reading_ends_the_process(instead: Callable[[str], None]) -> None:
    instead("import os, sys, time; print(os.getpid(), flush=True); time.sleep(600)")
    parts = rendering.rendered("Hello.", "en-us")

    number = int(next(parts))
    parts.close()

    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


# ── recordings ─────────────────────────────────────────────────────────────


class Scripted:
    """Renders what it is given, and counts."""

    def __init__(self, *parts: bytes | Exception) -> None:
        self.parts = parts
        self.texts = list[str]()

    def __call__(self, text: str, _: str) -> Iterator[bytes]:
        self.texts.append(text)
        for part in self.parts:
            if isinstance(part, Exception):
                raise part
            yield part


def test_a_recording_is_made_once() -> None:
    render = Scripted(b"ab", b"cd")
    recordings = Recordings(render)

    files = [recordings.get("a", "en").whole() for _ in range(3)]

    assert files == [rendering.header(4) + b"abcd"] * 3
    assert render.texts == ["a"]


def test_another_text_or_voice_is_another_recording() -> None:
    render = Scripted(b"ab")
    recordings = Recordings(render)

    for text, voice in (("a", "en"), ("b", "en"), ("a", "fr")):
        recordings.get(text, voice).whole()

    assert render.texts == ["a", "b", "a"]


def test_the_longest_unused_is_forgotten_where_there_is_no_space() -> None:
    render = Scripted(b"0123456789")
    recordings = Recordings(render, most_bytes=20)

    for text in "abacab":
        recordings.get(text, "en").whole()

    assert render.texts == ["a", "b", "c", "b"]


def test_what_is_asked_for_meanwhile_is_rendered_next() -> None:
    released, order = threading.Event(), list[str]()

    def render(text: str, _: str) -> Iterator[bytes]:
        assert released.wait(10)
        order.append(text)
        yield b"ab"

    recordings = Recordings(render)
    due = [recordings.get(text, "en") for text in "abc"]
    released.set()

    assert [one.whole() for one in due] == [rendering.header(2) + b"ab"] * 3
    assert order == ["a", "b", "c"]


def test_a_recording_that_fails_is_not_kept() -> None:
    render = Scripted(b"ab", SpeechError("no"))
    recordings = Recordings(render)

    for _ in range(2):
        recording = recordings.get("a", "en")
        with pytest.raises(SpeechError, match="no"):
            recording.whole()
        recording.begun()

    assert render.texts == ["a", "a"]


def test_a_failure_before_the_beginning_is_raised_there() -> None:
    recording = Recordings(Scripted(SpeechError("no"))).get("a", "en")

    with pytest.raises(SpeechError, match="no"):
        recording.begun()


def test_a_bug_ends_the_recording_too(caplog: pytest.LogCaptureFixture) -> None:
    recordings = Recordings(Scripted(ValueError("a bug")))

    with pytest.raises(SpeechError, match="the twin failed: a bug"):
        recordings.get("a", "en").whole()

    assert "please report this" in caplog.text
    with pytest.raises(SpeechError):
        recordings.get("b", "en").whole()


def test_who_listens_to_a_recording_hears_of_each_change() -> None:
    changes = list[int]()
    recording = Recordings(Scripted(b"ab")).get("a", "en")
    recording.whole()

    unsubscribe = recording.subscribe(lambda: changes.append(recording.size))
    recording.add(b"c")
    recording.end()
    unsubscribe()
    recording.add(b"d")

    assert changes == [3, 3]


# ── vms starts as fast as ever ───────────────────────────────────────────────


def test_nothing_of_speech_is_loaded_before_it_is_needed() -> None:
    code = "import sys, vms.cli; print([n for n in sys.modules if 'speech' in n or 'espeak' in n])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
