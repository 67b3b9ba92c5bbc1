//! How the door proves to Entra that it is its application.

use super::{Explanation, row};

pub(super) const ROWS: &[Explanation] = &[
    row(
        50027,
        "A signed proof is malformed",
        "A token or assertion that was sent to Entra is no valid JWT.",
        "Check the files of `[entra.credential]` in doorward.toml: the token file must hold one JWT, and the key must belong to the certificate.",
    ),
    row(
        70021,
        "No federated credential fits",
        "The application trusts no federated credential with the issuer, subject and audience of the door's token.",
        "Compare `az ad app federated-credential list --id <app id>` with the identity that runs the door: its issuer, subject and audience must be equal letter for letter.",
    ),
    row(
        700_021,
        "The assertion names another application",
        "The subject of the door's assertion is not the client id that it asks for.",
        "Write the id of the application that the certificate was uploaded to at `entra.client_id` in doorward.toml.",
    ),
    row(
        700_023,
        "The assertion is for another tenant",
        "The audience of the door's assertion is not the tenant that was asked.",
        "Write the tenant of the application at `entra.tenant`, and its cloud at `entra.cloud`, in doorward.toml.",
    ),
    row(
        700_024,
        "The assertion is not valid now",
        "The time of the door's machine differs from Entra's, or a token file was not renewed.",
        "Set the machine's clock (`timedatectl set-ntp true`); for a workload identity, see that the platform renews the token file.",
    ),
    row(
        700_025,
        "A public application sent a secret",
        "The application is registered as a public client, which cannot have a credential.",
        "In the Entra admin center, under App registrations > Authentication, add the door's callback under Web and remove it from Mobile and desktop applications.",
    ),
    row(
        700_027,
        "The certificate's signature was not accepted",
        "The certificate of the door is not on its application, or its key is another one's.",
        "Run `az ad app credential reset --id <app id> --cert @door.pem --append` with the certificate that stands in doorward.toml.",
    ),
    row(
        700_211,
        "The federated credential has another issuer",
        "No federated credential of the application has the issuer of the door's token.",
        "Run `az ad app federated-credential list --id <app id>`; for a managed identity the issuer is https://login.microsoftonline.com/<tenant>/v2.0, for Kubernetes the cluster's issuer, letter for letter.",
    ),
    row(
        700_212,
        "The federated credential has another audience",
        "No federated credential of the application has the audience of the door's token.",
        "Set the audience with `az ad app federated-credential update --id <app id> --federated-credential-id <name> --parameters '{\"audiences\":[\"api://AzureADTokenExchange\"]}'`.",
    ),
    row(
        700_213,
        "The federated credential has another subject",
        "No federated credential of the application has the subject of the door's token.",
        "Set the subject with `az ad app federated-credential update`: for a managed identity the object id of its principal, for Kubernetes system:serviceaccount:<namespace>:<name>.",
    ),
    row(
        700_229,
        "Only an application's token proves an application",
        "A person's token was presented as a federated credential.",
        "Let the machine's identity prove the door: check `kind` of `[entra.credential]` in doorward.toml.",
    ),
    row(
        7_000_112,
        "The application is disabled",
        "The door's application, or an API that it asks for, was disabled in the tenant.",
        "Run `az ad sp update --id <app id> --set accountEnabled=true`, if it was not disabled for a reason.",
    ),
    row(
        7_000_215,
        "The client secret is wrong",
        "The file holds another secret than the application, or the secret's id in place of its value.",
        "Make a new one with `az ad app credential reset --id <app id> --append --query password` and write it to the secret_file of doorward.toml.",
    ),
    row(
        7_000_218,
        "The door has no credential",
        "The application is confidential, and the request came without a secret or an assertion.",
        "Set up `[entra.credential]` in doorward.toml, best with kind = \"managed-identity\".",
    ),
    row(
        7_000_222,
        "The client secret has expired",
        "The secret is past its last day: nobody can sign in until it is replaced.",
        "Make a new one with `az ad app credential reset --id <app id> --append --query password` and write it to the secret_file of doorward.toml; a managed identity never expires.",
    ),
    row(
        7_002_137,
        "The federated credential does not fit the token",
        "The token of the door's identity does not have the form that the federated credential asks for.",
        "Delete the credential and make it anew with `az ad app federated-credential create --id <app id>`, for the identity that runs the door.",
    ),
    row(
        7_002_138,
        "The federated credential does not fit the token",
        "The token of the door's identity does not have the form that the federated credential asks for.",
        "Delete the credential and make it anew with `az ad app federated-credential create --id <app id>`, for the identity that runs the door.",
    ),
];
