"""The pages for people, all of them.

What changes something, the page's script asks of the control plane, and of the imitated API, as any
other client would: so there is one way to do it, one check of who may, and one message of what was
wrong.
"""

from __future__ import annotations

from mock_server.page import (
    account_pages,
    call_pages,
    inbox_pages,
    request_pages,
    rule_pages,
    try_pages,
)
from mock_server.page.blueprint import blueprint

__all__ = [
    "account_pages",
    "blueprint",
    "call_pages",
    "inbox_pages",
    "request_pages",
    "rule_pages",
    "try_pages",
]
