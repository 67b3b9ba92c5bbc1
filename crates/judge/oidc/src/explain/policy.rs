//! Conditional Access: what an organisation asks of people and their devices.

use super::{Explanation, row};

const LOG: &str = "An administrator sees which policy it was in the Entra admin center under Sign-in logs > Conditional Access.";

pub(super) const ROWS: &[Explanation] = &[
    row(
        50072,
        "Multi-factor authentication must be set up",
        "The person has not registered a second factor yet.",
        "Sign in again and follow the steps, or register at https://aka.ms/mfasetup first.",
    ),
    row(
        50074,
        "A second factor is needed",
        "The sign-in was without a second factor, and a policy asks for one.",
        "Sign in again and confirm with the second factor.",
    ),
    row(
        50076,
        "A second factor is needed",
        "A policy of the organisation asks for a second factor here, because something changed or the place is new.",
        "Sign in again and confirm with the second factor.",
    ),
    row(
        50078,
        "The second factor was given too long ago",
        "A policy of the organisation asks for it anew after a while.",
        "Sign in again and confirm with the second factor.",
    ),
    row(
        50079,
        "A second factor is needed",
        "A policy of the organisation asks for a second factor, which must be set up or given.",
        "Sign in again and follow the steps; a factor is registered at https://aka.ms/mfasetup.",
    ),
    row(
        50097,
        "The device must be known",
        "A policy of the organisation asks for a device that is registered with it.",
        "Sign in again from a device of the organisation's, in a browser that shows its certificate (Edge, or Chrome with the Microsoft extension).",
    ),
    row(
        50131,
        "A policy of the organisation was not met",
        "Conditional Access or a risk policy asks for more than this sign-in had.",
        LOG,
    ),
    row(
        50158,
        "Another provider's step is missing",
        "A policy of the organisation asks for a step at another provider, such as a third party's second factor.",
        "Sign in again and finish that step.",
    ),
    row(
        53000,
        "The device is not compliant",
        "A policy of the organisation asks for a device that meets its rules.",
        "Sign in again from a compliant device; Company Portal says what is missing on this one.",
    ),
    row(
        53001,
        "The device is not joined",
        "A policy of the organisation asks for a device that is joined to its domain.",
        "Sign in again from a joined device.",
    ),
    row(
        53003,
        "A policy of the organisation blocks this",
        "Conditional Access blocks this person, application, place or kind of client.",
        LOG,
    ),
    row(
        530_032,
        "A policy of the organisation blocks this",
        "A security policy of the tenant blocks the sign-in.",
        LOG,
    ),
    row(
        530_036,
        "A policy of the organisation blocks this way in",
        "Conditional Access blocks this way of signing in, such as a device code.",
        LOG,
    ),
    row(
        53011,
        "The home organisation blocks the account",
        "The person's own organisation holds the account to be at risk.",
        "Have an administrator of that organisation look in the Entra admin center under Risky users.",
    ),
];
