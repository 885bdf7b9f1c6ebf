"""Accounts and their ledgers as values, and the protocol that every store fulfils."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from mock_server.contract.model import Tariff
from mock_server.store.call_plan import Campaign, Phone
from mock_server.store.clock import AccountClock
from mock_server.store.entries import Accepted, Entry
from mock_server.store.injection_plan import Count, InjectionPlan
from mock_server.store.receipt_log import Receipt


@dataclass(frozen=True, slots=True)
class Account:
    """One login and everything that is set for it, as one value: a request reads it once.

    The key itself is not kept. ``generation`` distinguishes an account from a later one of the
    same login.
    """

    login: str
    key_digest: bytes | None
    """None takes the first key that comes."""
    credit: Decimal
    """The credit it starts with, in euros."""
    voice_addon: bool = True
    strict: bool = False
    region: str = "FR"
    """Where its national numbers belong: ISO 3166, two letters."""
    tariff: Tariff | None = None
    """What campaigns cost it, if not what they cost everyone."""
    opt_outs: frozenset[str] = frozenset()
    pace: str = "instant"
    """``instant``, or ``live``: calls take as long as they would."""
    callback_url: str | None = None
    callback_generation: str = "unified"
    """Which of the contract's generations its receipts are of,"""
    callback_format: str = "json"
    """and how they are written: ``json`` or ``form``."""
    clock: AccountClock = field(default_factory=AccountClock)
    faults: InjectionPlan = field(default_factory=InjectionPlan)
    seed: int = 0
    """What chance is drawn from where a share of calls ends in some way."""
    phones: Mapping[str, Phone] = field(default_factory=dict)
    """How phones behave, by number or by prefix with an asterisk; replaced, never changed."""
    may_opt_out: bool = False
    """Whether somebody may opt out in one of its calls; once it is set, it stays."""
    generation: int = 0

    def has_key(self, key: str) -> bool:
        """Whether this is the account's key; takes the same time whatever the answer."""
        known = self.key_digest
        return known is not None and hmac.compare_digest(known, digest(self.login, key))


def digest(login: str, key: str) -> bytes:
    """What is kept of a key: enough to recognise it, not to use it."""
    return hashlib.sha256(f"{login}\0{key}".encode("utf-8", "surrogatepass")).digest()


class State(msgspec.Struct, frozen=True):
    """What a decision needs to know of an account's ledger."""

    credit: Decimal
    issued: int = 0
    """How many tickets the account has had."""
    request_id_used: datetime | None = None
    """When this request's ``request_id`` was last used."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The totals of an account until now; money in euros."""

    credit: Decimal
    spent: Decimal
    campaigns: int
    counts: Mapping[int, Count]
    latest: datetime | None
    """When its latest request arrived, by its own clock."""
    evicted: int
    request_ids_forgotten: int = 0
    """How many were forgotten before their time, to make space."""


class StaleAccountError(Exception):
    """The account was reset since it was read; read it again."""


class Ledger(Protocol):
    """One account's money and memory, held by one request alone."""

    def state(self, request_id: str | None, since: datetime) -> State:
        """The state now; a ``request_id`` used before ``since`` counts as unused."""

    def counts(self) -> Mapping[int, Count]:
        """How often each injected fault was tried and met."""

    def count(self, changed: Mapping[int, Count]) -> None:
        """Remember these counts."""

    def charge(self, campaign: Accepted, at: datetime) -> None:
        """Charge the campaign, count its ticket and remember its ``request_id``."""

    def remember(self, entry: Entry) -> Entry:
        """Put the entry into the inbox; the same entry with its id."""


class Store(Protocol):
    """Where everything is kept. All of it may be called from several threads at once."""

    def known(self, login: str, *, used: bool = True) -> Account | None:
        """The account of that login, if there is one; by being ``used`` it will be kept longer."""

    def open(self, new: Account) -> Account:
        """The account of that login; if there is none, ``new`` becomes it."""

    def change(
        self,
        new: Account,
        how: Callable[[Account, Balance], Account],
        credit: Decimal | None = None,
    ) -> tuple[Account, Balance]:
        """Open the account if there is none, and replace what is set by what ``how`` makes of it.

        Nothing else changes the account in between, and nothing is changed if ``how`` raises.
        ``credit`` becomes what is left. The account will not be forgotten to make space.
        """

    def forget(self, login: str) -> None:
        """Forget the account, its ledger and its entries; one of the given is there anew."""

    def accounts(self) -> tuple[list[tuple[Account, Balance]], int]:
        """Every account, the longest unused first, and how many were forgotten to make space."""

    def balance(self, account: Account) -> Balance:
        """The totals of the account until now."""

    def ledger(self, account: Account) -> AbstractContextManager[Ledger]:
        """The account's ledger; held until the context ends.

        Raises:
            StaleAccountError: the account was reset since it was read.
        """

    def add(self, entry: Entry) -> Entry:
        """Put an entry of no account into the inbox; the same entry with its id."""

    def find(self, number: int) -> Entry | None:
        """The entry with that id, if it is still there."""

    def entries(self, login: str | None, since: int) -> list[Entry]:
        """The entries of a login, or all, with ids above ``since``; oldest first."""

    def newest(self, below: int | None = None) -> Iterator[Entry]:
        """The entries with ids below one, or all, newest first; those that are still there."""

    def kept(self, login: str | None) -> tuple[int, int]:
        """How many entries there are, and how many of the login, or of all, were dropped."""

    def campaigns(self, login: str | None, *, closed: bool = True) -> list[Campaign]:
        """The campaigns of a login, or all, oldest first: every entry that calls somebody is one.

        Without those that are ``closed``, only where something is left to be done.
        """

    def campaign(self, number: int) -> Campaign | None:
        """The campaign of the request with that id, if it is one and still there."""

    def settle(self, before: Campaign, after: Campaign) -> bool:
        """Replace a campaign, unless somebody else has done so since it was read.

        Whoever gets True, and nobody else, does what the change stands for.
        """

    def log_receipt(self, after: Receipt, before: Receipt | None) -> bool:
        """Put a receipt into the log, in place of ``before`` if that is what stands there.

        False if something else does, or nothing any more.
        """

    def receipt(self, number: str) -> Receipt | None:
        """The receipt with that id, if the log still has it."""

    def receipts(self, login: str | None, since: str | None = None) -> tuple[list[Receipt], int]:
        """The receipts of a login, or all, oldest first; how many were dropped to make space.

        Those behind the one with the id ``since``, or all where it is not among them.
        """

    def subscribe(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` after every change until what is returned is called.

        It is called while the store is locked, from any thread, so it must be quick and ask
        nothing of the store.
        """

    def reset(self) -> None:
        """Forget every account, ledger and entry but the given accounts; ids go on."""
