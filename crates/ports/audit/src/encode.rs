//! From records to lines. The writer is our own so that members have one order and nothing is allocated.

mod line;
mod members;

pub(crate) use line::{Line, base64, hex, repaints};
pub(crate) use members::{alarm, grant, intent, outcome, pin, refused};

#[cfg(test)]
mod tests;
