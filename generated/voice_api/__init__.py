"""A client library for accessing Octopush voice campaign (unofficial contract)"""

from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)
