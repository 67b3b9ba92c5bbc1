//! The way of a message, composed from the judgements.
