"""A FastMCP server with one tool. Arguments: `stdio`, or `http` and a port on loopback."""

import sys

from fastmcp import FastMCP

desk = FastMCP("desk")


@desk.tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


if sys.argv[1] == "stdio":
    desk.run(transport="stdio", show_banner=False)
else:
    desk.run(transport="http", host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
