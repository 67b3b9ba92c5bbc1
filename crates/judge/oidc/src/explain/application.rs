//! The registration of the door's application, and what it asks for.

use super::{Explanation, row};

pub(super) const ROWS: &[Explanation] = &[
    row(
        50001,
        "The API is not known in this tenant",
        "The API that a token was asked for is disabled, or has no service principal in the person's tenant.",
        "Have an administrator of that tenant run `az ad sp create --id <app id of the API>`, or enable it in the Entra admin center under Enterprise applications > Properties > Enabled for users to sign in.",
    ),
    row(
        500011,
        "The API is not known in this tenant",
        "No application of the person's tenant has the App ID URI in front of the scope. A host such as *.azurewebsites.net or *.azure-api.net cannot be one, for it is not a verified domain.",
        "Set it with `az ad app update --id <app id of the API> --identifier-uris api://<app id of the API>`, and write the scope in doorward.toml with exactly that in front.",
    ),
    row(
        50011,
        "The redirect address is not registered",
        "The door's callback is not among the redirect addresses of its application, letter for letter.",
        "Run `az ad app update --id <app id> --web-redirect-uris <public_url>/oauth/callback`, with public_url as it stands in doorward.toml and without a slash at the end.",
    ),
    row(
        50059,
        "No tenant was named",
        "Entra could not tell which tenant the request belongs to.",
        "Name the tenant: write its id at `entra.tenant` in doorward.toml.",
    ),
    row(
        50194,
        "The application is for one tenant only",
        "People of several tenants are sent to Entra, but the application was registered for its own tenant.",
        "Run `az ad app update --id <app id> --sign-in-audience AzureADMultipleOrgs`, or write a single tenant at `entra.tenant` in doorward.toml.",
    ),
    row(
        700016,
        "The application is not in this tenant",
        "The client id is not registered in the person's tenant: it is mistyped, or of another tenant, or nobody there has consented yet.",
        "Compare `entra.client_id` in doorward.toml with `az ad app show --id <app id> --query appId`; in another tenant an administrator adds it with `az ad sp create --id <app id>`.",
    ),
    row(
        90002,
        "The tenant does not exist",
        "No tenant has this id or domain in this cloud.",
        "Compare `entra.tenant` and `entra.cloud` in doorward.toml with the Tenant ID in the Entra admin center under Overview.",
    ),
    row(
        650052,
        "The organisation does not have this API",
        "The application asks for an API that the person's organisation has not subscribed to or enabled.",
        "Have an administrator add it with `az ad sp create --id <app id of the API>`, after subscribing to the service where it needs that.",
    ),
    row(
        650053,
        "A scope does not exist on the API",
        "A scope without an API in front is looked for in Microsoft Graph, and a scope with one must be among that API's own.",
        "Write the scope in doorward.toml in full, `api://<app id of the API>/<scope>`; the API's scopes are listed by `az ad app show --id <app id of the API> --query api.oauth2PermissionScopes[].value`.",
    ),
    row(
        650054,
        "The API is gone",
        "The application asks for permissions of an API that was removed or cannot be reached.",
        "Remove them in the Entra admin center under App registrations > API permissions, or restore the API there under Deleted applications.",
    ),
    row(
        650055,
        "The permissions do not fit the API",
        "The application's permissions name something that the API does not offer any more.",
        "Remove the permission marked as unknown in the Entra admin center under App registrations > API permissions, and add it again.",
    ),
    row(
        650056,
        "The application is misconfigured",
        "The application asks for no permission, or nobody has consented to it in the person's tenant.",
        "Have an administrator run `az ad app permission admin-consent --id <app id>` after adding what the door needs under API permissions.",
    ),
    row(
        650057,
        "The API is not among the application's permissions",
        "A token was asked for an API that the application's registration does not list.",
        "Run `az ad app permission add --id <app id> --api <app id of the API> --api-permissions <scope id>=Scope`, then `az ad app permission admin-consent --id <app id>`.",
    ),
    row(
        65001,
        "Nobody has consented",
        "Neither the person nor an administrator has agreed to what the application asks for.",
        "Have an administrator run `az ad app permission admin-consent --id <app id>`; for an API behind the door, add the door to its `knownClientApplications` or pre-authorise it in the Entra admin center under Expose an API.",
    ),
    row(
        65002,
        "The API must pre-authorise the application",
        "The API belongs to Microsoft and takes only applications that its owner has pre-authorised.",
        "Ask for another API: take its scope out of doorward.toml, for an application of yours cannot have it.",
    ),
    row(
        65004,
        "The consent was declined",
        "The person pressed Cancel on Microsoft's consent page.",
        "Sign in again and accept, or have an administrator consent for everybody with `az ad app permission admin-consent --id <app id>`.",
    ),
    row(
        90094,
        "Only an administrator can consent",
        "The tenant does not let people consent to this application themselves.",
        "Have an administrator run `az ad app permission admin-consent --id <app id>` once for the whole tenant.",
    ),
    row(
        700022,
        "One token was asked for several APIs",
        "The scopes of one request belong to more than one API.",
        "Write scopes of one API only at each server's credential in doorward.toml.",
    ),
    row(
        28000,
        "One token was asked for several APIs",
        "The scopes of one request belong to more than one API.",
        "Write scopes of one API only at each server's credential in doorward.toml.",
    ),
    row(
        28003,
        "No scope was named",
        "A code was redeemed without a scope.",
        "Write the scope at the server's credential in doorward.toml, with its API in front.",
    ),
    row(
        70011,
        "A scope is not valid",
        "A scope is malformed, or `/.default` was mixed with others of the same API.",
        "Write either `<API>/.default` alone or single scopes in doorward.toml, each with its API in front.",
    ),
    row(
        90009,
        "The application asked for a token for itself by its name",
        "An application that asks for itself must name itself by its GUID, at sign-in and at every refresh.",
        "Write the application's GUID, not its App ID URI, at `entra.client_id` in doorward.toml.",
    ),
    row(
        901002,
        "Entra does not take `resource`",
        "The client sent its request with `resource` to Entra itself instead of to the door.",
        "Let the client use the door as its authorization server: give it the address of the server behind the door and nothing of Entra's.",
    ),
    row(
        9_010_010,
        "`resource` does not fit the scopes",
        "The client went to Entra itself, and Entra compares `resource` letter for letter with the App ID URIs of the API that owns the scopes.",
        "Let the client use the door as its authorization server. Without `[sign_in]`: set `api.requestedAccessTokenVersion` to 2, then run `az ad app update --id <app id> --identifier-uris <the server's address without a slash at the end>`.",
    ),
    row(
        9_001_023,
        "The request needs a tenant",
        "This kind of request is not taken at `common` or `consumers`.",
        "Write the tenant's id at `entra.tenant` in doorward.toml.",
    ),
    row(
        9_002_326,
        "The redirect address is registered for a web page",
        "An address of the platform Single-page application was redeemed by a program, or one of another platform by a page.",
        "In the Entra admin center, under App registrations > Authentication, remove the door's callback from Single-page application and add it under Web.",
    ),
    row(
        9_002_327,
        "The redirect address is registered for a web page",
        "Codes for an address of the platform Single-page application can be redeemed by a browser alone.",
        "In the Entra admin center, under App registrations > Authentication, remove the door's callback from Single-page application and add it under Web.",
    ),
];
