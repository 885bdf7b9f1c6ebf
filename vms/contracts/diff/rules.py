"""The one table: how bad each kind of change is, who is hit, and what to do."""

from __future__ import annotations

from typing import Final, NamedTuple

from vms.contracts.diff.changes import Role
from vms.contracts.diff.findings import Severity

_B, _W, _H = Severity.BREAKING, Severity.WARNING, Severity.HARMLESS


class Rule(NamedTuple):
    """One kind of change: what it is for callers who kept to the old contract."""

    severity: Severity
    what: str
    """A sentence; ``{about}``, ``{before}`` and ``{after}`` stand for what the change has."""
    hit: str = "nobody"
    remedy: str = "Nothing."
    then: str = ""
    """What happens to a caller who kept to the old contract, where ``what`` leaves it open."""


_CALLERS: Final = "whoever calls it"
_READERS: Final = "whoever reads the answer"
_REGENERATE: Final = "Regenerate the client; a type checker names the places."

OPERATION: Final = {
    "path-removed": Rule(_B, "{about} is gone.", _CALLERS, "Stop calling it, or keep it."),
    "path-removed-as-announced": Rule(
        _W, "{about} is gone, as it was announced to be.", _CALLERS, "Stop calling it."
    ),
    "path-added": Rule(_H, "{about} is new."),
    "path-parameter-renamed": Rule(_H, "A parameter of {about} has another name in the contract."),
    "operation-removed": Rule(_B, "{about} is gone.", _CALLERS, "Stop calling it, or keep it."),
    "operation-removed-as-announced": Rule(
        _W, "{about} is gone, as it was announced to be.", _CALLERS, "Stop calling it."
    ),
    "operation-added": Rule(_H, "{about} is new."),
    "operation-deprecated": Rule(_H, "{about} is deprecated."),
    "sunset-sooner": Rule(
        _W,
        "{about} may be gone from {after}; it was to stay until {before}.",
        _CALLERS,
        "Stop calling it before that day.",
    ),
    "operation-id-set": Rule(
        _W,
        "{about} is now called {after}.",
        "code that imports the generated function",
        _REGENERATE,
    ),
    "operation-id-changed": Rule(
        _W,
        "{about} is called {after}; it was {before}.",
        "code that imports the generated function",
        _REGENERATE,
    ),
    "server-removed": Rule(_B, "{before} no longer serves {about}.", _CALLERS, "Use another."),
    "server-added": Rule(_H, "{after} serves {about}, too."),
    "server-changed": Rule(
        _B, "{about} is served by {after}; it was {before}.", _CALLERS, "Look for the old address."
    ),
    "sign-in-required": Rule(_B, "{about} requires signing in by {after}.", _CALLERS, "Sign in."),
    "sign-in-required-too": Rule(
        _B, "{about} requires signing in by {after}; it was {before} alone.", _CALLERS, "Send both."
    ),
    "sign-in-removed": Rule(
        _B,
        "{about} can no longer be signed in to by {before}.",
        "whoever signs in that way",
        "Use another.",
    ),
    "sign-in-added": Rule(_H, "{about} can also be signed in to by {after}."),
    "sign-in-dropped": Rule(
        _W,
        "{about} no longer requires signing in.",
        "whoever owns the data",
        "Make sure that this is meant.",
    ),
    "scope-added": Rule(
        _W,
        "{about} requires more scopes: {after}.",
        "whoever has a token without it",
        "Ask for it.",
    ),
    "sign-in-eased": Rule(_H, "{about} asks for less to sign in."),
    "flow-removed": Rule(
        _B, "{about} is gone.", "whoever gets tokens that way", "Get them by another flow."
    ),
    "scope-removed": Rule(
        _W, "{about} no longer has the scope {before}.", "whoever asks for it", "Do without it."
    ),
    "flow-changed": Rule(
        _B,
        "{about} is at {after}; it was at {before}.",
        "whoever gets tokens there",
        "Get them at the new address.",
    ),
    "scheme-changed": Rule(
        _B,
        "Signing in to {about} has changed: {after}; it was {before}.",
        _CALLERS,
        "Sign in anew.",
    ),
}
_TIGHTER: Final = "whoever sends what is no longer valid"
_CHECK: Final = "Check it before you send it."
REQUEST: Final = {
    "parameter-removed": Rule(
        _W,
        "{about} is gone.",
        "whoever sends it",
        "Take it out, and decide what now does its work.",
        "It is ignored or refused.",
    ),
    "parameter-added": Rule(_H, "{about} is new and optional."),
    "required-parameter-added": Rule(
        _B, "{about} is new and required.", _CALLERS, "Send it with every request."
    ),
    "parameter-moved": Rule(
        _B, "{about} goes into the {after}; it was the {before}.", _CALLERS, _REGENERATE
    ),
    "parameter-became-required": Rule(
        _B, "{about} is required.", "whoever leaves it out", "Send it with every request."
    ),
    "parameter-became-optional": Rule(_H, "{about} is no longer required."),
    "parameter-deprecated": Rule(_H, "{about} is deprecated."),
    "parameter-serialisation-changed": Rule(
        _B, "{about} is encoded differently.", _CALLERS, _REGENERATE
    ),
    "empty-value-refused": Rule(_B, "{about} may no longer be empty.", _TIGHTER, _CHECK),
    "reserved-refused": Rule(
        _W,
        "{about} may no longer have reserved characters as they are.",
        "whoever sends some",
        "Encode them.",
    ),
    "body-added": Rule(_H, "{about} takes a body."),
    "required-body-added": Rule(_B, "{about} requires a body.", _CALLERS, "Send one."),
    "body-removed": Rule(_B, "{about} takes no body any more.", _CALLERS, "Send none."),
    "body-became-required": Rule(_B, "{about} requires a body.", "whoever sends none", "Send one."),
    "body-became-optional": Rule(_H, "{about} no longer requires a body."),
    "media-type-removed": Rule(
        _B, "{about} is no longer taken.", "whoever sends it", "Send another media type."
    ),
    "media-type-added": Rule(_H, "{about} is taken, too."),
    "schema-set": Rule(_W, "{about} is described now.", _TIGHTER, _CHECK),
    "schema-dropped": Rule(_H, "{about} may be anything."),
    "encoding-changed": Rule(_B, "{about} is encoded differently.", _CALLERS, _REGENERATE),
    "success-removed": Rule(
        _B,
        "The answer {about} is no longer accepted.",
        "whoever answers that way",
        "Answer with another.",
    ),
    "error-removed": Rule(
        _B,
        "The answer {about} is no longer accepted.",
        "whoever answers that way",
        "Answer with another.",
    ),
    "status-added": Rule(_H, "The answer {about} is accepted, too."),
    "status-widened": Rule(_H, "Any answer of {after} is accepted, not {about} alone."),
    "status-narrowed": Rule(
        _B,
        "{about} is accepted as {after} only.",
        "whoever answers that way",
        "Answer with another.",
    ),
    "header-removed": Rule(_H, "{about} is no longer read."),
    "required-header-removed": Rule(_H, "{about} is no longer read."),
    "header-added": Rule(_H, "{about} is read."),
    "header-became-optional": Rule(_H, "{about} is no longer required."),
    "header-became-required": Rule(
        _B, "{about} is required.", "whoever leaves it out", "Send it with every answer."
    ),
    "type-widened": Rule(_H, "{about} may be {after}; it was {before}."),
    "type-narrowed": Rule(_B, "{about} must be {after}; it was {before}.", _TIGHTER, _REGENERATE),
    "type-changed": Rule(_B, "{about} must be {after}; it was {before}.", _CALLERS, _REGENERATE),
    "null-allowed": Rule(_H, "{about} may be null."),
    "null-refused": Rule(_B, "{about} may no longer be null.", "whoever sends null", _REGENERATE),
    "enum-set": Rule(_B, "{about} must be one of {after}.", _TIGHTER, _CHECK),
    "enum-dropped": Rule(_H, "{about} need no longer be one of {before}."),
    "enum-value-removed": Rule(
        _B, "{about} may no longer be {before}.", "whoever sends it", "Send another."
    ),
    "enum-value-added": Rule(_H, "{about} may be {after}, too."),
    "default-set": Rule(
        _W,
        "Where {about} is left out, {after} is taken; nothing was promised.",
        "whoever leaves it out",
        "Send it always, with the value that you mean.",
    ),
    "default-dropped": Rule(
        _W,
        "Where {about} is left out, nothing is promised; {before} was taken.",
        "whoever leaves it out",
        "Send it always, with the value that you mean.",
    ),
    "default-changed": Rule(
        _W,
        "Where {about} is left out, {after} is taken; it was {before}.",
        "whoever leaves it out",
        "Send it always, with the value that you mean.",
    ),
    "bound-set": Rule(_W, "{about} has a bound: {after}.", _TIGHTER, _CHECK),
    "bound-tightened": Rule(_B, "{about}: {after}; it was {before}.", _TIGHTER, _CHECK),
    "bound-changed": Rule(_B, "{about}: {after}; it was {before}.", _TIGHTER, _CHECK),
    "bound-loosened": Rule(_H, "{about}: {after}; it was {before}."),
    "bound-dropped": Rule(_H, "{about} has no bound any more; it had {before}."),
    "pattern-tightened": Rule(_B, "{about} must fit {after}.", _TIGHTER, _CHECK),
    "pattern-changed": Rule(_B, "{about} must fit {after}; it was {before}.", _TIGHTER, _CHECK),
    "pattern-loosened": Rule(_H, "{about} need no longer fit {before}."),
    "format-tightened": Rule(_B, "{about} must have the format {after}.", _TIGHTER, _CHECK),
    "format-changed": Rule(
        _B, "{about} must have the format {after}; it was {before}.", _TIGHTER, _CHECK
    ),
    "format-loosened": Rule(_H, "{about} need no longer have the format {before}."),
    "member-removed": Rule(
        _W, "{about} is gone.", "whoever sends it", "Take it out.", "It is ignored or refused."
    ),
    "member-removed-from-closed": Rule(
        _B,
        "{about} is gone.",
        "whoever sends it",
        "Take it out.",
        "No other member may stand there, so it is refused.",
    ),
    "member-renamed": Rule(
        _W,
        "{about} is now {after}.",
        "whoever sends it",
        "Regenerate the client and send {after}; search your code for {before}.",
        "The old name is ignored or refused.",
    ),
    "closed-member-renamed": Rule(
        _B,
        "{about} is now {after}.",
        "whoever sends it",
        "Regenerate the client and send {after}; search your code for {before}.",
        "No other member may stand there, so the old name is refused.",
    ),
    "required-member-renamed": Rule(
        _B,
        "{about} is now {after}, which is required.",
        _CALLERS,
        "Regenerate the client and send {after}; search your code for {before}.",
    ),
    "member-hidden": Rule(
        _W, "{about} belongs to answers only now.", "whoever sends it", "Take it out."
    ),
    "member-added": Rule(_H, "{about} is new and optional."),
    "required-member-added": Rule(
        _B, "{about} is new and required.", _CALLERS, "Send it with every request."
    ),
    "member-became-required": Rule(
        _B, "{about} is required.", "whoever leaves it out", "Send it with every request."
    ),
    "member-became-optional": Rule(_H, "{about} is no longer required."),
    "closed": Rule(
        _B, "{about} takes no other members any more.", "whoever sends some", "Take them out."
    ),
    "opened": Rule(_H, "{about} takes other members."),
    "others-narrowed": Rule(_B, "Other members of {about} are described now.", _TIGHTER, _CHECK),
    "others-widened": Rule(_H, "Other members of {about} may be anything."),
    "alternative-removed": Rule(
        _B, "{about} can no longer be: {before}.", "whoever sends it", "Send another of its shapes."
    ),
    "alternative-added": Rule(_H, "{about} can also be: {after}."),
    "one-shape-only": Rule(_W, "{about} must have one of its shapes only.", _TIGHTER, _CHECK),
    "several-shapes": Rule(_H, "{about} may have several of its shapes at once."),
    "choices-changed": Rule(_B, "{about} has other choices of shapes.", _TIGHTER, _CHECK),
    "discriminator-changed": Rule(
        _B, "{about} is known by {after}; it was {before}.", "whoever sends it", "Send {after}."
    ),
    "mapping-renamed": Rule(
        _B, "{about} is called {after}; it was {before}.", "whoever sends it", "Send {after}."
    ),
    "mapping-removed": Rule(
        _B, "{about} can no longer be called {before}.", "whoever sends it", "Send another."
    ),
    "keyword-set": Rule(_B, "{about} has a condition: {after}.", _TIGHTER, _CHECK),
    "keyword-dropped": Rule(_H, "{about} has a condition less: {before}."),
    "keyword-changed": Rule(_B, "{about} has another condition: {after}.", _TIGHTER, _CHECK),
}
# What differs where a value goes into the address or a header.
PARAMETER: Final = REQUEST | {
    "default-changed": REQUEST["default-changed"]._replace(severity=_B),
}
_BRANCH: Final = "Have a branch for a value that you do not know."
_READ_ANY: Final = "Look at what reads it: parsers, columns, checks."
RESPONSE: Final = {
    "success-removed": Rule(_B, "{about} is no longer answered.", _READERS, _REGENERATE),
    "error-removed": Rule(_H, "{about} is no longer documented."),
    "status-added": Rule(_H, "{about} is documented."),
    "status-widened": Rule(
        _B,
        "{about} is documented as {after}, of which it is one.",
        _READERS,
        "Expect any of them.",
    ),
    "status-narrowed": Rule(_H, "{about} is documented as {after} only."),
    "required-header-removed": Rule(_B, "{about} is gone.", _READERS, "Do without it."),
    "header-removed": Rule(
        _W, "{about} is gone; it could be missing before.", _READERS, "Do without it."
    ),
    "header-added": Rule(_H, "{about} is new."),
    "header-became-optional": Rule(_B, "{about} may be missing.", _READERS, "Do without it."),
    "header-became-required": Rule(_H, "{about} is always there."),
    "media-type-removed": Rule(
        _B, "{about} is no longer offered.", "whoever asks for it", "Ask for another media type."
    ),
    "media-type-added": Rule(_H, "{about} is offered, too."),
    "schema-set": Rule(_H, "{about} is described now."),
    "schema-dropped": Rule(_B, "{about} is no longer described.", _READERS, _READ_ANY),
    "encoding-changed": Rule(_B, "{about} is encoded differently.", _READERS, _REGENERATE),
    "body-added": Rule(_H, "{about} has a body."),
    "required-body-added": Rule(_H, "{about} has a body."),
    "body-removed": Rule(_B, "{about} has no body any more.", _READERS, "Do without it."),
    "webhook-removed": Rule(
        _B, "{about} is no longer sent.", "whoever waits for it", "Do without it, or poll."
    ),
    "webhook-added": Rule(_H, "{about} is new."),
    "type-widened": Rule(_B, "{about} may be {after}; it was {before}.", _READERS, _REGENERATE),
    "type-narrowed": Rule(_H, "{about} is {after}; it was {before}."),
    "type-changed": Rule(_B, "{about} is {after}; it was {before}.", _READERS, _REGENERATE),
    "null-allowed": Rule(_B, "{about} may be null.", _READERS, "Look for null."),
    "null-refused": Rule(_H, "{about} is no longer null."),
    "enum-set": Rule(_H, "{about} is one of {after}."),
    "enum-dropped": Rule(
        _W, "{about} may be another than {before}.", "whoever has a branch for each value", _BRANCH
    ),
    "enum-value-removed": Rule(
        _H,
        "{about} is no longer {before}.",
        "nobody on the wire; code that names the value, once the client is generated anew",
        "Regenerate the client, and look for the value.",
    ),
    "enum-value-added": Rule(
        _W, "{about} may be {after}, too.", "whoever has a branch for each value", _BRANCH
    ),
    "bound-set": Rule(_H, "{about} has a bound: {after}."),
    "bound-tightened": Rule(_H, "{about}: {after}; it was {before}."),
    "bound-changed": Rule(_B, "{about}: {after}; it was {before}.", _READERS, _READ_ANY),
    "bound-loosened": Rule(_B, "{about}: {after}; it was {before}.", _READERS, _READ_ANY),
    "bound-dropped": Rule(
        _B, "{about} has no bound any more; it had {before}.", _READERS, _READ_ANY
    ),
    "pattern-tightened": Rule(_H, "{about} fits {after}."),
    "pattern-changed": Rule(_B, "{about} fits {after}; it was {before}.", _READERS, _READ_ANY),
    "pattern-loosened": Rule(_B, "{about} need no longer fit {before}.", _READERS, _READ_ANY),
    "format-tightened": Rule(_H, "{about} has the format {after}."),
    "format-changed": Rule(
        _B, "{about} has the format {after}; it was {before}.", _READERS, _READ_ANY
    ),
    "format-loosened": Rule(
        _B, "{about} need no longer have the format {before}.", _READERS, _READ_ANY
    ),
    "required-member-removed": Rule(_B, "{about} is gone.", _READERS, _REGENERATE),
    "member-removed": Rule(
        _W, "{about} is gone; it could be missing before.", _READERS, "Do without it."
    ),
    "member-renamed": Rule(
        _W,
        "{about} is now {after}; it could be missing before.",
        _READERS,
        "Read {after}; search your code for {before}.",
    ),
    "required-member-renamed": Rule(_B, "{about} is now {after}.", _READERS, _REGENERATE),
    "member-added": Rule(_H, "{about} is new."),
    "required-member-added": Rule(_H, "{about} is new, and always there."),
    "member-became-required": Rule(_H, "{about} is always there."),
    "member-became-optional": Rule(_B, "{about} may be missing.", _READERS, _REGENERATE),
    "closed": Rule(_H, "{about} has no other members."),
    "opened": Rule(_H, "{about} may have other members."),
    "others-narrowed": Rule(_H, "Other members of {about} are described."),
    "others-widened": Rule(_B, "Other members of {about} may be anything.", _READERS, _READ_ANY),
    "alternative-removed": Rule(_H, "{about} can no longer be: {before}."),
    "alternative-added": Rule(_B, "{about} can also be: {after}.", _READERS, _REGENERATE),
    "one-shape-only": Rule(_H, "{about} has one of its shapes only."),
    "several-shapes": Rule(
        _W, "{about} may have several of its shapes at once.", _READERS, _READ_ANY
    ),
    "choices-changed": Rule(_B, "{about} has other choices of shapes.", _READERS, _REGENERATE),
    "discriminator-changed": Rule(
        _B, "{about} is known by {after}; it was {before}.", _READERS, _REGENERATE
    ),
    "mapping-renamed": Rule(
        _B, "{about} is called {after}; it was {before}.", _READERS, _REGENERATE
    ),
    "mapping-removed": Rule(_H, "{about} is no longer called {before}."),
    "keyword-set": Rule(_H, "{about} has a condition: {after}."),
    "keyword-dropped": Rule(_B, "{about} has a condition less: {before}.", _READERS, _READ_ANY),
    "keyword-changed": Rule(_B, "{about} has another condition: {after}.", _READERS, _READ_ANY),
}
RULES: Final = {
    Role.OPERATION: OPERATION,
    Role.REQUEST: REQUEST,
    Role.PARAMETER: PARAMETER,
    Role.RESPONSE: RESPONSE,
    Role.RECEIPT: RESPONSE,
    Role.REPLY: REQUEST,
}
