"""The two Python clients that sign in by themselves. Arguments: which (`mcp` or `fastmcp`), URL, callback port, tool, its
arguments as JSON, and the URL of a client-id document for a client that has one.

Signs in through `$BROWSER`, lists, calls, and calls again each time the access token has expired, until it was
refreshed three times. Prints one JSON object of what it saw.
"""

import asyncio
import json
import os
import sys
import warnings
from urllib.parse import parse_qs, urlsplit

ROUNDS = 3


class Tally:
    """What crosses the wire to the token endpoint, by grant."""

    def __init__(self):
        self.grants, self.refused, self.kept, self.lifetime = {}, [], [], 0

    async def heard(self, response):
        request = response.request
        if request.method != "POST" or "urlencoded" not in request.headers.get("content-type", ""):
            return
        form = parse_qs((await request.aread()).decode())
        grant = form.get("grant_type", ["?"])[0]
        answer = json.loads(await response.aread())
        if response.status_code != 200:
            self.refused.append({"grant": grant, "status": response.status_code, "error": answer.get("error")})
            return
        self.grants[grant] = self.grants.get(grant, 0) + 1
        self.kept.append(answer)
        self.lifetime = answer.get("expires_in", 0)

    def refreshes(self):
        return self.grants.get("refresh_token", 0)


async def use(client, tool, arguments, tally, names, text):
    """Lists and calls until three refreshes have happened; gives up after twice as many rounds."""
    tools, answers = names(await client.list_tools()), []
    for _ in range(2 * ROUNDS + 1):
        answers.append(text(await client.call_tool(tool, arguments)))
        if tally.refreshes() >= ROUNDS:
            break
        # Another program's clock cannot be set: the token is left to expire.
        await asyncio.sleep(tally.lifetime + 0.2)
    return {"tools": tools, "answers": answers, "grants": tally.grants, "refused": tally.refused,
            "kept": tally.kept}


async def plain(url, port, tool, arguments, document, tally):
    """The `mcp` SDK: a provider of its own needs a store, a browser, and somebody who hears the callback."""
    from mcp import Client
    from mcp.client.auth import OAuthClientProvider, TokenStorage
    from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
    from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

    class Store(TokenStorage):
        tokens = client = None

        async def get_tokens(self):
            return self.tokens

        async def set_tokens(self, tokens):
            self.tokens = tokens

        async def get_client_info(self):
            return self.client

        async def set_client_info(self, client_info):
            self.client = client_info

    called_back = asyncio.get_running_loop().create_future()

    async def hear(reader, writer):
        target = (await reader.readline()).split()[1].decode()
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<title>Done</title>Signed in.")
        await writer.drain()
        writer.close()
        if target.startswith("/callback") and not called_back.done():
            called_back.set_result(parse_qs(urlsplit(target).query))

    async def open_browser(address):
        await (await asyncio.create_subprocess_exec(os.environ["BROWSER"], address)).wait()

    async def result():
        said = await asyncio.wait_for(called_back, 60)
        one = {name: values[0] for name, values in said.items()}
        if "error" in one:
            raise RuntimeError(f"refused: {one}")
        return AuthorizationCodeResult(code=one["code"], state=one.get("state"), iss=one.get("iss"))

    # The name of the client and the address are those of the document, too.
    metadata = OAuthClientMetadata(client_name="Python SDK", redirect_uris=[f"http://127.0.0.1:{port}/callback"],
                                   grant_types=["authorization_code", "refresh_token"],
                                   token_endpoint_auth_method="none")
    provider = OAuthClientProvider(url, metadata, Store(), open_browser, result, client_metadata_url=document)
    http = create_mcp_http_client(auth=provider)
    http.event_hooks["response"].append(tally.heard)
    async with await asyncio.start_server(hear, "127.0.0.1", int(port)), http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            return await use(client, tool, arguments, tally, lambda listed: [each.name for each in listed.tools],
                             lambda answer: answer.content[0].text)


async def fast(url, port, tool, arguments, document, tally):
    """FastMCP: all of it is there."""
    import httpx2
    from fastmcp import Client
    from fastmcp.client.auth import OAuth
    from fastmcp.client.transports import StreamableHttpTransport

    warnings.simplefilter("ignore")

    def factory(**options):
        http = httpx2.AsyncClient(**options)
        http.event_hooks["response"].append(tally.heard)
        return http

    oauth = OAuth(client_metadata_url=document, callback_port=int(port), httpx_client_factory=factory)
    async with Client(StreamableHttpTransport(url, auth=oauth, httpx_client_factory=factory)) as client:
        return await use(client, tool, arguments, tally, lambda listed: [each.name for each in listed],
                         lambda answer: answer.content[0].text)


async def main(which, url, port, tool, arguments, document=None):
    way = {"mcp": plain, "fastmcp": fast}[which]
    print(json.dumps(await way(url, port, tool, json.loads(arguments), document, Tally())))


asyncio.run(main(*sys.argv[1:]))
