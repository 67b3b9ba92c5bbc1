//! The resource server's judgement of a token, as pure functions.
