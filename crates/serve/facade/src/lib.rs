//! The authorization server that MCP clients expect, with Entra behind it.
