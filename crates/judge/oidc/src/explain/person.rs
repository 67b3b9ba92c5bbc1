//! Who signs in, and whether their sign-in still stands.

use super::{Explanation, row};

pub(super) const ROWS: &[Explanation] = &[
    row(
        50020,
        "The account is not of this organisation",
        "The person signed in with an account that is not in the tenant, not as a guest either.",
        "Sign out of Microsoft and sign in with an account of the organisation, or have an administrator invite this one in the Entra admin center under Users > Invite external user.",
    ),
    row(
        90072,
        "The account is not of this organisation",
        "The person signed in with an account of another tenant that is no guest here.",
        "Sign out of Microsoft and sign in with an account of the organisation, or have an administrator invite this one in the Entra admin center under Users > Invite external user.",
    ),
    row(
        50034,
        "There is no such account",
        "No account of that name is in the tenant.",
        "Sign in again with the full name of the account, or have an administrator add it in the Entra admin center under Users.",
    ),
    row(
        50053,
        "The account is locked",
        "Too many wrong passwords, or sign-ins from an address that Microsoft holds to be malicious.",
        "Try again after some minutes; an administrator sees the reason in the Entra admin center under Sign-in logs.",
    ),
    row(
        50055,
        "The password has expired",
        "The password must be changed before the person can sign in.",
        "Sign in again and change it when asked, or have an administrator reset it in the Entra admin center under Users.",
    ),
    row(
        50057,
        "The account is disabled",
        "An administrator has disabled the account.",
        "If it should not be, an administrator enables it in the Entra admin center under Users > Account status, or with `az ad user update --id <user> --account-enabled true`.",
    ),
    row(
        50105,
        "The person is not assigned to the application",
        "Only people and groups that are assigned to the door's application may use it.",
        "Have an administrator assign them in the Entra admin center under Enterprise applications > Users and groups.",
    ),
    row(
        50126,
        "The name or password is wrong",
        "What was typed in does not fit an account.",
        "Sign in again, or reset the password at https://aka.ms/sspr.",
    ),
    row(
        50058,
        "Nobody is signed in",
        "Entra was asked without showing a page, and nobody was signed in in this browser.",
        "Sign in again from the application; if it comes back, let the browser keep cookies of Microsoft's sign-in pages.",
    ),
    row(
        50132,
        "The sign-in was ended",
        "The password changed, or an administrator signed the person out everywhere.",
        "Sign in again from the application.",
    ),
    row(
        50133,
        "The sign-in was ended",
        "The password changed or was reset after the person signed in.",
        "Sign in again from the application.",
    ),
    row(
        50173,
        "The sign-in was ended",
        "The password changed, or an administrator signed the person out everywhere.",
        "Sign in again from the application.",
    ),
    row(
        70043,
        "The organisation asks for a new sign-in",
        "A policy of the tenant lets a sign-in last for a certain time only.",
        "Sign in again from the application.",
    ),
    row(
        50196,
        "The client runs in a circle",
        "The same request was sent again and again within a short time.",
        "Stop the client, wait some minutes and start it anew.",
    ),
];
