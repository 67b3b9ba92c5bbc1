//! MCP bytes to frames and back: strict parse, spans, edits, both revisions, SSE, stdio framing, headers.
