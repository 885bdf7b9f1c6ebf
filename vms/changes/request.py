"""What a change does to requests: parameters, bounds, defaults and leniency."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mock_server.contract.document import Pointer
from vms.changes.findings import Finding, Severity
from vms.changes.sources import Side

_BOUNDS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    # Keyword: is the new bound tighter than the old one?
    **dict.fromkeys(("maxLength", "maxItems", "maximum"), lambda old, new: new < old),
    **dict.fromkeys(("minLength", "minItems", "minimum"), lambda old, new: new > old),
}
_FORMS: Final = ("pattern", "format")
_SHAPE: Final = ("type", "enum", "pattern", "format", "items", *_BOUNDS)
# Below it, two names of the same shape have nothing to do with each other.
_NEAR: Final = 0.6
_NO_BOUND: Final = object()
_CALLERS: Final = "client code and whoever tests against the twin"
# What changes no call.
_OF_THE_TWIN: Final = frozenset({"error-code-changed", "stakes-changed"})
SEVERITIES: Final = {
    **dict.fromkeys(
        (
            "bound-tightened",
            "cast-removed",
            "casts-reordered",
            "default-changed",
            "enum-value-removed",
            "error-code-changed",
            "high-stakes-cast-added",
            "last-resort-changed",
            "parameter-removed",
            "parameter-renamed",
            "stakes-changed",
            "type-changed-silently",
            "contact-member-required",
            "contact-member-renamed",
        ),
        Severity.SILENT,
    ),
    **dict.fromkeys(
        ("parameter-required", "required-parameter-renamed", "type-changed"), Severity.BREAKING
    ),
    **dict.fromkeys(
        (
            "bound-loosened",
            "cast-added",
            "enum-value-added",
            "other-names-changed",
            "parameter-added",
            "parameter-optional",
            "type-widened",
        ),
        Severity.HARMLESS,
    ),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of the request, such as ``recipients[].phone_number``."""

    path: str
    schema: Mapping[str, Any]
    pointer: Pointer
    required: bool

    @property
    def parent(self) -> str:
        """The path of what it is a member of."""
        return self.path.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition(".")[2]

    @property
    def lenient(self) -> Mapping[str, Any]:
        """What the API does with what is not valid."""
        return self.schema["x-lenient"]  # type: ignore[no-any-return]  # the loader has checked it

    @property
    def default(self) -> object:
        """What the API takes where it is absent; None if that is nothing."""
        return self.schema.get("default", self.lenient.get("default", {}).get("value"))

    def code(self, reason: str) -> int:
        """The code of a refusal for this reason."""
        errors = self.lenient["errors"]
        return int(errors.get(reason, errors["any"])["code"])


def parameters(side: Side) -> dict[str, Parameter]:
    """Every parameter by its path; the body itself is ``""``."""
    pointer = (*side.at, "requestBody", "content", side.contract.media_type, "schema")
    found = dict[str, Parameter]()

    def walk(path: str, schema: Mapping[str, Any], pointer: Pointer, *, required: bool) -> None:
        schema, pointer = side.file.follow(schema, pointer)
        found[path] = Parameter(path, schema, pointer, required)
        if "items" in schema:
            walk(f"{path}[]", schema["items"], (*pointer, "items"), required=False)
        for name, member in schema.get("properties", {}).items():
            below = f"{path}.{name}" if path else name
            walk(
                below,
                member,
                (*pointer, "properties", name),
                required=name in schema.get("required", ()),
            )

    walk("", side.file.at(pointer), pointer, required=True)
    return found


class Requests:
    """Compares the requests of two contracts."""

    def __init__(self, old: Side, new: Side) -> None:
        self._old, self._new = old, new
        self._before, self._after = parameters(old), parameters(new)

    def findings(self) -> Iterator[Finding]:
        """Every change of a parameter."""
        gone = self._tops(self._before, self._after)
        come = self._tops(self._after, self._before)
        for one in gone:
            other = _successor(one, come)
            if other is None:
                yield self._removed(one)
            else:
                come.remove(other)
                yield self._renamed(one, other)
                yield from self._changed(one, other)
        for one in come:
            yield self._added(one)
        for path in self._before.keys() & self._after.keys():
            yield from self._changed(self._before[path], self._after[path])

    @staticmethod
    def _tops(some: Mapping[str, Parameter], others: Mapping[str, Parameter]) -> list[Parameter]:
        """What only ``some`` have, without what stands below another of these."""
        missing = some.keys() - others.keys()
        return [some[path] for path in sorted(missing) if some[path].parent not in missing]

    # ── whole parameters ─────────────────────────────────────────────

    def _removed(self, one: Parameter) -> Finding:
        return self._finding(
            "parameter-removed",
            (one, None),
            f"{one.path} is gone. It is ignored from now on, and the request is sent.",
            "Take it out of every caller, and decide what now does its work.",
        )

    def _renamed(self, one: Parameter, other: Parameter) -> Finding:
        # An absent required parameter is refused whatever its last resort is; but below a list
        # whose items are left out, that item is left out, and the others are called.
        rule = "parameter-renamed"
        fate = "The old name is ignored from now on, and the request is sent."
        if other.required and self._dropped(other):
            rule = "contact-member-renamed"
            fate = "A contact without the new name is left out, and the others are called."
        elif other.required:
            rule = "required-parameter-renamed"
            fate = "Without the new name a request is refused."
        return self._finding(
            rule,
            (one, other),
            f"{one.path} is now {other.name}. {fate}",
            f"Regenerate the client and send {other.name}; search your code for {one.name}.",
        )

    def _added(self, one: Parameter) -> Finding:
        if one.required:
            dropped = self._dropped(one)
            fate = (
                "a contact without it is left out" if dropped else "requests without it are refused"
            )
            return self._finding(
                "contact-member-required" if dropped else "parameter-required",
                (None, one),
                f"{one.path} is new and required: {fate}.",
                f"Send {one.name} with every {'contact' if dropped else 'request'}.",
            )
        return self._finding(
            "parameter-added",
            (None, one),
            f"{one.path} is new and optional.",
            "Nothing, or use it.",
        )

    # ── one parameter before and after ─────────────────────────────────

    def _changed(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        yield from self._requiredness(one, other)
        yield from self._types(one, other)
        yield from self._values(one, other)
        yield from self._bounds(one, other)
        yield from self._leniency(one, other)

    def _requiredness(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        if one.required == other.required:
            return
        if other.required:
            rule = "contact-member-required" if self._dropped(other) else "parameter-required"
            remedy = "Send it always."
        else:
            rule, remedy = "parameter-optional", "Nothing."
        what = f"{one.path} is {'' if other.required else 'no longer '}required."
        yield self._finding(rule, (one, other), what, remedy)

    def _types(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        before, after = _types(one.schema), _types(other.schema)
        if before == after:
            return
        what = f"{one.path} is {_words(after)}; it was {_words(before)}."
        if before <= after:
            yield self._finding("type-widened", (one, other), what, "Nothing.")
            return
        loud = self._refuses(other)
        yield self._finding(
            "type-changed" if loud else "type-changed-silently",
            (one, other),
            f"{what} {_fate(other)}",
            "Regenerate the client; a type checker names the places.",
        )

    def _values(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        if one.default != other.default:
            yield self._finding(
                "default-changed",
                (one, other),
                f"Without {one.path} the API takes {other.default!r}; it took {one.default!r}.",
                f"Send {other.name} always, with the value you mean.",
            )
        before, after = one.schema.get("enum"), other.schema.get("enum")
        if before is None and after is None:
            return
        lost = [value for value in before or () if after is not None and value not in after]
        if lost or before is None:
            words = ", ".join(map(str, lost)) or "Whatever is not listed"
            yield self._finding(
                "enum-value-removed",
                (one, other),
                f"{words}: no longer a value of {one.path}. {_fate(other, 'enum')}",
                f"Send one of {', '.join(map(str, after or ()))}.",
            )
        if after is None:
            what = f"{one.path} may be any text; it was one of {', '.join(map(str, before or ()))}."
            yield self._finding("enum-value-added", (one, other), what, "Nothing, or use it.")
        if won := [value for value in after or () if before is not None and value not in before]:
            what = f"{one.path} may be {', '.join(map(str, won))}, too."
            yield self._finding("enum-value-added", (one, other), what, "Nothing, or use it.")

    def _bounds(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        for keyword in (*_BOUNDS, *_FORMS):
            before = one.schema.get(keyword, _NO_BOUND)
            after = other.schema.get(keyword, _NO_BOUND)
            if before == after:
                continue
            tighter = before is _NO_BOUND or (
                after is not _NO_BOUND and (keyword in _FORMS or _BOUNDS[keyword](before, after))
            )
            what = f"{keyword} of {one.path}: {_or_none(before)} is now {_or_none(after)}."
            yield self._finding(
                "bound-tightened" if tighter else "bound-loosened",
                (one, other),
                f"{what} {_fate(other, keyword)}" if tighter else what,
                f"Check {other.name} before you send it." if tighter else "Nothing.",
            )

    def _dropped(self, one: Parameter) -> bool:
        """Whether it is a member of an item that is left out where it is not valid."""
        item = self._after.get(one.parent) if one.parent.endswith("[]") else None
        return item is not None and item.lenient["fallback"] == "ignore"

    def _refuses(self, one: Parameter) -> bool:
        """Whether a value that is not valid refuses the request."""
        return one.lenient["fallback"] == "reject" and not self._dropped(one)

    # ── leniency ─────────────────────────────────────────────────────────

    def _leniency(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        before, after = one.lenient, other.lenient
        casts, now = before["casts"], after["casts"]
        if lost := [cast for cast in casts if cast not in now]:
            yield self._finding(
                "cast-removed",
                (one, other),
                f"{one.path} is no longer repaired by {', '.join(lost)}. {_fate(other)}",
                "See in the twin's notes which of your requests needed it, and send valid values.",
            )
        if won := [cast for cast in now if cast not in casts]:
            high = after.get("stakes") == "high"
            yield self._finding(
                "high-stakes-cast-added" if high else "cast-added",
                (one, other),
                f"{one.path} is repaired by {', '.join(won)}, too."
                + (f" What met another fate before ({before['fallback']}) is taken now." * high),
                "See in the twin's notes which of your requests are read so."
                if high
                else "Nothing.",
            )
        if [cast for cast in casts if cast in now] != [cast for cast in now if cast in casts]:
            what = f"The casts of {one.path} are tried in another order: {', '.join(now)}."
            remedy = "Send valid values; the twin's notes say which were not."
            yield self._finding("casts-reordered", (one, other), what, remedy)
        if before["fallback"] != after["fallback"]:
            yield self._finding(
                "last-resort-changed",
                (one, other),
                f"What cannot be repaired in {one.path}: {before['fallback']} is now "
                f"{after['fallback']}. {_fate(other)}",
                "Send valid values; the twin's notes say which were not.",
            )
        for reason in dict.fromkeys((*before["errors"], *after["errors"])):
            if one.code(reason) != other.code(reason):
                yield self._finding(
                    "error-code-changed",
                    (one, other),
                    f"{one.path} is refused ({reason}) with {other.code(reason)}; "
                    f"it was {one.code(reason)}.",
                    f"Search your code for {one.code(reason)}.",
                )
        yield from self._other_names(one, other)
        stakes = [some.get("stakes", "normal") for some in (before, after)]
        if stakes[0] != stakes[1]:
            yield self._finding(
                "stakes-changed",
                (one, other),
                f"The stakes of {one.path} are {stakes[1]}; they were {stakes[0]}.",
                "Look again at what depends on it.",
            )

    def _other_names(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        """Former and mistaken names are ignored either way; only the hint changes."""
        names = [
            {entry["name"] for entry in some.get("former", ())}
            | set(some.get("mistaken", {}).get("names", ()))
            for some in (one.lenient, other.lenient)
        ]
        # Of a rename the old name is told already.
        if changed := ", ".join(sorted((names[0] ^ names[1]) - {one.name, other.name})):
            what = (
                f"Whether {changed} is told to mean {other.name} has changed; it is ignored still."
            )
            yield self._finding("other-names-changed", (one, other), what, "Nothing.")

    def _finding(
        self,
        rule: str,
        pair: tuple[Parameter | None, Parameter | None],
        what: str,
        remedy: str,
    ) -> Finding:
        one, other = pair
        severity = SEVERITIES[rule]
        known = one or other
        assert known is not None  # noqa: S101  (one of the two is there)
        return Finding(
            severity,
            rule,
            known.path or "the body",
            what,
            "nobody" if severity == Severity.HARMLESS else self._hit(rule, one, other),
            remedy,
            None if one is None else self._old.place(one.pointer),
            None if other is None else self._new.place(other.pointer),
        )

    def _hit(self, rule: str, one: Parameter | None, other: Parameter | None) -> str:
        """Who notices: those that are called before those that call."""
        known = [some for some in (one, other) if some is not None]
        paths = {some.path for some in known}
        flags = {self._old.contract.terms.opt_out_flag, self._new.contract.terms.opt_out_flag}
        simulates = other is not None and other.default is True and rule == "default-changed"
        high = any(some.lenient.get("stakes") == "high" or self._dropped(some) for some in known)
        hits = (
            (rule in _OF_THE_TWIN, _CALLERS),
            (bool(paths & flags), "people who opted out: they would be called"),
            (
                "simulation_mode" in paths and simulates,
                "whoever counts on calls: what was meant to ring would be simulated",
            ),
            (
                "simulation_mode" in paths,
                "people being called: what was meant as a simulation would ring",
            ),
            ("send_at" in paths, "people being called: at another time than was meant"),
            (
                "request_id" in paths,
                "people being called: a repeat would not be noticed, and rings twice",
            ),
            (high, "people being called: others than was meant, or in another way"),
        )
        return next((hit for holds, hit in hits if holds), _CALLERS)


def _successor(one: Parameter, come: list[Parameter]) -> Parameter | None:
    """The new name of a parameter that is gone: listed as such, or near and of the same shape."""
    siblings = [other for other in come if other.parent == one.parent]
    for other in siblings:
        if one.name in {entry["name"] for entry in other.lenient.get("former", ())}:
            return other
    alike = {other.name: other for other in siblings if _shape(other) == _shape(one)}
    near = difflib.get_close_matches(one.name, alike, n=1, cutoff=_NEAR)
    return alike[near[0]] if near else None


def _shape(one: Parameter) -> dict[str, object]:
    return {keyword: one.schema[keyword] for keyword in _SHAPE if keyword in one.schema}


def _types(schema: Mapping[str, Any]) -> set[str]:
    given = schema.get("type", ())
    return {given} if isinstance(given, str) else set(given)


def _words(types: set[str]) -> str:
    return " or ".join(sorted(types)) or "of any type"


def _or_none(bound: object) -> str:
    return "none" if bound is _NO_BOUND else repr(bound)


def _fate(other: Parameter, keyword: str = "any") -> str:
    """What becomes of a value that is no longer valid by this keyword."""
    otherwise = other.lenient["fallback"]
    if otherwise == "reject" and ".".join(other.path.split(".")[:-1]).endswith("[]"):
        return "Such a contact is left out, and the others are called."
    if otherwise == "reject":
        return f"Such a request is refused with {other.code(keyword)}."
    if otherwise == "ignore":
        return "Such a value is ignored, and the request is sent."
    return f"Such a value becomes {other.default!r}, and the request is sent."
