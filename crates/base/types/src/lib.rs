//! The words everything else is said in: ids, time, secrets.
