"""The Python client over stdio. Argument: a visit as JSON: what to start, in which mode, and what to call there. Prints what
it saw as one line of JSON."""

import asyncio
import json
import sys

import mcp
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ElicitResult

wanted = json.loads(sys.argv[1])


async def person(*_):
    return ElicitResult(action="accept", content={"name": "Ada"})


async def call(client, name, arguments, on_progress=None):
    answer = await client.call_tool(name, arguments, progress_callback=on_progress)
    return answer.model_dump(mode="json", by_alias=True)["content"]


async def main():
    started = stdio_client(StdioServerParameters(command=wanted["command"], args=wanted["args"]))
    async with mcp.Client(started, mode=wanted["mode"], elicitation_callback=person) as client:
        seen = {"tools": [tool.name for tool in (await client.list_tools()).tools]}
        seen["content"] = await call(client, *wanted["tool"])
        if wanted["asks"]:
            seen["asked"] = await call(client, wanted["asks"], {})
        if wanted["steps"]:
            steps = []

            async def on_progress(progress, total=None, message=None):
                steps.append(progress)

            await call(client, wanted["steps"], {}, on_progress)
            seen["steps"] = steps
        seen["revision"] = client.protocol_version
    print(json.dumps(seen))


asyncio.run(main())
