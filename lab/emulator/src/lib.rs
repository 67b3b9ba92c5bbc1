//! Entra and Graph as they answer, and as they refuse, on loopback.
