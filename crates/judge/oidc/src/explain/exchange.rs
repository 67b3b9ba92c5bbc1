//! Codes, refresh tokens, exchanges, and how a request is written.

use super::{Explanation, row};

const OURS: &str =
    "The request was not written as Entra wants it, or something between the door and Entra changed it.";
const PROXY: &str = "Try again; if it comes back, see whether a proxy changes what the door sends to Entra, and report it with the correlation id of the door's log to the door's administrator.";

pub(super) const ROWS: &[Explanation] = &[
    row(
        50013,
        "Entra does not accept the token that vouches for the person",
        "The token that was to be exchanged is not for this door, is signed by somebody else, or has expired.",
        "Let the client ask for a token of this door's own: in `[sign_in]` it does; without it, the scope must be api://<app id>/<scope> with the id at `entra.client_id` in doorward.toml.",
    ),
    row(
        500_131,
        "The token to exchange is for somebody else",
        "A token can be exchanged on behalf of its person only by the application that it was issued for.",
        "Write the id of the application that the tokens are for at `entra.client_id` in doorward.toml.",
    ),
    row(
        500_133,
        "The token to exchange has expired",
        "The token was not valid any more when it was exchanged, or the clocks differ.",
        "Try again with a fresh token; if it comes back, set the machine's clock (`timedatectl set-ntp true`).",
    ),
    row(
        82001,
        "This exchange is not allowed",
        "Token exchange by RFC 8693 is not offered to this application.",
        "Use `on_behalf_of` at the server's credential in doorward.toml.",
    ),
    row(
        7_000_114,
        "An application cannot be exchanged on behalf of",
        "The call was made by an application and not by a person, and only people can be acted for.",
        "Give the server a credential with `workload` in doorward.toml for calls of applications, or let a person call it.",
    ),
    row(
        54005,
        "The code was used already",
        "A code of Entra's is good once; the page was loaded twice, or somebody else used the code.",
        "Sign in again from the application.",
    ),
    row(
        70000,
        "The grant is not valid",
        "The code or refresh token is malformed, of another application, or was taken back.",
        "Sign in again from the application.",
    ),
    row(
        70008,
        "The sign-in took too long",
        "The code or refresh token expired before it was used.",
        "Sign in again from the application.",
    ),
    row(
        700_082,
        "The sign-in was not used for long",
        "A sign-in that is not used for 90 days ends.",
        "Sign in again from the application.",
    ),
    row(
        700_084,
        "The sign-in ended after a day",
        "The refresh token was issued to a web page, for which Entra ends it after 24 hours.",
        "In the Entra admin center, under App registrations > Authentication, move the door's callback from Single-page application to Web.",
    ),
    row(50147, "The proof key is missing or malformed", OURS, PROXY),
    row(
        501_481,
        "The proof key does not fit",
        "The code was asked for by somebody else than who redeemed it: two sign-ins were mixed up, or a code was slipped in.",
        "Sign in again from the application, in one browser window.",
    ),
    row(501_491, "The proof key is malformed", OURS, PROXY),
    row(
        70016,
        "The code of the device is still open",
        "The person has not entered the code on the other device yet.",
        "Sign in again there: open https://microsoft.com/devicelogin and enter the code.",
    ),
    row(
        70018,
        "The code of the device is wrong",
        "The code that was typed in is not one that Entra gave out.",
        "Sign in again: start anew in the application and type the new code.",
    ),
    row(
        70019,
        "The code of the device has expired",
        "The code was not entered within 15 minutes.",
        "Sign in again: start anew in the application and type the new code.",
    ),
    row(
        70020,
        "The code of the device has expired",
        "The code was not entered within 15 minutes.",
        "Sign in again: start anew in the application and type the new code.",
    ),
    row(900_144, "A parameter is missing", OURS, PROXY),
    row(90014, "A field is missing", OURS, PROXY),
    row(9_002_313, "The request is malformed", OURS, PROXY),
    row(900_561, "The request came by the wrong method", OURS, PROXY),
    row(
        90023,
        "The request is not valid",
        "A parameter has a value that Entra does not take, such as two prompts at once.",
        "Try again; if it comes back, let the client use the door as its authorization server and nothing of Entra's.",
    ),
    row(
        51000,
        "The tenant does not offer this",
        "The application asks for a feature that is not enabled in the tenant.",
        "Have an administrator enable it in the Entra admin center, or take it off the application's manifest there.",
    ),
];
