"""From a request to what it asks for; the same request always gives the same reading."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from mock_server import casts
from mock_server.casts import Cast
from mock_server.contract.model import Contract
from mock_server.core.campaign_policy import CampaignPolicy, Order, violated
from mock_server.json_values import Json
from mock_server.reading import coercion, decoding
from mock_server.reading.coercion import Note, Reading
from mock_server.reading.decoding import Decoded, Unreadable
from mock_server.store.entries import NOTHING_NOTED, Refused, Request, Tally


class Understood(msgspec.Struct, frozen=True):
    """A request as the API reads it."""

    order: Order | Refused
    """What is asked for by a real send, or why it would be refused."""
    simulated: Order | Refused | None = None
    """What is asked for by a simulation, which reads the first level only; None if it is none."""
    reading: Reading | None = None
    """None where the body was valid as sent, so that nobody had to read it; empty, but for the
    notes of the query, where that could not be."""
    tally: Tally = NOTHING_NOTED


class RequestReader:
    """Reads requests by one contract. Needs no lock but for its own table of casts."""

    def __init__(self, contract: Contract, policy: CampaignPolicy) -> None:
        self._contract = contract
        self._policy = policy
        self._tables = dict[str, Mapping[str, Cast]]()
        self._tables_lock = threading.Lock()

    def fast_check(self, request: Request) -> Any:  # noqa: ANN401  (see FastCheck)
        """The body, decoded, if it is valid as sent; None if it must be read."""
        check, expected = self._contract.fast_check, self._contract.media_type
        given = request.content_type
        if (
            check is None
            or not request.complete
            or request.query
            or len(request.body) > decoding.LARGEST_BODY
            or (
                given != expected
                and decoding.media_type_of(given) != decoding.media_type_of(expected)
            )
        ):
            return None
        return check(request.body)

    def understand(self, request: Request, region: str, *, strict: bool) -> Understood:
        """A request that is not known to be valid as sent."""
        decoded = self.decoded(request)
        if isinstance(decoded, Unreadable):
            return self.unread("unreadable", request)
        reading = self._read(decoded, region, request.query)
        tally = Tally.of(reading.notes, reading.violations)
        if strict and (refused := self.strict(reading)):
            return Understood(refused, reading=reading, tally=tally)
        return Understood(
            self._order(reading),
            self._simulated(decoded.value, reading, region),
            reading,
            tally,
        )

    def unread(self, answer: str, request: Request) -> Understood:
        """A request that is refused before its body is read: what its query has is noted."""
        notes = self.query_notes(request)
        reading = Reading({}, notes) if notes else None
        return Understood(Refused(answer), reading=reading, tally=Tally.of(notes, ()))

    def query_notes(self, request: Request) -> tuple[Note, ...]:
        """What the query of a request has, which is not read."""
        return tuple(coercion.query_notes(self._contract, request.query))

    def checked(self, body: Any) -> Understood:  # noqa: ANN401  (see FastCheck)
        """A request whose body passed `fast_check`."""
        order = self._policy.checked_order(body)
        return Understood(order, order if order.simulated else None)

    def decoded(self, request: Request) -> Decoded | Unreadable:
        """The body as one JSON object, and what the parser let pass."""
        if not request.complete:
            got = f"only {len(request.body)} bytes"
            return Unreadable("body", got, "all of the Content-Length")
        return decoding.decode(
            request.body,
            request.content_type,
            self._contract.media_type,
            request.headers.get("content-encoding", ""),
        )

    def strict(self, reading: Reading) -> Refused | None:
        """How strict mode refuses what was read; None if nothing had to be repaired."""
        return self._policy.strict(reading) if reading.repairs else None

    def again(self, request: Request, region: str) -> Reading | Unreadable:
        """The whole reading of a request, worked out once more because somebody looks."""
        decoded = self.decoded(request)
        if isinstance(decoded, Unreadable):
            return decoded
        return self._read(decoded, region, request.query)

    def _read(self, decoded: Decoded, region: str, query: str) -> Reading:
        table = self._table(region)
        return coercion.read(self._contract, decoded.value, table, decoded.warnings, query)

    def _order(self, reading: Reading, *, items: bool = True) -> Order | Refused:
        if reading.violations:
            return violated(reading)
        return self._policy.order(reading.value, items=items)

    def _simulated(
        self, body: dict[str, Json], reading: Reading, region: str
    ) -> Order | Refused | None:
        if self._contract.filled(reading.value).get("simulation_mode") is not True:
            return None
        if not reading.notes and not reading.violations:
            return self._order(reading)
        first_level = coercion.read_first_level(self._contract, body, self._table(region))
        return self._order(first_level, items=False)

    def _table(self, region: str) -> Mapping[str, Cast]:
        with self._tables_lock:
            if region not in self._tables:
                self._tables[region] = casts.table(region)
            return self._tables[region]
