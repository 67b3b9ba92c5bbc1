//! App registrations: what they may ask for, and how they prove themselves.

use super::row;
use crate::explain::Explanation;

/// The rows.
pub(super) const ROWS: &[Explanation] = &[
    row(
        28000,
        "Scopes of two resources",
        "One request asked for scopes of more than one application; Entra makes a token for one.",
        "Keep to one application in `required_scope`; give a server that needs another its own [server.credential] of the kind on-behalf-of.",
    ),
    row(
        28003,
        "No scope was asked for",
        "A code was redeemed without saying for which scope.",
        "Set `required_scope` in the configuration to a scope of the app registration (App registrations > Expose an API).",
    ),
    row(
        50001,
        "The resource is not known",
        "The application that the token is for does not exist in this tenant, or is disabled.",
        "Add it to the tenant: `az ad sp create --id <client id of the resource>`.",
    ),
    row(
        50011,
        "The redirect address is not registered",
        "The address that Entra is to answer to is not, byte for byte, one of the application's.",
        "App registrations > the door's application > Authentication > Web > add `<public_url>/oauth/callback`, without a slash at the end.",
    ),
    row(
        50059,
        "No tenant in the request",
        "Entra cannot tell which tenant is meant.",
        "Set `tenant` in [entra] to the tenant's id (Entra admin center > Overview > Tenant ID).",
    ),
    row(
        50194,
        "The application is for one tenant only",
        "People of several tenants are asked in, but the app registration is for its own tenant.",
        "App registrations > the door's application > Authentication > Supported account types > Multiple Entra ID tenants (`az ad app update --id <client id> --sign-in-audience AzureADMultipleOrgs`).",
    ),
    row(
        65002,
        "Consent between Microsoft's own applications is missing",
        "An application of Microsoft's asks for another one of Microsoft's that does not list it; nobody else can consent to that.",
        "Set `client_id` in [entra] to an app registration of your own, made with App registrations > New registration.",
    ),
    row(
        70021,
        "No federated credential fits",
        "The application trusts no such issuer, subject and audience as the assertion has.",
        "App registrations > the door's application > Certificates & secrets > Federated credentials: copy issuer, subject and audience from the token, letter by letter.",
    ),
    row(
        90002,
        "No such tenant",
        "The tenant does not exist, or is in another cloud.",
        "Set `tenant` in [entra] to the tenant's id (Entra admin center > Overview > Tenant ID), and `cloud` to the one it is in.",
    ),
    row(
        90009,
        "The application asks for itself by the wrong name",
        "Client and resource are one application, and the scope names it by its App ID URI or not at all; Entra then takes the client id only.",
        "Have the client ask for `<client id>/<scope>` in refreshes as well; a client that cannot signs in at the door instead: set [sign_in].",
    ),
    row(
        500_011,
        "The resource is not in this tenant",
        "No application of this name has a service principal here. Names under azurewebsites.net, azure-api.net and other shared domains can never be App ID URIs.",
        "App registrations > the resource > Expose an API: set the App ID URI `api://<client id>`, then `az ad sp create --id <client id>`.",
    ),
    row(
        650_052,
        "The tenant does not have the service",
        "The application needs a service that the organisation has not subscribed to or not enabled.",
        "App registrations > the door's application > API permissions: remove the service's permissions; or subscribe, and `az ad sp create --id <client id of the service>`.",
    ),
    row(
        650_053,
        "The scope does not exist on the resource",
        "A scope without its resource in front is looked for in Microsoft Graph, which does not have it; or it was never made.",
        "Write the scope in full (`<client id>/<scope>`), and make it under App registrations > the resource > Expose an API > Add a scope.",
    ),
    row(
        650_054,
        "The resource is gone",
        "The application has permissions for a resource that was removed from the tenant.",
        "App registrations > the door's application > API permissions: remove the permissions of the resource that is gone.",
    ),
    row(
        650_055,
        "The permissions cannot be granted",
        "What the app registration lists does not fit what the tenant can grant.",
        "App registrations > the door's application > API permissions: remove what is marked with a warning, then Grant admin consent.",
    ),
    row(
        650_056,
        "The permissions are not listed",
        "The app registration does not list the permission that it asks for, or nobody consented in this tenant.",
        "App registrations > the door's application > API permissions > Add a permission, then Grant admin consent.",
    ),
    row(
        650_057,
        "The resource is not listed",
        "The app registration asks for a resource that is not among its permissions.",
        "App registrations > the door's application > API permissions > Add a permission > the resource; the scope must start with that resource's id.",
    ),
    row(
        700_016,
        "The application is not in this tenant",
        "No application with this client id is in the tenant that was asked, or nobody there has consented to it.",
        "Compare `client_id` and `tenant` in [entra] with App registrations > the door's application > Overview.",
    ),
    row(
        700_021,
        "The assertion names another application",
        "The subject of the door's assertion is not the application that it asks for.",
        "Set `client_id` in [entra] to the application that has the certificate (`az ad app show --id <client id>`).",
    ),
    row(
        700_023,
        "The assertion is for another tenant",
        "The audience of the door's assertion is not the tenant that was asked.",
        "Set `tenant` in [entra] to the tenant's id (Entra admin center > Overview > Tenant ID), and `cloud` to the one it is in.",
    ),
    row(
        700_024,
        "The assertion is not valid at this time",
        "The clock of the door's machine differs from Entra's, or the platform has stopped renewing the token file.",
        "Set the machine's clock (`timedatectl set-ntp true`), or restart what renews the token_file of [entra.credential].",
    ),
    row(
        700_025,
        "The client is public and sent a credential",
        "The redirect address is registered for a public client, which must have no credential.",
        "App registrations > the door's application > Authentication: move the redirect address to the platform Web, and set `Allow public client flows` to No.",
    ),
    row(
        700_027,
        "The signature of the assertion is not good",
        "Entra does not know the certificate that signed, it has expired, or the clock is wrong.",
        "Upload the certificate that the door uses: App registrations > the door's application > Certificates & secrets > Certificates > Upload certificate.",
    ),
    row(
        700_211,
        "No federated credential for this issuer",
        "The application trusts no credential of the issuer that signed the assertion.",
        "App registrations > the door's application > Certificates & secrets > Federated credentials: set Issuer to the token's `iss`, byte for byte, with or without its last slash.",
    ),
    row(
        700_212,
        "No federated credential for this audience",
        "The assertion is for another audience than the credential names.",
        "App registrations > the door's application > Certificates & secrets > Federated credentials: set Audience to `api://AzureADTokenExchange`, and have the token issued for it.",
    ),
    row(
        700_213,
        "No federated credential for this subject",
        "The application trusts the issuer, but not this subject of it. Capitals count.",
        "App registrations > the door's application > Certificates & secrets > Federated credentials: set Subject to the token's `sub` (for a managed identity its object id, not its client id).",
    ),
    row(
        700_229,
        "The assertion is not an application's",
        "A federated credential of Entra takes tokens of managed identities only; this one is a person's or another application's.",
        "Set `kind` in [entra.credential] to `managed-identity`, and name a user-assigned identity of this tenant in the federated credential.",
    ),
    row(
        7_000_112,
        "The application is disabled",
        "An administrator, or Microsoft, has disabled the application in this tenant.",
        "Entra admin center > Enterprise applications > the application > Properties > Enabled for users to sign-in > Yes.",
    ),
    row(
        7_000_114,
        "An application cannot act for itself",
        "The proof for an on-behalf-of exchange is an application's token; there is no person in it.",
        "Have a person sign in to the client, or give the server a [server.credential] of the kind client-credentials, with an app role granted: App registrations > the server > App roles.",
    ),
    row(
        7_000_215,
        "The secret is wrong",
        "Entra does not know the secret. Often its id was copied instead of its value.",
        "App registrations > the door's application > Certificates & secrets > New client secret: copy Value (not Secret ID) to where [entra.credential] reads it; or move to a managed identity.",
    ),
    row(
        7_000_218,
        "A credential is missing",
        "The application is confidential, and the request came without secret or assertion.",
        "Set [entra.credential]; if the door has one, check that App registrations > the door's application > Authentication has the redirect address under Web.",
    ),
    row(
        7_000_222,
        "The secret has expired",
        "The application's secret is past its end.",
        "App registrations > the door's application > Certificates & secrets > New client secret, or for good: `kind = \"managed-identity\"` in [entra.credential], which never expires.",
    ),
    row(
        7_002_137,
        "The federated credential is of another form",
        "The token of the door's identity has not the form that the federated credential asks for.",
        "App registrations > the door's application > Certificates & secrets > Federated credentials: delete it and add it anew for the identity that runs the door.",
    ),
    row(
        7_002_138,
        "The federated credential is of another form",
        "The token of the door's identity has not the form that the federated credential asks for.",
        "App registrations > the door's application > Certificates & secrets > Federated credentials: delete it and add it anew for the identity that runs the door.",
    ),
    row(
        9_002_326,
        "The redirect address is a browser application's",
        "The address is registered under Single-page application; a server may not redeem codes for it.",
        "App registrations > the door's application > Authentication: remove the address under Single-page application, and add it under Web.",
    ),
    row(
        9_002_327,
        "The redirect address is a web page's",
        "A code for an address of the platform Single-page application is redeemed by browsers alone, and the door is none.",
        "App registrations > the door's application > Authentication: remove `<public_url>/oauth/callback` from Single-page application and add it under Web.",
    ),
];
