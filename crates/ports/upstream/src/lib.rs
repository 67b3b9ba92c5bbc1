//! The servers behind the door: HTTP and stdio children.
