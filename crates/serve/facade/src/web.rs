//! What pages of the door are made with, here and at the console: answers with the headers that browsers need, cookies with
//! every restriction, and what is sealed into them.

pub use crate::cookies::{Cookie, Jar};
pub use crate::pages::{Bit, STYLE, bits, said};
pub use crate::respond::{Answer, FormsLead, json, page, plain, redirect, style, with_cookie, wrong_verb};
pub use crate::seal::{Purpose, SealFailed, Sealer};
