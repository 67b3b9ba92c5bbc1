//! The authorization server that MCP clients expect: its decisions, as state machines without I/O.
