//! Shared fixtures: clients, temporary doors, fault injection.
