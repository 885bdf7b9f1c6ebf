"""What a change is where the API is lenient: mostly silent. And what changes of leniency itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mock_server.contract import document
from mock_server.contract.document import Pointer
from vms.contracts.diff.changes import Change, Role
from vms.contracts.diff.findings import Finding, Severity
from vms.contracts.diff.rules import Rule
from vms.contracts.loaded import LoadedContract
from vms.contracts.parameters import Parameter, parameters
from vms.contracts.places import Place

_SILENT, _BREAKING, _HARMLESS = Severity.SILENT, Severity.BREAKING, Severity.HARMLESS
# A type checker sees these, and the API refuses them, unless it has something else in their place.
_LOUD: Final = frozenset(
    {
        "member-became-required",
        "required-member-added",
        "required-member-renamed",
        "type-changed",
        "type-narrowed",
    }
)
# What is refused before anything is read.
_REFUSED: Final = frozenset({"media-type-removed", "body-removed", "required-body-added"})
_IGNORED: Final = frozenset(
    {"closed-member-renamed", "member-removed", "member-removed-from-closed", "member-renamed"}
)
_TERMS: Final = {
    "opening_credit": "tests that count on it",
    "price": "whoever pays",
    "billing_step": "whoever pays",
    "characters_a_second": "whoever pays",
    "request_id_hours": "people being called: a repeat may ring twice",
    "smallest_frame": "whoever sends campaigns in frames",
    "largest_frame": "whoever sends campaigns in frames",
    "default_region": "people being called: national numbers belong to another country",
    "opt_out_flag": "people who opted out: they would be called",
}
_CALLERS: Final = "client code and whoever tests against the twin"
_TESTS: Final = "whoever tests against the twin"
_READERS: Final = "client code that reads the answer, when the money is gone"
_RECEIVERS: Final = "whoever receives receipts: the outcome of a call is lost"
_REPLIERS: Final = "whoever receives receipts: the same one comes again"
_NOTES: Final = "See in the twin's notes which of your requests are read so."


class Leniency:
    """Two contracts with leniency: how bad a change is there, and what else changes."""

    def __init__(self, old: LoadedContract, new: LoadedContract) -> None:
        self._old, self._new = old, new
        self._before, self._after = parameters(old), parameters(new)

    # ── what the document differ has found ──────────────────────────────────

    def rated(self, change: Change, rule: Rule) -> Rule:
        """The rule for a change, as it is where nobody reports what was repaired."""
        if rule.severity is _HARMLESS:
            return rule
        if change.role is Role.RECEIPT:
            return rule._replace(severity=_SILENT, hit=_RECEIVERS)
        if change.role is Role.REPLY:
            return rule._replace(severity=_SILENT, hit=_REPLIERS)
        if change.role is Role.RESPONSE:
            refusal = not change.about.part.startswith("2")
            return rule._replace(hit="client code that reads refusals" if refusal else _READERS)
        if change.kind == "scheme-changed":
            # Whoever sends the old one is not signed in, and no compiler sees it.
            return rule._replace(severity=_SILENT, hit="client code: every call")
        return self._rated_request(change, rule) if change.role is Role.REQUEST else rule

    def _rated_request(self, change: Change, rule: Rule) -> Rule:
        one, other = self._pair(change)
        known = other or one
        if change.kind in _REFUSED or known is None:
            return rule
        loud = change.kind in _LOUD and not self._is_left_out(known)
        if change.kind.startswith("type"):
            loud = loud and known.lenient["fallback"] == "reject"
        # What stands in it is a value, and not a place for one.
        consequence = self._consequence(change, known).replace("{", "{{").replace("}", "}}")
        return rule._replace(
            severity=_BREAKING if loud else _SILENT,
            then=consequence,
            hit=self._hit(change.kind, one, other),
        )

    def _pair(self, change: Change) -> tuple[Parameter | None, Parameter | None]:
        """The parameter that a change is about, before and after it."""
        member = change.about.member
        renamed = member
        if change.kind.endswith("member-renamed"):
            parent, dot, _ = member.rpartition(".")
            renamed = f"{parent}{dot}{change.after}"
        return self._before.get(member), self._after.get(renamed)

    def _consequence(self, change: Change, known: Parameter) -> str:
        """What happens to a request that keeps to the old contract."""
        fallback = known.lenient["fallback"]
        if change.kind.startswith("default"):
            consequence = ""
        elif change.kind in _IGNORED:
            name = "The old name" if change.kind.endswith("renamed") else "It"
            consequence = f"{name} is ignored, and the request is sent."
        elif self._is_left_out(known):
            consequence = "Such a contact is left out, and the others are called."
        elif "required" in change.kind:
            consequence = "Requests without it are refused."
        elif fallback == "ignore":
            consequence = "Such a value is ignored, and the request is sent."
        elif fallback == "default":
            consequence = f"Such a value becomes {known.default!r}, and the request is sent."
        else:
            keyword = change.kind.partition("-")[0]
            if keyword == "bound":
                keyword = (change.after or change.before).split()[0]
            consequence = f"Such a request is refused with {known.code(keyword)}."
        return consequence

    def _is_left_out(self, one: Parameter) -> bool:
        """Whether it is a member of an item that is left out where it is not valid."""
        item = self._after.get(one.parent) if one.parent.endswith("[]") else None
        return item is not None and item.lenient["fallback"] == "ignore"

    def _hit(self, kind: str, one: Parameter | None, other: Parameter | None) -> str:
        """Who notices: those that are called before those that call."""
        known = [some for some in (one, other) if some is not None]
        paths = {some.path for some in known}
        flags = {one.contract.terms.opt_out_flag for one in (self._old, self._new)}
        simulates = other is not None and other.default is True and kind == "default-changed"
        high = any(
            some.lenient.get("stakes") == "high" or self._is_left_out(some) for some in known
        )
        hits = (
            (kind in {"error-code-changed", "stakes-changed"}, _CALLERS),
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
        return next((hit for applies, hit in hits if applies), _CALLERS)

    # ── what it does not look at ────────────────────────────────────────────

    def findings(self) -> Iterator[Finding]:
        """Every change of leniency, of terms, and of what the twin does."""
        for path in sorted(self._before.keys() & self._after.keys()):
            yield from self._ladder(self._before[path], self._after[path])
        yield from self._answers()
        yield from self._meanings()
        yield from self._twin()
        yield from self._terms()
        yield from self._stakes()

    def _ladder(self, one: Parameter, other: Parameter) -> Iterator[Finding]:
        before, after = one.lenient, other.lenient
        casts, now = before["casts"], after["casts"]
        if lost := [cast for cast in casts if cast not in now]:
            what = f"{one.path} is no longer repaired by {', '.join(lost)}."
            yield self._of(one, other, _SILENT, "cast-removed", what, _NOTES)
        if won := [cast for cast in now if cast not in casts]:
            high = after.get("stakes") == "high"
            severity = _SILENT if high else _HARMLESS
            kind = "high-stakes-cast-added" if high else "cast-added"
            what = f"{one.path} is repaired by {', '.join(won)}, too."
            yield self._of(one, other, severity, kind, what, _NOTES if high else "Nothing.")
        if [cast for cast in casts if cast in now] != [cast for cast in now if cast in casts]:
            what = f"The casts of {one.path} are tried in another order: {', '.join(now)}."
            yield self._of(one, other, _SILENT, "casts-reordered", what, _NOTES)
        if before["fallback"] != after["fallback"]:
            what = (
                f"What cannot be repaired in {one.path}: {before['fallback']} is now "
                f"{after['fallback']}."
            )
            yield self._of(one, other, _SILENT, "fallback-changed", what, _NOTES)
        written = [some.schema.get("default") for some in (one, other)]
        if one.default != other.default and written[0] == written[1]:
            what = f"Without {one.path} the API takes {other.default!r}; it took {one.default!r}."
            remedy = f"Send {other.name} always, with the value that you mean."
            yield self._of(one, other, _SILENT, "default-changed", what, remedy)
        for reason in dict.fromkeys((*before["errors"], *after["errors"])):
            codes = one.code(reason), other.code(reason)
            if codes[0] != codes[1]:
                what = f"{one.path} is refused ({reason}) with {codes[1]}; it was {codes[0]}."
                remedy = f"Search your code for {codes[0]}."
                yield self._of(one, other, _SILENT, "error-code-changed", what, remedy)
        names = [
            {entry["name"] for entry in some.get("former", ())}
            | set(some.get("mistaken", {}).get("names", ()))
            for some in (before, after)
        ]
        # Former and mistaken names are ignored either way; only the hint changes.
        if hints := ", ".join(sorted((names[0] ^ names[1]) - {one.name, other.name})):
            what = f"The hint that {hints} means {other.name} has changed; it is still ignored."
            yield self._of(one, other, _HARMLESS, "other-names-changed", what, "Nothing.")
        stakes = [some.get("stakes", "normal") for some in (before, after)]
        if stakes[0] != stakes[1]:
            what = f"The stakes of {one.path} are {stakes[1]}; they were {stakes[0]}."
            remedy = "Look again at what depends on it."
            yield self._of(one, other, _SILENT, "stakes-changed", what, remedy)

    def _of(  # noqa: PLR0913, PLR0917  (the parts of a finding)
        self,
        one: Parameter,
        other: Parameter,
        severity: Severity,
        kind: str,
        what: str,
        remedy: str,
    ) -> Finding:
        hit = "nobody" if severity is _HARMLESS else self._hit(kind, one, other)
        at = (one.pointer, other.pointer)
        return self._finding((severity, kind, one.path or "the body"), what, hit, remedy, at)

    def _answers(self) -> Iterator[Finding]:
        one, other = self._old.contract.answers, self._new.contract.answers
        for name in sorted(one.keys() - other.keys()):
            yield self._finding(
                (_BREAKING, "named-answer-removed", name),
                f"No answer is called {name} any more.",
                f"{_TESTS}, by Prefer or by faults",
                "Look for the name in your tests.",
                (_answer_at(self._old, name), None),
            )
        for name in sorted(one.keys() & other.keys()):
            before, after = one[name], other[name]
            at = (_answer_at(self._old, name), _answer_at(self._new, name))
            codes = _codes(before.value), _codes(after.value)
            for severity, kind, word, values in (
                (_BREAKING, "status-changed", "status", (before.status, after.status)),
                (_SILENT, "error-code-changed", "code", codes),
            ):
                if values[0] != values[1]:
                    yield self._finding(
                        (severity, kind, name),
                        f"{name} is answered with the {word} {values[1]}; it was {values[0]}.",
                        f"client code that looks at the {word}",
                        f"Search your code for {values[0]}.",
                        at,
                    )

    def _meanings(self) -> Iterator[Finding]:
        """Members of the answer that keep their names and change their meanings."""
        before, after = (one.contract.terms.answer for one in (self._old, self._new))
        for meaning in sorted(before.keys() | after.keys()):
            one, other = before.get(meaning), after.get(meaning)
            # A member that is gone has a finding of its own.
            if one == other or (one is not None and not _is_answered(self._new, one)):
                continue
            at = "x-campaign", "answer"
            yield self._finding(
                (_SILENT, "answer-meaning-changed", f"2XX.{one or other}"),
                f"The {meaning} is answered as {other or 'nothing'}; it was {one or 'nothing'}.",
                _READERS,
                "Look at every place that reads the answer.",
                ((*self._old.at, *at), (*self._new.at, *at)),
            )

    def _twin(self) -> Iterator[Finding]:
        """Magic values and phones: nothing of the real API, but tests depend on them."""
        documents = [one.file.document for one in (self._old, self._new)]
        if documents[0]["x-magic"] != documents[1]["x-magic"]:
            at: Pointer = ("x-magic",)
            yield self._finding(
                (_BREAKING, "magic-changed", "x-magic"),
                "Magic values force other outcomes at the twin.",
                _TESTS,
                "Look for the values that changed in your tests.",
                (at, at),
            )
        if self._old.contract.calls != self._new.contract.calls:
            old, new = (("x-calls",) if "x-calls" in one else None for one in documents)
            yield self._finding(
                (_SILENT, "calls-changed", "x-calls"),
                "Calls end in other ways at the twin, or their receipts have other words for it.",
                f"whoever receives receipts, and {_TESTS}",
                "Look at every receiver, and for the values that changed in your tests.",
                (old, new),
            )

    def _terms(self) -> Iterator[Finding]:
        before, after = (one.operation["x-campaign"] for one in (self._old, self._new))
        for name, hit in _TERMS.items():
            one, other = (
                term["value"] if isinstance(term, dict) else term
                for term in (before[name], after[name])
            )
            renamed = name == "opt_out_flag" and one not in self._new.contract.body.members
            if one != other and not renamed:
                yield self._finding(
                    (_SILENT, "term-changed", name),
                    f"{name} is {other}; it was {one}.",
                    hit,
                    "Look at what counts on it: budgets, tests, retries.",
                    ((*self._old.at, "x-campaign", name), (*self._new.at, "x-campaign", name)),
                )

    def _stakes(self) -> Iterator[Finding]:
        one, other = self._old.contract, self._new.contract
        below = ("requestBody", "x-decoding"), ("x-campaign", "checks")
        for before, after, old, new in (
            (one.rules, other.rules, ("x-rules",), ("x-rules",)),
            (one.casts, other.casts, ("x-casts",), ("x-casts",)),
            *(
                (rules[0], rules[1], (*self._old.at, *at), (*self._new.at, *at))
                for rules, at in zip(
                    (
                        (one.decoding, other.decoding),
                        (one.terms.checks, other.terms.checks),
                    ),
                    below,
                    strict=True,
                )
            ),
        ):
            for name in sorted(before.keys() & after.keys()):
                if before[name].high_stakes != after[name].high_stakes:
                    yield self._finding(
                        (_SILENT, "stakes-changed", name),
                        f"The stakes of the rule {name} are "
                        f"{'high' if after[name].high_stakes else 'normal'} now.",
                        _CALLERS,
                        "Look again at what depends on it.",
                        ((*old, name), (*new, name)),
                    )

    def _finding(
        self,
        ids: tuple[Severity, str, str],
        what: str,
        hit: str,
        remedy: str,
        at: tuple[Pointer | None, Pointer | None],
    ) -> Finding:
        old, new = (
            None if pointer is None else _place(loaded, pointer)
            for loaded, pointer in zip((self._old, self._new), at, strict=True)
        )
        return Finding(*ids, what, hit, remedy, old, new)


def _place(loaded: LoadedContract, pointer: Pointer) -> Place:
    return Place(str(loaded.file.path), loaded.file.line(pointer), document.written(pointer))


def _is_answered(loaded: LoadedContract, name: str) -> bool:
    """Whether a success has such a member."""
    for status, response in loaded.operation["responses"].items():
        for media_type, media in response.get("content", {}).items():
            at = (*loaded.at, "responses", status, "content", media_type, "schema")
            schema, _ = loaded.file.follow(media["schema"], at)
            if status.startswith("2") and name in schema.get("properties", {}):
                return True
    return False


def _answer_at(loaded: LoadedContract, name: str) -> Pointer:
    for status, response in loaded.operation["responses"].items():
        for media_type, media in response.get("content", {}).items():
            if name in media.get("examples", {}):
                return (*loaded.at, "responses", status, "content", media_type, "examples", name)
    return ("x-answers", name)


def _codes(value: Mapping[str, Any]) -> str:
    """The codes of a refusal: the flat one, and those of its parameters."""
    named = value.get("errors")
    errors = [
        str(error.get("code", ""))
        for error in (named.values() if isinstance(named, dict) else ())
        if isinstance(error, dict)
    ]
    return " ".join(filter(None, (str(value.get("code", "")), *errors)))
