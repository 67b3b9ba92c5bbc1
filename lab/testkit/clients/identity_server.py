"""A server as people write it for the cloud: Microsoft's library finds out by itself where tokens come from."""

import base64
import json

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from fastmcp import FastMCP

server = FastMCP("identity")
credential = ManagedIdentityCredential()


@server.tool
def ask(scope: str) -> dict:
    """Asks for a token, and tells whose it is and for whom; never the token."""
    try:
        token = credential.get_token(scope).token
    except ClientAuthenticationError as error:
        return {"refused": str(error)}
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return {name: claims.get(name) for name in ("aud", "scp", "oid")}


server.run(show_banner=False)
