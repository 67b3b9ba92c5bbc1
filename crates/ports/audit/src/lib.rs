//! The hash-chained, signed record of what happened.
