"""Ctrl-C and what ends a process like it, held back until what is going on is written down."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import Final, Self

EXIT_CODE: Final = 130
"""What a shell says of a command that was interrupted."""

_STDERR: Final = 2
# Not every system has each of them.
_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# A terminal that is closed sends SIGHUP twice: by its shell and by the kernel.
_INSISTING: Final = (signal.SIGINT, signal.SIGTERM)
_WAITING: Final = b"\nCtrl-C: waiting for what is on its way. Once more, and it ends at once.\n"
_ENDED: Final = {
    True: b"\nEnded. What was on its way may have been sent.\n",
    False: b"\nEnded; nothing was sent.\n",
}
"""By whether it was held back."""
# A progress bar hides the cursor until its own end.
_CURSOR: Final = b"\x1b[?25h"


class Interrupts:
    """Ctrl-C raises KeyboardInterrupt at once; after `hold` only where `check` stands.

    SIGTERM and SIGHUP are as good as Ctrl-C, unless they are ignored, as under ``nohup``.

    Anywhere else it could come between an answer and its line in the journal, and leave a frame in
    doubt whose fate is known. A second one ends the process, which would else wait for answers.
    Use it as a context manager, in the main thread.
    """

    def __init__(self) -> None:
        self.held = self._asked = self._raised = False

    def __enter__(self) -> Self:
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        self._before = {
            number: handler for number, handler in before.items() if handler is not signal.SIG_IGN
        }
        for number in self._before:
            signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """From now on, hold it back."""
        self.held = True

    def check(self) -> None:
        """Here it is safe.

        Raises:
            KeyboardInterrupt: there was a Ctrl-C; once.
        """
        if self._asked and not self._raised:
            self._raised = True
            raise KeyboardInterrupt

    def _take(self, number: int, _: FrameType | None) -> None:
        if self._asked:
            if number not in _INSISTING:
                return
            _tell(_ENDED[self.held])
            os._exit(EXIT_CODE)
        self._asked = True
        if self.held:
            _tell(_WAITING)
        else:
            self.check()


def _tell(text: bytes) -> None:
    # Past Python's own buffers, which may be in use at this moment.
    with contextlib.suppress(OSError):
        os.write(_STDERR, _CURSOR + text if os.isatty(_STDERR) else text)
