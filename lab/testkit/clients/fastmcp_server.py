"""A FastMCP server. Arguments: `stdio`, or `http` or `sse` and a port on loopback."""

import sys
from collections import defaultdict
from dataclasses import dataclass

import anyio
from fastmcp import Context, FastMCP
from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

desk = FastMCP("desk")

QUESTION = "What is your name?"
# Longer than anybody waits who means to give up.
PATIENCE = 20
given_up = defaultdict(anyio.Event)


@dataclass
class Person:
    name: str


@desk.tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@desk.tool(output_schema=None)
async def greet(ctx: Context):
    """Asks a person for a name, by the means of the revision: by a request, or by a result."""
    if ctx.request_context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
        answer = await ctx.elicit(QUESTION, Person)
        return f"Hello, {answer.data.name}!"
    if ctx.input_responses:
        return f"Hello, {ctx.input_responses['who'].content['name']}!"
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    form = ElicitRequestFormParams(message=QUESTION, requested_schema=schema)
    return InputRequiredResult(input_requests={"who": ElicitRequest(method="elicitation/create", params=form)})


@desk.tool
async def count(ctx: Context) -> str:
    """Counts to three, aloud."""
    for number in (1, 2, 3):
        await ctx.report_progress(number, 3)
    return "counted"


@desk.tool
async def wait(key: str, ctx: Context) -> str:
    """Says that it has begun, and waits for its caller to give up."""
    await ctx.report_progress(1, 2)
    try:
        await anyio.sleep(PATIENCE)
    except anyio.get_cancelled_exc_class():
        given_up[key].set()
        raise
    return "waited"


@desk.tool
async def noticed(key: str) -> str:
    """Says whether a call with this key was given up."""
    with anyio.move_on_after(PATIENCE):
        await given_up[key].wait()
    return "given up" if given_up[key].is_set() else "never given up"


if sys.argv[1] == "stdio":
    desk.run(transport="stdio", show_banner=False)
else:
    desk.run(transport=sys.argv[1], host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
