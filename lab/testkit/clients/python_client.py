"""The Python clients. Arguments: `sdk`, `sdk-sse` (HTTP+SSE) or `fastmcp`, the mode, and a list of visits as JSON: what to call at which server.
The token is in MCP_TOKEN.

Visits one server after the other, and prints one line of JSON for each: what was refused without the token, what was seen
with it, and what it met without it in the same session.
"""

import asyncio
import json
import os
import sys
import traceback
from contextlib import asynccontextmanager

import anyio
import mcp
from fastmcp.client import Client as FastMcpClient
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.sse import sse_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp_types import ElicitResult

kind, mode, visits = sys.argv[1:]


class Http:
    """The HTTP client below the MCP client: it remembers statuses, and its token can be taken away."""

    def __init__(self, token):
        self.statuses = []
        self.headers = {"authorization": f"Bearer {token}"} if token else None
        self.client = None

    def made(self, **_):
        self.client = create_mcp_http_client(headers=self.headers)
        self.client.event_hooks["response"].append(self._remember)
        return self.client

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


@asynccontextmanager
async def client_of(url, http):
    """A client, not yet connected, whose person answers every question with a name."""

    async def person(*_):
        return ElicitResult(action="accept", content={"name": "Ada"})

    if kind == "sdk-sse":
        transport = sse_client(url, httpx_client_factory=http.made)
        yield mcp.Client(transport, mode=mode, elicitation_callback=person)
    elif kind == "sdk":
        async with http.made() as below:
            yield mcp.Client(streamable_http_client(url, http_client=below), mode=mode, elicitation_callback=person)
    else:
        # It opens and closes what is below it by itself.
        transport = StreamableHttpTransport(url, httpx_client_factory=http.made)
        yield FastMcpClient(transport, mode=mode, elicitation_handler=person)


async def call(client, tool, on_progress=None):
    name, arguments = tool
    if kind != "fastmcp":
        answer = await client.call_tool(name, arguments, progress_callback=on_progress)
    else:
        answer = await client.call_tool_mcp(name, arguments, progress_handler=on_progress)
    return answer.model_dump(mode="json", by_alias=True)["content"]


async def steps_of(client, steps):
    heard = []

    async def on_progress(progress, total=None, message=None):
        heard.append(progress)

    await call(client, steps, on_progress)
    return heard


async def give_up(client, slow, noticed):
    """Gives a call up once it has begun, and asks the server whether it noticed."""
    with anyio.CancelScope() as given:

        async def on_progress(progress, total=None, message=None):
            given.cancel()

        await call(client, slow, on_progress)
    return await call(client, noticed) if given.cancelled_caught else "it was answered"


async def without_token(client, http, tool):
    token = http.client.headers.pop("authorization", None)
    # The session below the client: the client itself would answer a second list from its cache.
    bare = {}
    if kind == "sdk-sse":
        # Over HTTP+SSE this client hears nothing of a refusal, and waits on.
        with anyio.move_on_after(3):
            await client.session.list_tools()
        bare["list"] = http.statuses[-1]
    else:
        bare["list"] = await http.status(client.session.list_tools())
        bare["call"] = await http.status(client.session.call_tool(*tool))
    if token is not None:
        http.client.headers["authorization"] = token
    return bare


async def refused(url, tool):
    http = Http(None)
    async with client_of(url, http) as client:
        # A client that is told its revision sends nothing here, and is refused only when it asks for something.
        status = await http.status(client.__aenter__())
        if status != 200:
            return status
        try:
            return await http.status(client.session.call_tool(*tool))
        finally:
            await client.__aexit__(None, None, None)


async def visit(url, tool, asks=None, steps=None, slow=None, noticed=None):
    seen = {"refused": await refused(url, tool)}
    http = Http(os.environ["MCP_TOKEN"])
    async with client_of(url, http) as client, client:
        tools = await client.list_tools()
        seen["tools"] = [each.name for each in (tools if kind == "fastmcp" else tools.tools)]
        seen["content"] = await call(client, tool)
        if asks:
            seen["asked"] = await call(client, asks)
        if steps:
            seen["steps"] = await steps_of(client, steps)
        if slow:
            seen["noticed"] = await give_up(client, slow, noticed)
        seen["bare"] = await without_token(client, http, tool)
        seen["revision"] = client.protocol_version
    return seen


async def main():
    for wanted in json.loads(visits):
        server = wanted.pop("server")
        try:
            seen = await visit(**wanted)
        except Exception:
            seen = {"error": traceback.format_exc()}
        print(json.dumps({"server": server, **seen}), flush=True)


asyncio.run(main())
