"""What a failed check prints: the request, what is documented, the answer and the evidence."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from spec import METHOD, PATH
from wire import SIGNED_IN

# Longer bodies fill the screen; the whole request stands in the failure's own arguments.
_LONGEST = 1200


def curl(
    body: object,
    *,
    url: str = "http://127.0.0.1:8010",
    path: str = PATH,
    method: str = METHOD,
    headers: Mapping[str, str] | None = None,
) -> str:
    """A line for the shell that sends this again to ``vms serve``; bytes go out as they are."""
    sent = {"Content-Type": "application/json", **(SIGNED_IN if headers is None else headers)}
    flags = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in sent.items()]
    if method != METHOD:
        flags.insert(0, f"-X {shlex.quote(method)}")
    text = body.decode("latin-1") if isinstance(body, bytes) else json.dumps(body)
    return " ".join(["curl -i", shlex.quote(url + path), *flags, "--data-raw", shlex.quote(text)])


def told(
    body: object,
    *,
    documented: object,
    got: object,
    evidence: str,
    **sent: Any,
) -> str:
    """One screen about a request that was not answered as documented."""
    line = curl(body, **sent)
    shown = line if len(line) <= _LONGEST else f"{line[:_LONGEST]} … ({len(line)} characters)"
    return "\n".join(
        (
            "",
            f"  send:       {shown}",
            f"  documented: {documented}",
            f"  got:        {got}",
            f"  evidence:   {evidence}",
        )
    )
