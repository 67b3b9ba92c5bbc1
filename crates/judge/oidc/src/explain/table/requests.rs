//! Requests: codes, refresh tokens, exchanges, and how they are written.

use super::row;
use crate::explain::Explanation;

/// The rows.
pub(super) const ROWS: &[Explanation] = &[
    row(
        50013,
        "The assertion is not good",
        "What was sent as proof is not valid: its signature, its issuer, its audience or its lifetime.",
        "Sign in again from the client; if it comes back, set `requestedAccessTokenVersion` to 2 in App registrations > the door's application > Manifest.",
    ),
    row(
        50027,
        "The token is malformed",
        "The assertion or token that was sent is no valid JWT.",
        "Compare what the credential gives with [entra.credential]: the token file must hold one JWT, the certificate must be the uploaded one.",
    ),
    row(
        50147,
        "The PKCE challenge is not good",
        "The code challenge is missing or malformed.",
        "Start the sign-in anew from the client; nothing between browser and Microsoft may change the address (Entra admin center > Monitoring > Sign-in logs shows what arrived).",
    ),
    row(
        51000,
        "A feature is not enabled for this tenant",
        "The request uses a feature (such as tokens bound to a certificate) that the tenant does not have.",
        "Use Bearer tokens: remove the setting for bound tokens at the client; or have Microsoft enable the feature with a support request in Entra admin center > New support request.",
    ),
    row(
        54005,
        "The code was used already",
        "A code is good once. Somebody went back in the browser, or a second one redeemed it.",
        "Start the sign-in anew from the client, and do not reload the page; if it comes back, look at Entra admin center > Monitoring > Sign-in logs for a second address.",
    ),
    row(
        70000,
        "The grant is not good",
        "The code or the refresh token is not valid, was issued to another client, or was revoked.",
        "Sign in again from the client.",
    ),
    row(
        70008,
        "The code or the refresh token has expired",
        "It was used too late.",
        "Sign in again from the client; if codes expire at once, set the clock of the door's machine (`timedatectl set-ntp true`).",
    ),
    row(
        70011,
        "The scope is not valid",
        "A scope is malformed, or mixes `.default` with single scopes.",
        "Set `required_scope` to a name that stands under App registrations > the door's application > Expose an API.",
    ),
    row(
        70016,
        "The person has not finished yet",
        "A device is waiting for somebody to enter its code.",
        "Open https://microsoft.com/devicelogin, enter the code, and let the device wait on.",
    ),
    row(
        70018,
        "The device code is wrong",
        "The code that was entered is not one that a device shows.",
        "Start the sign-in anew at the device, and enter the new code at https://microsoft.com/devicelogin.",
    ),
    row(
        70019,
        "The device code has expired",
        "Nobody entered the code in time.",
        "Start the sign-in anew at the device, and enter the new code at https://microsoft.com/devicelogin within 15 minutes.",
    ),
    row(
        70020,
        "The device's code has expired",
        "The code was not typed in within 15 minutes.",
        "Start anew from the client and type the new code at https://microsoft.com/devicelogin.",
    ),
    row(
        82001,
        "This kind of application may not use this grant",
        "Agents and their blueprints get no tokens by an exchange or by client credentials of their own.",
        "Use an app registration for the door that is no agent blueprint: App registrations > New registration, and its id as `client_id` in [entra].",
    ),
    row(
        90014,
        "A field is missing",
        "The request lacks something that Entra needs.",
        "Start the sign-in anew from the client; a proxy between the door and Microsoft must pass bodies on unchanged.",
    ),
    row(
        90023,
        "The request is not valid",
        "Entra cannot make sense of the request.",
        "Run `doorward doctor entra`, and mend what it names.",
    ),
    row(
        500_131,
        "The assertion is for another application",
        "The token that is to be exchanged on behalf of a person has another audience than the application that sends it.",
        "Ask for the token with the scope `<client id of the door>/.default`, and set `client_id` in [entra] to the same application.",
    ),
    row(
        501_481,
        "The PKCE verifier does not fit",
        "The verifier is not the one whose challenge began the sign-in: two sign-ins were mixed up, or a code was stolen.",
        "Start the sign-in anew in one browser window; if it comes back, look at Entra admin center > Monitoring > Sign-in logs for a second address.",
    ),
    row(
        501_491,
        "The PKCE challenge has a bad size",
        "The code challenge is shorter or longer than a SHA-256 digest.",
        "Start the sign-in anew from the client; nothing between browser and Microsoft may change the address.",
    ),
    row(
        700_022,
        "Several resources in one request",
        "The request names scopes of more than one application.",
        "Keep to one application in `required_scope`; give a server that needs another its own [server.credential] of the kind on-behalf-of.",
    ),
    row(
        700_082,
        "The refresh token has not been used for too long",
        "A refresh token dies when nobody uses it for 90 days.",
        "Sign in again from the client.",
    ),
    row(
        700_084,
        "The refresh token of a browser application has ended",
        "Refresh tokens for the platform Single-page application end after 24 hours, used or not.",
        "App registrations > the door's application > Authentication: move the redirect address from Single-page application to Web.",
    ),
    row(
        900_144,
        "A parameter is missing",
        "The body of the request lacks a parameter.",
        "Start the sign-in anew from the client; a proxy between the door and Microsoft must pass bodies on unchanged.",
    ),
    row(
        900_561,
        "The endpoint takes another method",
        "The token endpoint takes POST, and something sent GET: a redirect on the way, or a browser.",
        "Have the proxy between the door and Microsoft pass POST on as POST, or take Microsoft's sign-in address out of the proxy (`NO_PROXY`).",
    ),
    row(
        901_002,
        "Entra does not take `resource`",
        "The request has a `resource` parameter, as MCP clients send it; Entra v2 wants scopes.",
        "Have the client sign in at the door instead of at Entra: set [sign_in], and the door says it in scopes.",
    ),
    row(
        9_001_023,
        "The grant needs a tenant",
        "This kind of request is not served under `common` or `consumers`.",
        "Set `tenant` in [entra] to the tenant's id (Entra admin center > Overview > Tenant ID).",
    ),
    row(
        9_002_313,
        "The request is malformed",
        "Entra cannot read the request.",
        "Start the sign-in anew from the client; a proxy between the door and Microsoft must pass bodies on unchanged.",
    ),
    row(
        9_010_010,
        "`resource` and scopes do not fit together",
        "The client sent its server's address as `resource`, as MCP demands, and Entra matches that with App ID URIs.",
        "Have the client sign in at the door instead of at Entra: set [sign_in], and the door says it in scopes.",
    ),
];
