"""How values that somebody sent are shown: nothing in them runs, hides, or reorders what is around.

Jinja escapes markup; what it lets pass is shown here by its code point.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from mock_server.json_values import Json

LONGEST: Final = 2_000
"""So many characters of one value are shown."""
# Two texts that are longer are compared as wholes: the time grows with the product of both.
_LONGEST_COMPARED: Final = 400
# Controls, half surrogate pairs, and what has no width or changes the direction.
UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


class Part(NamedTuple):
    """Some characters, and whether the other value has others in their place."""

    text: str
    differs: bool = False


def visible(text: str, longest: int = LONGEST) -> Markup:
    r"""A text as HTML that shows every character of it, cut where it is long.

    >>> print(visible("a<b\u202e"))
    a&lt;b<span class="code">U+202E</span>
    """
    shown, left = text[:longest], len(text) - longest
    parts = list[Markup]()
    at = 0
    for found in UNSEEN.finditer(shown):
        code = Markup('<span class="code">U+{:04X}</span>').format(ord(found[0]))
        parts += [escape(shown[at : found.start()]), code]
        at = found.end()
    parts.append(escape(shown[at:]))
    if left > 0:
        parts.append(Markup('<span class="more">… {:,} more characters</span>').format(left))
    return Markup().join(parts)


def plain(text: str, longest: int = 200) -> str:
    r"""The same for the value of an attribute, which can hold no markup.

    >>> plain("a\u202eb", 2)
    'aU+202E…'
    """
    shown = UNSEEN.sub(lambda found: f"U+{ord(found[0]):04X}", text[:longest])
    return f"{shown}…" if len(text) > longest else shown


def first_words(text: str, longest: int = 80) -> str:
    r"""The beginning of a text, on one line.

    >>> first_words("Hello,  Ada. How\nare you today?", 20)
    'Hello, Ada. How are …'
    """
    words = " ".join(text[: longest * 4].split())
    if len(words) <= longest:
        return words
    return f"{words[:longest].rpartition(' ')[0] or words[:longest]} …"


def written(value: Json) -> str:
    """A value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False)


def indented(value: Json) -> str:
    """A value as JSON on several lines."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def compared(sent: str, read: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both texts in parts: which characters of each the other has not.

    >>> compared("a-b", "ab")
    ((Part(text='a', differs=False), Part(text='-', differs=True), Part(text='b', differs=False)),\
 (Part(text='ab', differs=False),))
    """
    if max(len(sent), len(read)) > _LONGEST_COMPARED:
        return (Part(sent, differs=True),), (Part(read, differs=True),)
    codes = difflib.SequenceMatcher(None, sent, read, autojunk=False).get_opcodes()
    return (
        tuple(_joined((sent[a:b], kind != "equal") for kind, a, b, _, _ in codes)),
        tuple(_joined((read[a:b], kind != "equal") for kind, _, _, a, b in codes)),
    )


def _joined(parts: Iterator[tuple[str, bool]]) -> Iterator[Part]:
    """Without empty parts, and with those together that are alike."""
    text, differs = "", False
    for more, other in parts:
        if more and other is not differs and text:
            yield Part(text, differs)
            text = ""
        if more:
            text, differs = text + more, other
    if text:
        yield Part(text, differs)
