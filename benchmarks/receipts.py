"""Receipts: how fast they leave, none lost and none twice, and what they cost whoever sends.

    python benchmarks/receipts.py [--campaigns 100]

Twin, sender and receiver are three processes of this machine; nothing here fails.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import socket
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection

import httpx

from mock_server.contract.loader import load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app
from mock_server.http.server import Serving

CONTACTS = 500
_ASK = True
_LONGEST = 600
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def receiver(pipe: Connection) -> None:
    """Answer every receipt; send the count of each that was received, when asked for."""
    got = Counter[str]()

    def talk(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while stream.readline():
                length = 0
                while (line := stream.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                members = json.loads(stream.read(length))
                got[f"{members['message_id']} {members['number']}"] += 1
                connection.sendall(_ANSWER)

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:

        def accept() -> None:
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        pipe.send(listener.getsockname()[1])
        while pipe.recv():
            pipe.send((len(got), sum(got.values())))


def twin(pipe: Connection) -> None:
    """Serve until told to end; send the peak of the memory in MiB, when asked for."""
    with Serving(create_app(Twin(load()))) as serving:
        pipe.send(serving.url)
        while pipe.recv():
            pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def accepted(client: httpx.Client, login: str, campaigns: int, contacts: int) -> float:
    """Seconds until so many campaigns were accepted."""
    numbers = [{"phone_number": f"+336{number:08}"} for number in range(contacts)]
    body = json.dumps({"text": "Hello.", "recipients": numbers})
    headers = {"api-login": login, "api-key": "k", "content-type": "application/json"}
    path = client.get("/_twin/health").json()["contract"]["url_path"]
    began = time.perf_counter()
    for _ in range(campaigns):
        assert client.post(path, content=body, headers=headers).is_success  # noqa: S101  (nothing here fails)
    return time.perf_counter() - began


def delivered(pipe: Connection, expected: int) -> tuple[float, int]:
    """Seconds until so many were received, and how many more were."""
    began = time.perf_counter()
    while True:
        pipe.send(_ASK)
        different, received = pipe.recv()
        if different >= expected or time.perf_counter() - began > _LONGEST:
            return time.perf_counter() - began, received - expected
        time.sleep(0.01)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campaigns", type=int, default=100)
    campaigns: int = parser.parse_args().campaigns
    at_receiver, of_receiver = multiprocessing.Pipe()
    at_twin, of_twin = multiprocessing.Pipe()
    both = (receiver, of_receiver), (twin, of_twin)
    processes = [multiprocessing.Process(target=work, args=(pipe,)) for work, pipe in both]
    for process in processes:
        process.start()
    url = f"http://127.0.0.1:{at_receiver.recv()}/receipts"
    with httpx.Client(base_url=at_twin.recv(), trust_env=False, timeout=60) as client:
        client.put("/_twin/accounts/quiet", json={"credit": "100000"})
        for login in ("one", "many"):
            settings = {"credit": "100000", "callback_url": url}
            client.put(f"/_twin/accounts/{login}", json=settings)
        accepted(client, "one", 1, CONTACTS)
        seconds, more = delivered(at_receiver, CONTACTS)
        print(f"500 contacts: every receipt after {seconds:.2f} s, {more} twice")
        without = accepted(client, "quiet", campaigns, CONTACTS)
        at_twin.send(_ASK)
        before = at_twin.recv()
        began = time.perf_counter()
        with_receipts = accepted(client, "many", campaigns, CONTACTS)
        expected = CONTACTS * (campaigns + 1)
        _, more = delivered(at_receiver, expected)
        seconds = time.perf_counter() - began
        at_twin.send(_ASK)
        print(
            f"{campaigns} campaigns of 500: accepted in {with_receipts / without:.2f} times the "
            f"time, every receipt after {seconds:.1f} s ({expected / seconds:.0f} a second), "
            f"{more} twice; memory {before:.0f} MiB before, {at_twin.recv():.0f} at its peak"
        )
    # Their threads would keep them.
    for process in processes:
        process.kill()


if __name__ == "__main__":
    main()
