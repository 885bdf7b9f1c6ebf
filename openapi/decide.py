"""What a human must still decide after an edit of the contract; `nox -s update` runs it last.

    python openapi/decide.py JUNIT_XML

Run it in the root of the project. Compares the contract with the last one that was published,
in openapi/versions/. Exits with 1 if something is left to do before a release.
"""

from __future__ import annotations

import html
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from mock_server.contract.document import ContractError, shipped
from vms.contracts.diff import render
from vms.contracts.diff.comparison import Comparison
from vms.contracts.diff.findings import Severity, numbers
from vms.contracts.generate import CannotGenerateError
from vms.contracts.loaded import document

CONTRACT = shipped("voice-campaign.yaml")
ROOT = CONTRACT.parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
VERSIONS = CONTRACT.parent / "versions"


def last_published() -> Path:
    """The contract of the highest version in openapi/versions/."""
    return max(VERSIONS.glob("*.yaml"), key=lambda path: numbers(path.stem))


def red(junit: Path) -> list[str]:
    """The tests that failed, each with the first line that says why."""
    found = list[str]()
    for case in ET.parse(junit).iter("testcase"):  # noqa: S314  (written by pytest)
        for child in case:
            if child.tag in {"failure", "error"}:
                why = child.attrib.get("message", "").splitlines() or [""]
                module = case.attrib["classname"].replace(".", "/")
                # A file that could not be read has no class, and its name with dots.
                where = f"{module}.py::" if module else ""
                found.append(f"{where}{case.attrib['name']}: {why[0]}")
    return list(dict.fromkeys(found))


def decisions(result: Comparison, unreleased: str) -> Iterator[str]:
    """What no command can know, a sentence each.

    A finding that stands in the changelog, as it was suggested, has been decided.
    """
    told = _squeezed(unreleased)
    contract = CONTRACT.relative_to(ROOT)
    at = f"{contract}:{result.new.openapi.line(('info', 'version'))}"
    if result.findings and not result.version_shows:
        yield f"{at}: raise info.version to at least {result.next_version}."
    elif published_otherwise(result):
        version = result.new.version
        yield f"{at}: raise info.version; {version} was published with other content."
    for one in result.findings:
        if _squeezed(one.what) in told:
            continue
        if one.severity != Severity.HARMLESS and one.new is not None:
            yield f"{contract}:{one.new.line}: is the evidence still that of {one.about}?"
        line = f"- {one.severity.capitalize()}: {render.escaped(one.what)}"
        yield f'CHANGELOG.md, under "Unreleased": {line}'


def published_otherwise(result: Comparison) -> bool:
    """Whether a contract of this version is published, and is not this one."""
    published = VERSIONS / f"{result.new.version}.yaml"
    return published.exists() and published.read_text("utf-8") != result.new.openapi.text


def _squeezed(text: str) -> str:
    """The text without line breaks, code marks and escapes, which a changelog may add."""
    return " ".join(html.unescape(text.replace("`", "").replace("\\", "")).split())


def changed_files() -> list[str]:
    """What git would have to commit."""
    command = ["git", "status", "--porcelain", "--", "generated", "docs", "openapi"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return [line[3:] for line in done.stdout.splitlines()]


def tell(result: Comparison, failed: list[str]) -> int:
    """Print what is left; 1 if something is, else 0."""
    unreleased = CHANGELOG.read_text("utf-8").partition("## Unreleased")[2].partition("\n## ")[0]
    left = [*decisions(result, unreleased), *(f"Mend {test}" for test in failed)]
    for title, lines in (("To commit:", changed_files()), ("For you to decide:", left)):
        if lines:
            print(f"\n{title}")
            print("\n".join(f"  {line}" for line in lines))
    version = result.new.version
    publish = f"to publish: cp {CONTRACT.relative_to(ROOT)} openapi/versions/{version}.yaml"
    if published_otherwise(result):
        # A published contract is never written again: people hold their code against it.
        publish = "to publish, raise info.version first."
    print(f"\n{'Then' if left else 'Nothing is left to decide.'} ./noxw; {publish}")
    return 1 if left else 0


def main(arguments: list[str]) -> int:
    """Run the command; see the top of this file."""
    old, new = (str(path.relative_to(ROOT)) for path in (last_published(), CONTRACT))
    try:
        result = render.compared(document(old), document(new), python=True)
    except (ContractError, CannotGenerateError) as error:
        print(error, file=sys.stderr)
        return 1
    render.show_text(result)
    return tell(result, red(Path(arguments[0])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
