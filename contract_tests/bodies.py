"""Bodies as callers send them: valid ones, sloppy ones made from valid ones, and any JSON at all.

All of it follows from the shapes of the schemas, so that a new parameter of a known shape needs no
edit.
"""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeAlias

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import spec

Schema: TypeAlias = Mapping[str, Any]
Values: TypeAlias = st.SearchStrategy[Any]

_BLANKS: Final = ("", " ", "  ", "\n", "\t", "\u00a0", "\u200b")
_DAYS: Final = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1))
_FRENCH: Final = st.integers(0, 99_999_999).map("6{:08d}".format)


def _shape(schema: Schema) -> str:
    if "enum" in schema:
        return "word"
    if schema.get("format") == "date-time":
        return "date"
    if "pattern" in schema:
        return "phone" if "+" in schema["pattern"] else "name"
    kinds = schema["type"]
    return str(kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null"))


# ── valid ─────────────────────────────────────────────────────────────


def valid(schema: Schema) -> Values:
    """Values that the schema accepts."""
    values = _VALID_BY_SHAPE[_shape(schema)](schema)
    return st.none() | values if "null" in schema["type"] else values


def _dates(_: Schema) -> Values:
    ends = st.sampled_from(("Z", "z", "+00:00", "-07:00", "+05:30", ".5Z", ".123456+01:00"))
    return st.builds(lambda day, end: f"{day:%Y-%m-%dT%H:%M:%S}{end}", _DAYS, ends)


def _phones(schema: Schema) -> Values:
    # What the pattern allows and E.164 does not is rare enough to be missed.
    long = st.integers(10**15, 10**16 - 1).map("+{}".format)
    return _FRENCH.map("+33{}".format) | st.from_regex(schema["pattern"], fullmatch=True) | long


def _names(schema: Schema) -> Values:
    letters, most = string.ascii_letters + string.digits, schema["maxLength"]
    long = st.text(letters, min_size=most - 3, max_size=most)
    return st.text(letters, min_size=schema["minLength"], max_size=most) | long


def _texts(schema: Schema) -> Values:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 40)
    blanks = st.sampled_from(_BLANKS)
    padded = st.builds("{}{}{}{}".format, blanks, st.sampled_from("abé"), blanks, blanks)
    return padded | st.text(min_size=least, max_size=30) | st.just("a" * most)


def _objects(schema: Schema) -> Values:
    members = {name: valid(member) for name, member in schema["properties"].items()}
    required = {name: members.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(required, optional=members)


_VALID_BY_SHAPE: Final[Mapping[str, Callable[[Schema], Values]]] = {
    "array": lambda schema: st.lists(valid(schema["items"]), min_size=1, max_size=3),
    "boolean": lambda _: st.booleans(),
    "date": _dates,
    "name": _names,
    "object": _objects,
    "phone": _phones,
    "string": _texts,
    "word": lambda schema: st.sampled_from(schema["enum"]),
}


# ── repairable ─────────────────────────────────────────────────────────────


def repairable(schema: Schema) -> Values:
    """Values that a caller might send for a valid one, and that a good reader understands."""
    return _REPAIRABLE_BY_SHAPE[_shape(schema)](schema)


def _sloppy_dates(_: Schema) -> Values:
    forms = st.sampled_from(
        (
            "{:%Y-%m-%d %H:%M:%S}",
            "{:%Y-%m-%dT%H:%M:%S}",
            "{:%Y-%m-%dT%H:%M}",
            "{:%Y-%m-%d %H:%M}",
            "{:%Y-%m-%d}",
            "{:%Y-%m-%dT%H:%M:%S+0100}",
            "{:%Y-%m-%d %H:%M:%S -07}",
            " {:%Y-%m-%dT%H:%M:%SZ}\n",
        )
    )
    written = st.builds(str.format, forms, _DAYS)
    seconds = st.integers(631_152_000, 4_102_444_800)
    return written | written | written | written | seconds | seconds.map(str)


def _sloppy_phones(_: Schema) -> Values:
    forms = st.sampled_from(
        ("+33 {}", "0033{}", "00 33 {}", "0{}", "tel:+33-{}", "+33 (0){}", "33{}", "+33{}\n")
    )
    written = st.builds(str.format, forms, _FRENCH)
    return written | written | written | _FRENCH.map(lambda number: int("33" + number))


def _sloppy_names(schema: Schema) -> Values:
    short = st.text(string.ascii_letters, min_size=schema["minLength"], max_size=12)
    dashed = short.map(lambda name: f"{name[:2]}-{name[2:]} é")
    return dashed | short.map("{}\n".format) | st.integers(100, 10**9)


def _sloppy_texts(schema: Schema) -> Values:
    values: Values = st.integers(-(10**6), 10**6) | st.booleans() | st.floats(-1000, 1000)
    if "minLength" in schema and "null" in schema["type"]:
        values |= st.just("")
    if "maxLength" in schema:
        full = "a" * (schema["maxLength"] - 3)
        # The second is valid without its line break: then its two blanks have to stay.
        long = st.sampled_from((f" {full}bbb", f"{full}  b\n", f"{full}  bb"))
        return values | long | long | long
    return values


def _sloppy_words(schema: Schema) -> Values:
    ways: list[Callable[[str], str]] = [str.upper, str.swapcase, " {}".format, "{} \n".format]
    if all("-" in word for word in schema["enum"]):
        ways += [lambda tag: tag.replace("-", "_"), lambda tag: tag[:2]]
    words = st.sampled_from(schema["enum"])
    return st.builds(lambda word, way: way(word), words, st.sampled_from(ways))


def _sloppy_objects(schema: Schema) -> Values:
    (only,) = schema["required"]
    return repairable(schema["properties"][only])


def _sloppy_lists(schema: Schema) -> Values:
    bare = st.lists(_FRENCH.map("+33{}".format), min_size=1, max_size=3)
    whole = st.lists(valid(schema["items"]), min_size=1, max_size=3)
    return (
        st.builds(str.join, st.sampled_from((",", "; ", "\n")), bare)
        | valid(schema["items"])
        | whole.map(lambda items: {str(2 * index): item for index, item in enumerate(items)})
        | _FRENCH.map(lambda number: int("33" + number))
    )


_REPAIRABLE_BY_SHAPE: Final[Mapping[str, Callable[[Schema], Values]]] = {
    "array": _sloppy_lists,
    "boolean": lambda _: st.sampled_from(
        ("true", "TRUE", " yes ", "on", "1", 1, 1.0, "false", "No", "off", "0", 0, 0.0)
    ),
    "date": _sloppy_dates,
    "name": _sloppy_names,
    "object": _sloppy_objects,
    "phone": _sloppy_phones,
    "string": _sloppy_texts,
    "word": _sloppy_words,
}


# ── beyond repair ─────────────────────────────────────────────────────────────


def hopeless(schema: Schema) -> Values:
    """Values of which nobody can tell what was meant."""
    values = [*_HOPELESS_BY_SHAPE[_shape(schema)], *_HOPELESS_BY_SHAPE["any"]]
    if "null" not in schema["type"]:
        values.append(None)
        values += ["", "a" * (schema["maxLength"] + 1)] if "maxLength" in schema else []
    return st.sampled_from(values)


_HOPELESS_BY_SHAPE: Final[Mapping[str, tuple[Any, ...]]] = {
    "any": ([], {}, [None], {"value": True}),
    "array": ("", True, ["call me"], [{}], "call me"),
    "boolean": ("simu", "", 2, -1, "maybe"),
    "date": ("tomorrow", "", "2018-13-45", "2018-02-30", True, 12, "2018-10-03T07:42:39+0060"),
    "name": ("-", "a-b", "é"),
    "object": (True, "call me", 12, ""),
    "phone": ("call me", "", "+1", "+12345678901234567", True, 0),
    "string": (),
    "word": ("nonsense", "", 7, True, "xx-XX"),
}


# ── whole bodies ─────────────────────────────────────────────────────────────

# Of 20 bodies so many are valid as sent. Of 20 parameters of the others so many are repairable,
# beyond repair and absent; the rest is valid.
_CLEAN_BODIES: Final = 3
_REPAIRABLE: Final = 7
_HOPELESS: Final = 3
_ABSENT: Final = 3
_UNKNOWN: Final = ("mode", "Text", "sendAt", "auto_remove_blacklisted_numbers", "foo", "a/b~", "")


def _sloppy_object(schema: Schema, unknown: Values, hopeless_options: int) -> Values:
    ways = {
        name: (
            _HOPELESS if name in schema["required"] else hopeless_options,
            _nearly_valid(member),
            repairable(member),
            hopeless(member),
        )
        for name, member in schema["properties"].items()
    }

    @st.composite
    def drawn(draw: st.DrawFn) -> dict[str, Any]:
        value = dict[str, Any]()
        for name, (hopeless_ones, nearly_valid, mendable, lost) in ways.items():
            rank = draw(_TWENTY)
            if rank < _REPAIRABLE:
                value[name] = draw(mendable)
            elif rank < _REPAIRABLE + hopeless_ones:
                value[name] = draw(lost)
            elif name in schema["required"] or rank >= _REPAIRABLE + hopeless_ones + _ABSENT:
                value[name] = draw(nearly_valid)
        value |= draw(unknown)
        return dict(reversed(value.items())) if draw(st.booleans()) else value

    return drawn()


_TWENTY: Final = st.integers(0, 19)


def _nearly_valid(schema: Schema) -> Values:
    """Valid values; in a list, sloppy items too."""
    if _shape(schema) != "array":
        return valid(schema)
    sloppy = _sloppy_contacts()
    item = sloppy | valid(schema["items"]) | repairable(schema["items"])
    # Half of the lists are all sloppy, or a contact's own parameters would seldom be lost.
    return st.lists(sloppy, min_size=1, max_size=2) | st.lists(item, min_size=1, max_size=3)


def _sloppy_contacts() -> Values:
    return _sloppy_object(spec.CONTACT, st.just({}), hopeless_options=8)


def json_values() -> Values:
    """Any JSON value; numbers that fit into a double."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(10**300), 10**300)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=20)
    )

    def wrapped(inner: Values) -> Values:
        return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)

    return st.recursive(leaves, wrapped, max_leaves=5)


def unknown_parameters() -> Values:
    """Parameters that the contract does not have, for the body and for a contact."""
    names = st.sampled_from(_UNKNOWN) | st.text(max_size=12)
    return st.dictionaries(
        names.filter(lambda name: name not in {**spec.FIELDS, **spec.CONTACT_FIELDS}),
        json_values(),
        max_size=2,
    )


def valid_bodies() -> Values:
    """Bodies that are valid as sent."""
    return valid(spec.BODY)


def sloppy_bodies() -> Values:
    """Bodies as they come: some valid, most with something to repair, some beyond it."""
    kinds = (valid_bodies(), _sloppy_object(spec.BODY, unknown_parameters(), hopeless_options=4))
    return _TWENTY.flatmap(lambda rank: kinds[rank >= _CLEAN_BODIES])


def bodies_with_contacts() -> Values:
    """Bodies with several contacts: sloppy, valid and hopeless ones."""
    contact = _sloppy_contacts() | valid(spec.CONTACT) | hopeless(spec.CONTACT)
    contacts = st.lists(contact, min_size=2, max_size=4)
    return st.fixed_dictionaries({"text": st.just("a"), "recipients": contacts})


def any_bodies() -> Values:
    """Any JSON objects; many of their names are the contract's."""
    names = st.sampled_from([*spec.FIELDS, *spec.CONTACT_FIELDS]) | st.text(max_size=10)
    contact = st.dictionaries(names, json_values(), max_size=4)
    contacts = st.lists(contact | json_values(), max_size=3)
    body = st.dictionaries(names, json_values(), max_size=8)
    return body | st.builds(lambda some, more: {**some, "recipients": more}, body, contacts)


@cache
def drawn(kind: Callable[[], Values], share: int) -> list[Any]:
    """So many values of one kind for each example of the profile, the smallest first."""
    values = list[Any]()
    profile = settings()

    @settings(profile, max_examples=share * profile.max_examples, phases=[Phase.generate])
    @given(kind())
    def draw(value: object) -> None:
        values.append(value)

    draw()
    return sorted(values, key=lambda value: len(json.dumps(value)))


def shared(*kinds: tuple[Callable[[], Values], int]) -> Values:
    """Values drawn once for all tests: to draw a body takes ten times as long as to read it."""

    def picked() -> Values:
        values = [value for kind, share in kinds for value in drawn(kind, share)]
        return st.sampled_from(values).map(deepcopy)

    return st.deferred(picked)


# ── what is sent for a body ─────────────────────────────────────────────────────────────


def json_texts() -> Values:
    """Objects in JSON whose names may stand twice."""
    return _json_objects(_PLAIN)


def odd_json_texts() -> Values:
    """The same with halves of characters, numbers without end and lists without end."""
    odd = st.sampled_from(
        ("1e999", "-1e999", "9" * 400, r'"\ud83d"', r'{"\udcde": 1}', "[" * 600 + "]" * 600)
    )
    return _json_objects(_PLAIN | _PLAIN | _PLAIN | odd)


_PLAIN: Final = st.sampled_from(
    ("1", "-0", "0.5", "1e2", "true", "null", '"a"', r'"\u00e9"', r'"\ud83d\udcde"', "[]", "{}")
)


def _json_objects(leaves: Values) -> Values:
    names = st.sampled_from(('"text"', '"recipients"', '"simulation_mode"', '""', '"a/b"'))

    def listed(inner: Values) -> Values:
        return st.lists(inner, max_size=3).map(", ".join).map("[{}]".format)

    def named(inner: Values) -> Values:
        pairs = st.builds("{}: {}".format, names, inner)
        return st.lists(pairs, max_size=4).map(", ".join).map("{{{}}}".format)

    inner = leaves | named(leaves) | listed(leaves)
    return named(leaves | inner | listed(inner))


def content_types() -> st.SearchStrategy[str]:
    """What stands in the header, or does not."""
    known = ("application/json", "application/json; charset=utf-8", "text/plain", "")
    form = "application/x-www-form-urlencoded"
    return st.sampled_from((*known, form, form)) | st.text(max_size=20)


# The parts of a date and time, each with what RFC 3339 allows and what it does not.
_DATE_PARTS: Final = (
    (("2018", "2016", "2000", "0000", "9999"), ("18", "\u0662018", "")),
    (("-01", "-02", "-06", "-12"), ("-13", "-00", "-6", "01")),
    (("-01", "-28", "-29", "-30", "-31"), ("-00", "-32", "-1", "/01")),
    (("T", "t"), (" ", "", "  ")),
    (("00", "07", "23"), ("24", "7")),
    ((":00", ":59"), (":60", "00")),
    ((":00", ":59", ":60"), (":61", "")),
    (("", ".5", ".123456789012"), (".", ",5")),
    (("Z", "z", "+00:00", "-00:01", "+23:59"), ("+24:00", "+01:60", "+0100", "", "Z\n", " Z")),
)


@st.composite
def near_dates(draw: st.DrawFn) -> str:
    """Texts that are a date and time of RFC 3339, or miss it by a part or two."""
    spoilt = draw(st.sets(st.integers(0, len(_DATE_PARTS) - 1), max_size=2))
    return "".join(
        draw(st.sampled_from(bad if index in spoilt else good))
        for index, (good, bad) in enumerate(_DATE_PARTS)
    )
