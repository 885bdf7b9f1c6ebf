"""A twin whose clock stands still, and ways to talk to it."""

from __future__ import annotations

import flask
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from common import SEND, SIGNED_IN, Clock, Send
from mock_server.contract.loader import Contract, load
from mock_server.core.handler import Twin
from mock_server.http.app import create_app


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def twin(contract: Contract, clock: Clock) -> Twin:
    return Twin(contract, clock=clock)


@pytest.fixture
def app(twin: Twin) -> flask.Flask:
    return create_app(twin)


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """Post a JSON body, or raw ``data``, as a user who is signed in."""

    def post(body: object = None, **given: object) -> TestResponse:
        given.setdefault("headers", SIGNED_IN)
        if "data" not in given:
            given["json"] = body
        return client.post(SEND, **given)

    return post
