"""Recordings: WAV files that grow while they are rendered, and the cache of them."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from mock_server.speech import rendering
from mock_server.speech.rendering import SpeechError

MOST_BYTES: Final = 64 * 2**20
"""So many bytes of samples are kept of recordings that are complete: about 25 minutes."""

Render = Callable[[str, str], Iterator[bytes]]

_log = logging.getLogger("mock_server")


class Recording:
    """The samples of one text, as far as they are rendered. Any number of threads may read it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._samples = bytearray()
        self._has_ended = False
        self._error: SpeechError | None = None
        self._listeners = list[Callable[[], None]]()

    @property
    def size(self) -> int:
        """How many bytes of samples there are."""
        return len(self._samples)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be added."""
        return self._has_ended

    @property
    def error(self) -> SpeechError | None:
        """Why it has ended, where it failed."""
        return self._error

    def add(self, part: bytes) -> None:
        """Some more samples."""
        with self._changed:
            self._samples += part
            self._notify()

    def end(self, error: SpeechError | None = None) -> None:
        """Nothing more will be added: all is there, or there was an error."""
        with self._changed:
            self._has_ended, self._error = True, error
            self._notify()

    def _notify(self) -> None:
        self._changed.notify_all()
        for listener in self._listeners:
            listener()

    def part(self, start: int, most: int) -> bytes:
        """At most so many bytes of the samples from one on, as far as they are there."""
        with self._changed:
            return bytes(self._samples[start : start + most])

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` on each change, in the thread that renders; returns what ends that."""
        with self._changed:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._changed:
                self._listeners.remove(listener)

        return unsubscribe

    def begun(self) -> None:
        """Wait for the first samples, or for the end without any.

        Raises:
            SpeechError: it failed before the first of them.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._samples or self._has_ended)
            if self._error is not None and not self._samples:
                raise self._error

    def whole(self) -> bytes:
        """The WAV file, once it is complete.

        Raises:
            SpeechError: it failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended)
            if self._error is not None:
                raise self._error
            return rendering.header(len(self._samples)) + self._samples


class Recordings:
    """The latest recordings, by text and voice; one is rendered at a time, in a thread.

    Whoever asks for one that is there, or on its way, gets the same. One that failed is not kept.
    """

    def __init__(
        self, render: Render = rendering.rendered, *, most_bytes: int = MOST_BYTES
    ) -> None:
        self._render = render
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        # The longest unused first.
        self._kept = dict[tuple[str, str], Recording]()
        self._due = deque[tuple[str, str]]()
        self._is_rendering = False

    def get(self, text: str, voice: str) -> Recording:
        """The recording of a text; where there is none, it is due now."""
        key = (text, voice)
        with self._lock:
            recording = self._kept.pop(key, None)
            if recording is None:
                recording = Recording()
                self._due.append(key)
                if not self._is_rendering:
                    self._is_rendering = True
                    threading.Thread(target=self._render_what_is_due, daemon=True).start()
            self._kept[key] = recording
            return recording

    def _render_what_is_due(self) -> None:
        while True:
            with self._lock:
                if not self._due:
                    self._is_rendering = False
                    return
                key = self._due.popleft()
                recording = self._kept[key]
            error: SpeechError | None = None
            try:
                for part in self._render(*key):
                    recording.add(part)
            except SpeechError as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001  (else everybody would wait for ever)
                _log.exception("The twin failed; please report this.")
                error = SpeechError(f"the twin failed: {failure}")
            with self._lock:
                if error is not None:
                    del self._kept[key]
                self._make_space(recording)
            recording.end(error)

    def _make_space(self, newest: Recording) -> None:
        """Forget the longest unused, as long as there are too many bytes of them."""
        complete = [(key, one) for key, one in self._kept.items() if one.has_ended or one is newest]
        size = sum(one.size for _, one in complete)
        for key, one in complete:
            if size <= self._most_bytes:
                return
            del self._kept[key]
            size -= one.size
