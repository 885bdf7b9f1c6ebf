"""What the API does with a body, from the contract and the vendor's page alone: a second opinion.

Enumerations, bounds, defaults, last resorts, error codes and prices are read from the contract;
what each cast does is written anew in `oracle_casts`. Nothing here comes from the twin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import spec
from oracle_casts import CASTS

if TYPE_CHECKING:
    import wire

_SCHEMAS: Final = spec.DOCUMENT["components"]["schemas"]
_TERMS: Final = spec.OPERATION["x-campaign"]


class Remark(NamedTuple):
    """One note that has to be written. Stakes are None where any will do."""

    path: str
    kind: str
    rule: str
    grade: str
    high_stakes: bool | None

    def fits(self, note: Mapping[str, Any]) -> bool:
        """Whether this is the note of an entry."""
        got = (note["path"], note["kind"], note["rule"], note["evidence"]["grade"])
        stakes = note["stakes"] == "high"
        return self[:4] == got and self.high_stakes in {None, stakes}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a body on a new account; contacts, duration and cost are 0 if refused."""

    kept: dict[str, Any]
    remarks: tuple[Remark, ...]
    errors: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Each parameter that is blamed, with code and message."""
    flat: str | None = None
    """The answer, where the whole request is refused and no parameter."""
    evidence: str = ""
    simulated: bool = False
    contacts: int = 0
    duration: int = 0
    cost: Decimal = Decimal(0)

    @property
    def status(self) -> int:
        """The status of the answer."""
        name = self.flat or ("unsupported-language" if self.errors else "accepted")
        return int(spec.ANSWERS[name]["x-status"])

    @property
    def codes(self) -> dict[str, int]:
        """The code of each parameter that is blamed."""
        return {name: code for name, (code, _) in self.errors.items()}

    @property
    def advice(self) -> int:
        """How many remarks are mere advice."""
        return sum(remark.kind == "advice" for remark in self.remarks)

    @property
    def repairs(self) -> int:
        """How many remarks strict mode refuses."""
        return len(self.remarks) - self.advice

    @property
    def word(self) -> str:
        """The verdict in a word: valid, mended or refused."""
        if self.errors or self.flat:
            return "refused"
        return "mended" if self.repairs else "valid"


@dataclass(slots=True)
class _Outcome:
    """What is left of one value."""

    value: Any = None
    gone: bool = False
    remarks: list[Remark] = field(default_factory=list)
    advice: list[Remark] = field(default_factory=list)
    error: tuple[int, str] | None = None


def written(value: object) -> str:
    """JSON text, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


def _graded(evidence: Mapping[str, str]) -> str:
    return evidence["grade"]


def _is_high(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("stakes") == "high")


def _error(lenient: Mapping[str, Any], reason: str) -> tuple[int, str]:
    error = lenient["errors"].get(reason, lenient["errors"]["any"])
    return error["code"], error["message"]


def _advised(lenient: Mapping[str, Any], value: object, path: str) -> list[Remark]:
    return [
        Remark(path, "advice", advice["name"], _graded(advice["evidence"]), _is_high(advice))
        for advice in lenient.get("advice", ())
        if not spec.accepts(advice["schema"], value)
    ]


class _Judge:
    """Judges values by their schemas; ``whole`` looks at lists only from outside, not at items."""

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole

    def accepts(self, plain: Mapping[str, Any], value: object) -> bool:
        if self._whole:
            plain = {name: part for name, part in plain.items() if name != "items"}
        return spec.accepts(dict(plain), value)

    def value(
        self, schema: Mapping[str, Any], plain: dict[str, Any], raw: Any, path: str
    ) -> _Outcome:
        lenient = schema["x-lenient"]
        if self.accepts(plain, raw):
            return _Outcome(raw, advice=self._advice(schema, raw, path))
        if raw is None:
            return self._null(schema, path)
        value, steps = raw, list[Remark]()
        for name in lenient["casts"]:
            mended = CASTS[name](value)
            if written(mended) != written(value):
                cast = spec.DOCUMENT["x-casts"][name]
                steps.append(
                    Remark(path, "repair", name, _graded(cast["evidence"]), _is_high(cast))
                )
                value = mended
                if self.accepts(plain, value):
                    return _Outcome(value, remarks=steps, advice=self._advice(schema, value, path))
        inside, reason = self._inside(schema, plain, value, path)
        inside.remarks[:0] = steps
        if not inside.gone and self.accepts(plain, inside.value):
            inside.advice += _advised(lenient, inside.value, path)
            return inside
        if reason != "items":
            inside.remarks = [remark for remark in inside.remarks if remark.kind != "repair"]
        return self._last_resort(schema, plain, inside, reason, path)

    def _advice(self, schema: Mapping[str, Any], value: Any, path: str) -> list[Remark]:
        remarks = _advised(schema["x-lenient"], value, path)
        if isinstance(value, dict):
            for name, member in value.items():
                remarks += self._advice(schema["properties"][name], member, f"{path}/{name}")
        if isinstance(value, list) and not self._whole:
            for index, item in enumerate(value):
                remarks += self._advice(_SCHEMAS["Contact"], item, f"{path}/{index}")
        return remarks

    def _null(self, schema: Mapping[str, Any], path: str) -> _Outcome:
        lenient = schema["x-lenient"]
        grade = _graded(spec.DOCUMENT["x-rules"]["null_as_absent"]["evidence"])
        if (default := lenient.get("default")) is not None:
            remark = Remark(path, "default", "null_as_absent", grade, _is_high(lenient))
            return _Outcome(default.get("value", schema.get("default")), remarks=[remark])
        if lenient["fallback"] == "reject":
            return _Outcome(gone=True, error=_error(lenient, "required"))
        remark = Remark(path, "ignored", "null_as_absent", grade, _is_high(lenient))
        return _Outcome(gone=True, remarks=[remark])

    def _inside(
        self, schema: Mapping[str, Any], plain: dict[str, Any], value: Any, path: str
    ) -> tuple[_Outcome, str]:
        if isinstance(value, list) and "items" in schema:
            outside = {name: part for name, part in plain.items() if name != "items"}
            if self._whole or not spec.accepts(outside, value):
                return _Outcome(value), ""
            kept = _Outcome([])
            for index, raw in enumerate(value):
                item = self.value(_SCHEMAS["Contact"], plain["items"], raw, f"{path}/{index}")
                kept.remarks += item.remarks
                if not item.gone:
                    kept.value.append(item.value)
                    kept.advice += item.advice
            return kept, "items" if len(kept.value) < len(value) else ""
        if isinstance(value, dict) and "properties" in schema:
            return self.members(schema, plain, value, path)[0], ""
        return _Outcome(value), ""

    def members(
        self, schema: Mapping[str, Any], plain: dict[str, Any], value: dict[str, Any], path: str
    ) -> tuple[_Outcome, dict[str, tuple[int, str]]]:
        """The object with each member judged, and the members that are blamed."""
        kept, errors = _Outcome({}), dict[str, tuple[int, str]]()
        for name, raw in value.items():
            place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in schema["properties"]:
                kept.remarks.append(_unknown(schema, name, place))
                continue
            member = schema["properties"][name]
            outcome = self.value(member, plain["properties"][name], raw, place)
            kept.remarks += outcome.remarks
            if outcome.error is not None:
                errors[name] = outcome.error
            if not outcome.gone:
                kept.value[name] = outcome.value
                kept.advice += outcome.advice
        for name in schema["required"]:
            if name not in value:
                errors[name] = _error(schema["properties"][name]["x-lenient"], "required")
        kept.gone = bool(errors)
        return kept, errors

    def _last_resort(
        self,
        schema: Mapping[str, Any],
        plain: dict[str, Any],
        inside: _Outcome,
        reason: str,
        path: str,
    ) -> _Outcome:
        lenient = schema["x-lenient"]
        resort, high = lenient["fallback"], _is_high(lenient)
        if resort == "reject":
            broken = reason or _broken(plain, lenient, inside.value)
            return _Outcome(gone=True, remarks=inside.remarks, error=_error(lenient, broken))
        if resort == "default":
            default = lenient["default"]
            remark = Remark(path, "default", "default", _graded(default["evidence"]), high)
            value = default.get("value", schema.get("default"))
            return _Outcome(value, remarks=[*inside.remarks, remark])
        remark = Remark(path, "ignored", "ignore", _graded(lenient["evidence"]), high)
        return _Outcome(gone=True, remarks=[*inside.remarks, remark])


def _broken(plain: Mapping[str, Any], lenient: Mapping[str, Any], value: object) -> str:
    """The keyword with an error of its own that the value breaks."""
    alone = {name: {name: part} for name, part in plain.items() if name in lenient["errors"]}
    return next((name for name, one in alone.items() if not spec.accepts(one, value)), "any")


def _squashed(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _unknown(schema: Mapping[str, Any], name: str, path: str) -> Remark:
    grade = _graded(spec.DOCUMENT["x-rules"]["unknown"]["evidence"])
    for meant, member in schema["properties"].items():
        lenient = member["x-lenient"]
        former = [entry["name"] for entry in lenient.get("former", ())]
        names = (meant, *former, *lenient.get("mistaken", {}).get("names", ()))
        if _squashed(name) in map(_squashed, names):
            return Remark(path, "ignored", "unknown", grade, _is_high(lenient))
    # Which names are near ones is a judgement of the twin's, and so are their stakes.
    return Remark(path, "ignored", "unknown", grade, None)


def judge_query(names: Iterable[str]) -> list[Remark]:
    """What has to be noted of parameters in the query of the URL, by their names."""
    grade = _graded(spec.DOCUMENT["x-rules"]["query"]["evidence"])
    schema = _SCHEMAS["VoiceCampaign"]
    remarks = list[Remark]()
    for name in names:
        place = f"query/{name.replace('~', '~0').replace('/', '~1')}"
        outer = name.split("[")[0]
        known = outer in schema["properties"] or outer in {"api-login", "api-key"}
        high = True if known else _unknown(schema, outer, "").high_stakes
        remarks.append(Remark(place, "ignored", "query", grade, high))
    return remarks


def _check(name: str, path: str) -> Remark:
    check = _TERMS["checks"][name]
    return Remark(path, "advice", name, _graded(check["evidence"]), _is_high(check))


def _priced(body: Mapping[str, Any]) -> tuple[int, Decimal]:
    """The seconds of one call, and the price of all."""
    step, speed = _TERMS["billing_step"]["value"], _TERMS["characters_a_second"]["value"]
    steps = 1
    while len(body["text"]) > steps * step * speed:
        steps += 1
    return steps * step, steps * len(body["recipients"]) * Decimal(_TERMS["price"]["value"])


def _is_past(text: str) -> bool:
    """Whether a date and time of RFC 3339 is not to come any more at noon of the tests."""
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    try:
        return datetime.fromisoformat(text.upper()) <= spec.NOON
    except ValueError:
        # RFC 3339 has a year 0, datetime has not.
        return True


def _read(body: dict[str, Any], *, whole: bool = False) -> tuple[_Outcome, dict[str, Any]]:
    schema = _SCHEMAS["VoiceCampaign"]
    return _Judge(whole=whole).members(schema, spec.BODY, body, "")


def judge(body: dict[str, Any]) -> Verdict:
    """What becomes of the body as the first request of a new account."""
    outcome, errors = _read(body)
    kept, remarks = outcome.value, (*outcome.remarks, *outcome.advice)
    simulated = kept.get("simulation_mode") is True
    first, first_errors = _read(body, whole=True) if simulated else (outcome, errors)
    if first_errors:
        return Verdict(kept, remarks, first_errors, evidence=_said(first_errors, remarks))
    checked = first.value
    duration, cost = _priced(checked)
    credit = Decimal(_TERMS["opening_credit"]["value"])
    real_cost = Decimal(0) if errors else _priced(kept)[1]
    if not simulated and cost > credit:
        return Verdict(kept, remarks, flat="out-of-credit", evidence="assumed: legacy-codes")
    said = list[Remark]()
    if "send_at" in checked and _is_past(checked["send_at"]):
        said.append(_check("past", "/send_at"))
    if simulated:
        passes = [f"/{name}" for name in errors]
        if not errors and real_cost > credit:
            passes = [""]
        elif not errors and len(kept["recipients"]) != len(checked["recipients"]):
            passes = ["/recipients"]
        said += [_check("simulation_passes", path) for path in passes]
    return Verdict(
        kept,
        (*remarks, *said),
        evidence=_said({}, remarks),
        simulated=simulated,
        contacts=len(checked["recipients"]),
        duration=duration,
        cost=cost,
    )


def judge_strict(body: dict[str, Any]) -> Verdict:
    """The same in strict mode, which refuses what has to be mended."""
    outcome, errors = _read(body)
    if not outcome.remarks:
        return judge(body)
    schema = _SCHEMAS["VoiceCampaign"]
    blamed = dict[str, tuple[int, str]]()
    for remark in outcome.remarks:
        name = remark.path.split("/")[1].replace("~1", "/").replace("~0", "~")
        member = schema["properties"].get(name, schema)
        blamed[name] = _error(member["x-lenient"], "strict")
    remarks = (*outcome.remarks, *outcome.advice)
    return Verdict(outcome.value, remarks, {**blamed, **errors}, evidence=_said(errors, remarks))


def _said(errors: Mapping[str, object], remarks: tuple[Remark, ...]) -> str:
    """The evidence of the last word."""
    if errors:
        name = next(iter(errors))
        lenient = _SCHEMAS["VoiceCampaign"]["properties"][name]["x-lenient"]
        return f"{_graded(lenient['evidence'])}: x-lenient of {name}"
    if remarks:
        return f"{remarks[-1].grade}: {remarks[-1].rule} at {remarks[-1].path or 'the body'}"
    return "documented: the schema of the request"


def said_flat(name: str) -> str:
    """Code and words of an answer that blames no parameter."""
    value = spec.ANSWERS[name]["value"]
    return f"{value['code']} {value['message']}"


def same_answer(verdict: Verdict, answer: wire.Answer) -> list[str]:
    """How an answer differs from a verdict; nothing if they agree."""
    expected: dict[str, Any] = {
        "status": verdict.status,
        "Twin-Notes": str(verdict.repairs),
        "Twin-Advice": str(verdict.advice),
    }
    value = answer.value if isinstance(answer.value, dict) else {}
    got: dict[str, Any] = {
        "status": answer.status,
        "Twin-Notes": answer.headers.get("Twin-Notes"),
        "Twin-Advice": answer.headers.get("Twin-Advice"),
    }
    if verdict.flat:
        expected["body"], got["body"] = spec.ANSWERS[verdict.flat]["value"], value
    elif verdict.errors:
        errors = {n: {"code": code, "message": text} for n, (code, text) in verdict.errors.items()}
        expected["body"] = {**spec.ANSWERS["unsupported-language"]["value"], "errors": errors}
        got["body"] = value
    else:
        expected |= {
            "number_of_contacts": verdict.contacts,
            "total_cost": float(verdict.cost),
            "estimated_duration": verdict.duration,
            "members": list(_SCHEMAS["CampaignAccepted"]["properties"]),
        }
        got |= {name: value.get(name) for name in list(expected)[3:6]} | {"members": list(value)}
    return [
        f"{name}: {got[name]!r}, expected {expected[name]!r}"
        for name in expected
        if written(got[name]) != written(expected[name])
    ]
