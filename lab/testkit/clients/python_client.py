"""The Python client. Arguments: URL, mode, tool, its arguments as JSON; the token is in MCP_TOKEN, or there is none.

Prints one JSON object: what it was refused at connecting, or what it saw with the token, and then without it in the
same session.
"""

import asyncio
import json
import os
import sys

from mcp import Client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client


class Http:
    """The HTTP client below the MCP client: it remembers statuses, and its token can be taken away."""

    def __init__(self, token):
        self.statuses = []
        self.client = create_mcp_http_client(headers={"authorization": f"Bearer {token}"} if token else None)
        self.client.event_hooks["response"].append(self._remember)

    async def _remember(self, response):
        self.statuses.append(response.status_code)

    async def status(self, attempt):
        """The last status that an attempt met; 200 if it went well."""
        self.statuses.clear()
        try:
            await attempt
        except Exception as error:
            return self.statuses[-1] if self.statuses else repr(error)
        return 200


async def with_token(client, tool, arguments):
    tools = await client.list_tools()
    answer = await client.call_tool(tool, arguments)
    return {
        "revision": client.protocol_version,
        "tools": [each.name for each in tools.tools],
        "content": answer.model_dump(mode="json", by_alias=True)["content"],
    }


async def without_token(client, http, tool, arguments):
    token = http.client.headers.pop("authorization", None)
    # The session below the client: the client itself would answer a second list from its cache.
    bare = {
        "list": await http.status(client.session.list_tools()),
        "call": await http.status(client.session.call_tool(tool, arguments)),
    }
    if token is not None:
        http.client.headers["authorization"] = token
    return {"bare": bare}


async def main(url, mode, tool, arguments):
    token = os.environ.get("MCP_TOKEN")
    http, arguments = Http(token), json.loads(arguments)
    client = Client(streamable_http_client(url, http_client=http.client), mode=mode)
    async with http.client:
        # A client that is told its revision sends nothing here, and is refused only when it asks for something.
        refused = await http.status(client.__aenter__())
        if refused != 200:
            print(json.dumps({"refused": refused}))
            return
        try:
            seen = await with_token(client, tool, arguments) if token else {}
            seen |= await without_token(client, http, tool, arguments)
        finally:
            await client.__aexit__(None, None, None)
        print(json.dumps(seen))


asyncio.run(main(*sys.argv[1:]))
