"""The words of twin and contract tools are the field's: none that they had before comes back."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import ROOT

pytestmark = pytest.mark.unmeasured

# Each with what stands for it now. A word counts in any case, in snake_case and in CamelCase.
WORDS = {
    r"tell|tells|telling|told|say|says|saying|said": "report, log, show, name",
    r"came|want|wants|wanted": "got, expected, require",
    r"mend|mends|mending|mended": "repair, coerce",
    r"(?:is|are|was|were|be) no(?! longer)": "is not a, is not valid",
    r"no (?:json|yaml|toml|utf 8|number|text|object)": "not valid JSON, not a number",
    r"(?:hold|holds|held) (?:\w+ ){0,4}against": "compare with",
    r"otherwise": "fallback; by default",
    r"the seed s?|seed s|source seed": "the vendor's page; vendor-page",
    r"worlds?": "account",
    r"rooms?|houses?|doors?": "module, package, client; space",
    r"books": "totals",
    r"fates?|bec(?:ame|omes?) of": "outcome",
    r"marks?|marked|key of campaign": "idempotency key",
    r"desk": "CampaignPolicy",
    r"usual": "RequestTemplate; common",
    r"slips?|forgiv(?:e|es|en|ing)|forgave": "parse warning, accept",
    r"side": "LoadedContract",
}
# The field's own words, and names that PyYAML has given.
PROPER = r"byte order mark|(?:start|problem) mark|marked yaml error"
MODULES = sorted(
    path for folder in ("mock_server", "vms/contracts") for path in (ROOT / folder).rglob("*.py")
)
CONTROL_PLANE = ROOT / "openapi/twin.yaml"


def in_words(text: str) -> str:
    """The text in small letters, every name in its words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return " ".join(re.findall(r"[a-z0-9]+", apart.lower()))


def old_words(text: str) -> list[str]:
    """What is found, with some of what stands around it, and what to write instead."""
    plain = re.sub(rf"\b(?:{PROPER})\b", "", in_words(text))
    return [
        f"… {found[0]} …: write {instead}"
        for word, instead in WORDS.items()
        for found in re.finditer(rf".{{0,30}}\b(?:{word})\b.{{0,30}}", plain)
    ]


def spoken(source: str) -> Iterator[str]:
    """Every name, comment and string (docstrings among them) of a module."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in {tokenize.NAME, tokenize.COMMENT}:
            yield token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_none_of_the_old_words(module: Path) -> None:
    names = [old for text in spoken(module.read_text("utf-8")) for old in old_words(text)]

    assert names == []


def test_the_control_planes_contract_has_none_of_the_old_words() -> None:
    assert old_words(CONTROL_PLANE.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "module", [*(ROOT / "mock_server/reading").glob("*.py")], ids=lambda path: path.stem
)
def test_only_what_is_injected_is_a_fault(module: Path) -> None:
    """A value that is not valid is a violation."""
    assert re.search(r"\bfaults?\b", in_words(module.read_text("utf-8"))) is None


@pytest.mark.parametrize(
    "text",
    ["WorldGoneError", "self._mended", "5 is no number", "_MARK", "The seed's example", "no UTF-8"],
)
def test_an_old_word_is_found_in_any_spelling(text: str) -> None:
    assert old_words(text)


@pytest.mark.parametrize("text", ["seed", "sides", "MarkedYAMLError", "byte_order_mark", "unusual"])
def test_what_only_looks_like_an_old_word_is_none(text: str) -> None:
    assert not old_words(text)
