//! The consent step: where a server's rules say so, a person is asked before a tool is called (D-21, D-28).
//!
//! What they are shown is the frame that was judged and will be sent; what they answer is good for it alone, and for now.

use crate::door::Door;
use crate::ports::{Consent, Ports, Question};
use crate::refusal::Reason;
use crate::stage::{Permitted, Step};
use doorward_wire::lens;

pub(crate) async fn consent<P: Ports>(
    door: &Door<P>,
    permitted: Box<Permitted<P>>,
) -> Step<Box<Permitted<P>>> {
    if !permitted.asks {
        return Ok(permitted);
    }
    let server = &permitted.trail.server.name;
    let given = match lens::tool_call(&permitted.frame) {
        Some(call) => {
            let arguments = call.arguments.map(|value| value.raw());
            let question =
                Question { server, tool: &call.name, arguments: arguments.unwrap_or("{}"), because: None };
            door.ports.consent(question).await
        }
        None => Consent::Refused,
    };
    // Whoever left while the question was open has agreed to nothing.
    let still_there = door.ports.at_home().is_some();
    match given {
        Consent::Given if still_there => Ok(permitted),
        Consent::Given => Err(permitted.trail.refuse(Reason::NotAgreed(Consent::Refused))),
        refused => Err(permitted.trail.refuse(Reason::NotAgreed(refused))),
    }
}
