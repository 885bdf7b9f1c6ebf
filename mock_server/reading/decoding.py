"""From the bytes of a body to one JSON object, and the parse warnings on the way."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote_to_bytes

from mock_server.json_values import Json

# What fits into 1 MiB: a thousand contacts with all their fields take about a fifth of it.
LARGEST_BODY: Final = 2**20
# The contract's own bodies are four deep.
_DEEPEST: Final = 64
# PHP's own limit for one form is 1,000 (max_input_vars); a thousand contacts with two fields each
# must pass.
_MOST_FORM_FIELDS: Final = 10_000
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class ParseWarning:
    """Something accepted that JSON does not allow: where, by which rule, and the change."""

    path: str
    rule: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Decoded:
    """One JSON object, and the warnings on the way to it."""

    value: dict[str, Json]
    warnings: tuple[ParseWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request is refused before it is read: where, what it got, what was expected."""

    where: str
    got: str
    expected: str

    def document(self) -> dict[str, str]:
        """The same as the control plane shows it."""
        return {"where": self.where, "got": self.got, "expected": self.expected}


@dataclass(frozen=True, slots=True)
class Unreadable(Reason):
    """A body that is neither a JSON object nor a form."""

    expected: str = "a JSON object in UTF-8, of at most 1 MiB"


def decode(
    raw: bytes,
    content_type: str,
    media_type: str = "application/json",
    content_encoding: str = "",
) -> Decoded | Unreadable:
    """The object in ``raw``; ``media_type`` is the contract's.

    A header that explains why there is none is named as the reason.

    >>> decode(b'{"text": "hi"}', "application/json")
    Decoded(value={'text': 'hi'}, warnings=())
    >>> decode(b'{"text": "hi"}', "text/plain").warnings
    (ParseWarning(path='', rule='content_type', before='text/plain', after='application/json'),)
    >>> decode(b"text=hi&recipients[]=1", "application/x-www-form-urlencoded").value
    {'text': 'hi', 'recipients': ['1']}
    >>> decode(b"[]", "application/json")
    Unreadable(where='body', got='a list', expected='a JSON object in UTF-8, of at most 1 MiB')
    """
    if len(raw) > LARGEST_BODY:
        return Unreadable("body", f"more than {LARGEST_BODY} bytes")
    sent_as = media_type_of(content_type)
    warnings = []
    if raw.startswith(_BOM):
        raw = raw[len(_BOM) :]
        warnings.append(ParseWarning("", "byte_order_mark", "\ufeff", ""))
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        byte = f"0x{raw[error.start]:02x}, which is not UTF-8"
        found = Unreadable(f"byte {error.start}", byte)
        return _cause(raw, content_type, content_encoding) or found
    if not text.strip():
        return Unreadable("body", "nothing")
    outcome = _json(text)
    # curl calls its data a form by default; what begins like an object is JSON.
    not_json = isinstance(outcome, Unreadable) and not text.lstrip().startswith("{")
    if sent_as == _FORM and not_json:
        outcome = _form(text)
        warnings.append(ParseWarning("", "form", sent_as, media_type))
    elif sent_as != media_type_of(media_type):
        warnings.append(ParseWarning("", "content_type", content_type, media_type))
    if isinstance(outcome, Unreadable):
        # What is wrong with the body as a whole is wrong with JSON that could be read.
        cause = None if outcome.where == "body" else _cause(raw, content_type, content_encoding)
        return cause or outcome
    value, more = outcome
    if not isinstance(value, dict):
        return Unreadable("body", _NAMES[type(value)])
    return Decoded(value, (*warnings, *more))


def media_type_of(content_type: str) -> str:
    """The media type in a Content-Type header, without its parameters.

    >>> media_type_of("Application/JSON; charset=utf-8")
    'application/json'
    """
    return content_type.partition(";")[0].strip().lower()


_BOM: Final = b"\xef\xbb\xbf"
# How they begin: RFC 1952, 2.3.1; RFC 1950, 2.2, for the levels of zlib; bzip2; RFC 8878, 3.1.1.
_COMPRESSED: Final = {
    b"\x1f\x8b": "gzip",
    b"\x78\x01": "zlib",
    b"\x78\x5e": "zlib",
    b"\x78\x9c": "zlib",
    b"\x78\xda": "zlib",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_LOOKS: Final = {
    "a form": re.compile(rb"[\w.%+\[\]-]+=", re.ASCII),
    "a multipart body": re.compile(rb"--[^\r\n]+\r?\n"),
    "XML": re.compile(rb"\s*<[?!a-zA-Z]"),
}
_NAMES: Final = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}

# A value with the warnings in it.
_Noticed: TypeAlias = tuple[Json, tuple[ParseWarning, ...]]


# ── why there is none ─────────────────────────────────────────────────────────────


def _cause(raw: bytes, content_type: str, content_encoding: str) -> Unreadable | None:
    """Why bytes are not JSON in UTF-8, if a header states it or they look like something else."""
    is_json = raw.lstrip().startswith(b"{")
    if not (is_json or {part.strip().lower() for part in content_encoding.split(",")} <= _AS_IT_IS):
        return Unreadable("Content-Encoding", content_encoding, "the body as it is, not encoded")
    sent_as, _, parameters = content_type.lower().partition(";")
    charset = _CHARSET.search(parameters)
    another = charset is not None and charset[1] not in _UTF_8 and not _is_utf_8(raw)
    if another or "," in sent_as or sent_as.strip().startswith("multipart/"):
        return Unreadable("Content-Type", content_type)
    encoding = json.detect_encoding(raw)
    if raw.decode(encoding, "replace").lstrip("\ufeff \t\r\n").startswith("{"):
        return None if encoding.startswith("utf-8") else Unreadable("body", encoding.upper())
    if compressed := next(filter(raw.startswith, _COMPRESSED), None):
        return Unreadable("body", _COMPRESSED[compressed])
    looks = next((name for name, begins in _LOOKS.items() if begins.match(raw)), None)
    if looks and sent_as.strip() != _FORM:
        return Unreadable("Content-Type", f"{sent_as.strip() or 'none'}, and {looks}")
    return None


_AS_IT_IS: Final = frozenset({"", "identity"})


def _is_utf_8(raw: bytes) -> bool:
    try:
        # A form has its characters behind percent signs.
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return False
    # Nothing else has them: so are the letters of UTF-16 in pairs.
    return "\0" not in text


# As RFC 9110, 8.3.2 has it; in quotes or without.
_CHARSET: Final = re.compile(r"""charset\s*=\s*["']?([^\s;"',]+)""")
_UTF_8: Final = frozenset({"utf-8", "utf8"})


# ── JSON ─────────────────────────────────────────────────────────────


class _Doubled(dict[str, Json]):
    """An object in which a name stood twice; ``earlier`` has the values that were lost."""

    earlier: list[tuple[str, Json]]


class _Huge(float):
    """A number beyond the range of a double; ``literal`` is how it was written."""

    literal: str


class _NotJsonError(Exception):
    """Something that Python's decoder takes and JSON does not know."""


class _Hooks:
    """What the decoder asks while it reads: keeps what it would lose without a word."""

    def __init__(self) -> None:
        self.noticed = False

    def members(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        """An object; one with a name twice is kept as `_Doubled`."""
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self.noticed = True
        doubled = _Doubled(value)
        last = {name: index for index, (name, _) in enumerate(pairs)}
        doubled.earlier = [pair for index, pair in enumerate(pairs) if last[pair[0]] != index]
        return doubled

    def integer(self, literal: str) -> Json:
        """An integer; exact up to the range of a double."""
        # 308 digits always fit; int() itself refuses 4,300 (sys.int_info).
        if len(literal) <= sys.float_info.max_10_exp:
            return int(literal)
        value = self.fraction(literal)
        return value if isinstance(value, _Huge) else int(literal)

    def fraction(self, literal: str) -> float:
        """A double; one beyond its range is `_Huge`, the largest double."""
        value = float(literal)
        if abs(value) <= sys.float_info.max:
            return value
        self.noticed = True
        huge = _Huge(math.copysign(sys.float_info.max, value))
        huge.literal = literal
        return huge

    @staticmethod
    def constant(name: str) -> Json:
        """NaN and the infinities, which are not valid JSON."""
        raise _NotJsonError(name)


def _json(text: str) -> _Noticed | Unreadable:
    hooks = _Hooks()
    try:
        value = json.loads(
            text,
            object_pairs_hook=hooks.members,
            parse_int=hooks.integer,
            parse_float=hooks.fraction,
            parse_constant=hooks.constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return Unreadable(place, f"not valid JSON: {error.msg}")
    except RecursionError:
        return _TOO_DEEP
    except _NotJsonError as error:
        return Unreadable("body", f"{error}, which is not valid JSON")
    if _most_levels(text) > _DEEPEST and isinstance(value, _CONTAINERS) and _too_deep(value):
        return _TOO_DEEP
    if _SURROGATE.search(text) and (lone := _lone_surrogate(value)):
        return Unreadable("body", f"half of a character (\\u{ord(lone):04x})")
    return _plain_json(value) if hooks.noticed else (value, ())


# How JSON writes half of a character beyond U+FFFF; alone it is not a character (RFC 8259, 8.2).
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_TOO_DEEP: Final = Unreadable("body", f"lists or objects more than {_DEEPEST} deep")


def _lone_surrogate(value: Json) -> str | None:
    """The first half of a surrogate pair that stands alone, in any text or name."""
    return next((c for text in _texts(value) for c in text if "\ud800" <= c <= "\udfff"), None)


def _texts(value: Json) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict | list):
            waiting += _children(one)
            waiting += one.keys() if isinstance(one, dict) else ()


_CONTAINERS: Final = (dict, list)
_OBJECT_IN_OBJECT: Final = re.compile(r":\s*\{")


def _most_levels(text: str) -> int:
    """No value in the text is nested deeper.

    Each level but the first begins in a list, or behind a colon; so one flat list of many objects
    is known without a walk.
    """
    return 1 + 2 * text.count("[") + len(_OBJECT_IN_OBJECT.findall(text))


def _too_deep(value: Json) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = chain.from_iterable(map(_children, level))
        level = [child for child in inside if isinstance(child, _CONTAINERS)]
        if not level:
            return False
    return True


def _children(value: dict[str, Json] | list[Json]) -> Iterable[Json]:
    """The members or items, and the members that were lost to another of their name."""
    if isinstance(value, list):
        return value
    if isinstance(value, _Doubled):
        return [*value.values(), *(member for _, member in value.earlier)]
    return value.values()


def _plain_json(value: Json, path: str = "") -> _Noticed:
    """The same value in plain types, and the warnings for its `_Doubled` and `_Huge`."""
    match value:
        case dict():
            members, warnings = dict[str, Json](), list[ParseWarning]()
            for name, member in value.items():
                members[name], inner = _plain_json(member, f"{path}/{escaped(name)}")
                warnings += inner
            for name, earlier in value.earlier if isinstance(value, _Doubled) else ():
                warnings.append(
                    ParseWarning(
                        f"{path}/{escaped(name)}",
                        "duplicate",
                        _plain_json(earlier)[0],
                        members[name],
                    )
                )
            return members, tuple(warnings)
        case list():
            pairs = [_plain_json(item, f"{path}/{index}") for index, item in enumerate(value)]
            return [item for item, _ in pairs], tuple(
                chain.from_iterable(warnings for _, warnings in pairs)
            )
        case _Huge():
            return float(value), (ParseWarning(path, "huge_number", value.literal, float(value)),)
        case _:
            return value, ()


def escaped(name: str) -> str:
    """A name as part of a JSON Pointer (RFC 6901).

    >>> escaped("a/b~c")
    'a~1b~0c'
    """
    return name.replace("~", "~0").replace("/", "~1")


# ── forms ─────────────────────────────────────────────────────────────


def _form(text: str) -> _Noticed | Unreadable:
    """Form fields as an object, names with brackets as PHP reads them.

    >>> _form("recipients[0][phone_number]=%2B33612345678&sender=Ada&sender=Bob")
    ({'recipients': [{'phone_number': '+33612345678'}], 'sender': 'Bob'}, \
(ParseWarning(path='/sender', rule='duplicate', before='Ada', after='Bob'),))
    """
    try:
        fields = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FORM_FIELDS
        )
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x}, which is not UTF-8"
        return Unreadable("form fields", byte)
    except ValueError:
        return Unreadable("body", f"more than {_MOST_FORM_FIELDS} form fields")
    root = _Branch()
    warnings = list[ParseWarning]()
    for name, value in fields:
        *way, last = _keys(name)
        if len(way) >= _DEEPEST:
            return _TOO_DEEP
        branch, path = root, ""
        for given in way:
            key, lost, branch = branch.enter(given)
            path += f"/{escaped(key)}"
            if lost is not None:
                warnings.append(ParseWarning(path, "duplicate", lost, {}))
        last = branch.key(last)
        if last in branch:
            lost = _plain(branch[last])
            warnings.append(ParseWarning(f"{path}/{escaped(last)}", "duplicate", lost, value))
        branch[last] = value
    return {name: _plain(value) for name, value in root.items()}, tuple(warnings)


class _Branch(dict[str, Json]):
    """An array as PHP has it while it reads a form: by name, by number, or by the next number."""

    next_number = 0

    def key(self, key: str) -> str:
        """The key that is meant; an empty one means the number after the highest."""
        key = key or str(self.next_number)
        if key.isascii() and key.isdigit() and len(key) <= _LONGEST_NUMBER:
            self.next_number = max(self.next_number, int(key) + 1)
        return key

    def enter(self, key: str) -> tuple[str, Json, _Branch]:
        """The key that is meant, the value that an array takes the place of, and that array."""
        key = self.key(key)
        inside = self.get(key)
        if isinstance(inside, _Branch):
            return key, None, inside
        self[key] = branch = _Branch()
        return key, inside, branch


# PHP's integers end at 19 digits; what is longer is a name.
_LONGEST_NUMBER: Final = 18


def _keys(name: str) -> list[str]:
    """The keys in a field's name: ``a[b][]`` has a, b and the empty key, which appends."""
    head, bracket, rest = name.partition("[")
    if not (head and bracket and rest.endswith("]")):
        return [name]
    return [head, *rest[:-1].split("][")]


def _plain(value: Json) -> Json:
    """The value in plain types; an array whose keys are all numbers is a list."""
    if not isinstance(value, _Branch):
        return value
    members = {name: _plain(member) for name, member in value.items()}
    numbered = all(name.isascii() and name.isdigit() for name in members)
    return list(members.values()) if numbered else members
