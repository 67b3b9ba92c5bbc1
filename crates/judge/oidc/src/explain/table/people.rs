//! People, their sessions, and what Conditional Access demands of them.

use super::row;
use crate::explain::Explanation;

/// The rows.
pub(super) const ROWS: &[Explanation] = &[
    row(
        50020,
        "The account is not in this tenant",
        "The person signed in with an account of another tenant, or a personal one, that is no guest here.",
        "Invite the account: Entra admin center > Users > Invite external user; or sign in with an account of the tenant.",
    ),
    row(
        50034,
        "No such account",
        "The account does not exist in the tenant that was asked.",
        "Sign in with an account of the tenant; an administrator makes one under Entra admin center > Users > New user.",
    ),
    row(
        50053,
        "The account is locked",
        "Too many wrong passwords, or the address they came from is blocked.",
        "Wait for the lock to end, or have an administrator reset the password: Entra admin center > Users > the person > Reset password.",
    ),
    row(
        50055,
        "The password has expired",
        "The password must be changed before anything else.",
        "Change the password at https://mysignins.microsoft.com > Password, then sign in again.",
    ),
    row(
        50057,
        "The account is disabled",
        "An administrator has blocked this account from signing in.",
        "If that was a mistake: Entra admin center > Users > the person > Edit > Account enabled, or `az ad user update --id <person> --account-enabled true`.",
    ),
    row(
        50058,
        "Nobody is signed in",
        "Entra was asked to sign somebody in without showing anything, and no session was there.",
        "Sign in again from the client, and answer Microsoft's page when it comes.",
    ),
    row(
        50072,
        "A second factor must be set up",
        "Conditional Access demands multi-factor authentication, and the person has no method yet.",
        "Register a method at https://aka.ms/mfasetup, then sign in again.",
    ),
    row(
        50074,
        "A second factor is needed",
        "Multi-factor authentication is demanded and was not passed.",
        "Sign in again from the client, and pass the second factor.",
    ),
    row(
        50076,
        "A second factor is needed for this resource",
        "A policy, a new place or a new device demands multi-factor authentication for what was asked for.",
        "Sign in again from the client: the door passes on what Entra demands, and Microsoft's page asks for the second factor.",
    ),
    row(
        50078,
        "The second factor is too old",
        "The last multi-factor authentication is older than a policy allows.",
        "Sign in again from the client, and pass the second factor.",
    ),
    row(
        50079,
        "A second factor must be set up for this resource",
        "A policy or a new place demands multi-factor authentication, and the person has no method yet.",
        "Register a method at https://aka.ms/mfasetup, then sign in again.",
    ),
    row(
        50097,
        "The device must prove itself",
        "Conditional Access wants to know which device this is, and the browser did not show it.",
        "Sign in with a browser that knows the device's work account: on Windows add the account under Settings > Accounts > Access work or school.",
    ),
    row(
        50105,
        "The person is not assigned to the application",
        "The application demands assignment, and neither the person nor a group of theirs has a role in it. Groups within groups do not count.",
        "Entra admin center > Enterprise applications > the door's application > Users and groups > Add user/group.",
    ),
    row(
        50126,
        "Wrong name or password",
        "The name or the password is not right.",
        "Sign in again; a forgotten password is reset at https://aka.ms/sspr.",
    ),
    row(
        50131,
        "The device is not in the state that is demanded",
        "Conditional Access refused the device or the place it is in.",
        "Entra admin center > Monitoring > Sign-in logs > the entry > Conditional Access names the policy; bring the device to what it demands.",
    ),
    row(
        50132,
        "The session has ended",
        "The password was changed or the sessions were revoked.",
        "Sign in again from the client.",
    ),
    row(
        50133,
        "The session was revoked",
        "The password was changed or an administrator ended all sessions.",
        "Sign in again from the client.",
    ),
    row(
        50158,
        "Another page must be passed first",
        "A policy demands a check outside Entra (a custom control or terms of use).",
        "Sign in again from the client, and pass the check on the page that comes.",
    ),
    row(
        50173,
        "A fresh sign-in is needed",
        "What the person was signed in with was revoked: a new password, or an administrator ended all sessions.",
        "Sign in again from the client.",
    ),
    row(
        50196,
        "The client asks again and again",
        "Entra saw the same request too many times in a short while, and stopped it.",
        "Close the client, wait five minutes, and sign in again; if it comes back, look for another client with the same account in Entra admin center > Monitoring > Sign-in logs.",
    ),
    row(
        53000,
        "The device does not comply",
        "Conditional Access demands a device that complies with the organisation's rules, and this one does not.",
        "Open Company Portal on the device > Devices > Check status, and mend what it names.",
    ),
    row(
        53001,
        "The device is not joined",
        "Conditional Access demands a device that is joined to the domain, and this one is not.",
        "Join the device (Windows: Settings > Accounts > Access work or school > Connect), or use one that is.",
    ),
    row(
        53003,
        "Conditional Access blocks this access",
        "A policy of the organisation forbids this sign-in: by person, place, device, risk or application.",
        "Entra admin center > Monitoring > Sign-in logs > the entry > Conditional Access names the policy; change its conditions or exclude the door's application there.",
    ),
    row(
        53011,
        "The account is at risk",
        "Identity Protection blocks the person because of a risk in their home tenant.",
        "An administrator of the home tenant looks at Entra admin center > Protection > Identity Protection > Risky users, and dismisses or remedies the risk.",
    ),
    row(
        65001,
        "Nobody has consented",
        "Neither the person nor an administrator has agreed that the door's application may do what it asks for.",
        "Entra admin center > Enterprise applications > the door's application > Permissions > Grant admin consent, or `az ad app permission admin-consent --id <client id>`.",
    ),
    row(
        65004,
        "The person declined",
        "The person said no on Microsoft's consent page.",
        "Sign in again from the client, and accept; or an administrator accepts for all: Enterprise applications > the door's application > Permissions > Grant admin consent.",
    ),
    row(
        70043,
        "The time between sign-ins is up",
        "A Conditional Access policy says how often people must sign in, and the refresh token is older.",
        "Sign in again from the client; the span stands in the policy under Session > Sign-in frequency.",
    ),
    row(
        90072,
        "The account is not in this tenant",
        "The person signed in with an account of another tenant that is no guest here.",
        "Invite the account: Entra admin center > Users > Invite external user; or sign in with an account of the tenant.",
    ),
    row(
        90094,
        "An administrator must consent",
        "People may not consent for themselves in this tenant, or the permission is one that only administrators grant.",
        "Entra admin center > Enterprise applications > the door's application > Permissions > Grant admin consent, or `az ad app permission admin-consent --id <client id>`.",
    ),
    row(
        500_133,
        "What was to be exchanged has run out",
        "The token that was sent as proof for an on-behalf-of exchange is outside of its lifetime.",
        "Sign in again from the client; if it comes back at once, set the clock of the door's machine (`timedatectl set-ntp true`).",
    ),
    row(
        530_032,
        "The security policy blocks this access",
        "A tenant-wide policy of Microsoft's or of an administrator forbids this sign-in.",
        "Entra admin center > Monitoring > Sign-in logs > the entry > Conditional Access names the policy; an administrator changes it there.",
    ),
    row(
        530_036,
        "A policy blocks this way of signing in",
        "Conditional Access of the tenant blocks the flow that was used, such as a device code.",
        "Entra admin center > Monitoring > Sign-in logs shows which policy; an administrator changes it under Protection > Conditional Access.",
    ),
];
