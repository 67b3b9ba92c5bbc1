//! Cedar policies: a request becomes a Permit or a denial with reasons.
