//! MCP servers, good and evil, to stand behind the door.
