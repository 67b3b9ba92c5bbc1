//! An authorization request, checked.

use std::time::Duration;

use doorward_types::Timestamp;

use super::redirect::{self, Back, Mode};
use crate::AadResult;
use crate::authority::Authority;
use crate::claims::ClaimsRequest;
use crate::client_auth;
use crate::errors::AadError;
use crate::form::Form;
use crate::lab::Lab;
use crate::scopes::Asked;
use crate::seed::{App, User};
use crate::store::{Code, Grant, SignIn};

const CODE_LIVES: Duration = Duration::from_secs(600);

/// A request that was found good.
pub(super) struct AuthorizeRequest<'a> {
    pub(super) authority: Authority<'a>,
    pub(super) client: &'a App,
    pub(super) back: Back,
    pub(super) asked: Asked<'a>,
    pub(super) claims: ClaimsRequest,
    pub(super) login_hint: Option<String>,
    prompt: Option<String>,
    max_age: Option<u64>,
    challenge: Option<(String, String)>,
    spa: bool,
    scope: String,
    resource: Option<String>,
    nonce: Option<String>,
    claims_text: Option<String>,
}

/// Where a refusal goes.
pub(super) enum Refusal {
    /// To the person: the redirect URI is not known to be the client's.
    Page(AadError),
    /// To the client.
    Back(Box<Back>, AadError),
}

impl From<crate::EmulatorError> for Refusal {
    fn from(error: crate::EmulatorError) -> Self {
        Self::Page(error.into())
    }
}

impl<'a> AuthorizeRequest<'a> {
    /// Reads a request.
    pub(super) fn parse(lab: &'a Lab, authority: Authority<'a>, form: &Form) -> Result<Self, Refusal> {
        let (client, uri, spa) = client(lab, authority, form).map_err(Refusal::Page)?;
        let back = Back { uri, mode: Mode::Query, state: form.get("state").map(str::to_owned) };
        let mode = Mode::parse(form.get("response_mode"));
        let back = mode.as_ref().map_or(back.clone(), |mode| Back { mode: *mode, ..back });
        mode.and_then(|_| Self::rest(lab, authority, form, client, back.clone(), spa))
            .map_err(|refusal| Refusal::Back(Box::new(back), refusal))
    }

    fn rest(
        lab: &'a Lab,
        authority: Authority<'a>,
        form: &Form,
        client: &'a App,
        back: Back,
        spa: bool,
    ) -> AadResult<Self> {
        match form.need("response_type")? {
            "code" => {}
            other => {
                let message = format!("response_type '{other}' is not enabled for the application.");
                return Err(AadError::new(700_054, message));
            }
        }
        let (scope, resource) = (form.need("scope")?, form.get("resource"));
        let asked = Asked::parse(lab, authority.tenant().ok(), client, scope, resource)?;
        Ok(Self {
            authority,
            client,
            back,
            asked,
            claims: ClaimsRequest::parse(form.get("claims"))?,
            login_hint: form.get("login_hint").map(str::to_owned),
            prompt: prompt(form.get("prompt"))?,
            max_age: max_age(form.get("max_age"))?,
            challenge: challenge(form.get("code_challenge"), form.get("code_challenge_method"))?,
            spa,
            scope: scope.to_owned(),
            resource: resource.map(str::to_owned),
            nonce: form.get("nonce").map(str::to_owned),
            claims_text: form.get("claims").map(str::to_owned),
        })
    }

    /// Tells whether no page may be shown.
    pub(super) fn silent(&self) -> bool {
        self.prompt.as_deref() == Some("none")
    }

    /// Tells whether the person must be asked even for what they allowed before.
    pub(super) fn asks_consent(&self) -> bool {
        self.prompt.as_deref() == Some("consent")
    }

    /// Tells whether an existing session is taken without a page.
    pub(super) fn takes_session(&self) -> bool {
        self.prompt.as_deref() != Some("select_account")
    }

    /// Tells whether the person may choose their existing session.
    pub(super) fn may_pick(&self, lab: &Lab, sign_in: &SignIn) -> bool {
        let recent = self
            .max_age
            .is_none_or(|seconds| lab.clock.now().since(sign_in.at) <= Duration::from_secs(seconds));
        let Some(user) = lab.seed.user(&sign_in.user) else { return false };
        let here = match self.authority {
            Authority::One(tenant) => user.tenant == tenant.name,
            Authority::Any => user.home_tenant.is_none(),
        };
        let hinted = self.login_hint.as_deref().is_none_or(|hint| is_called(user, hint));
        recent && here && hinted && self.prompt.as_deref() != Some("login")
    }

    /// Records that a person allowed all that was asked.
    pub(super) fn record_consent(&self, lab: &Lab, user: &str) {
        for target in &self.asked.targets {
            lab.store().consent(user, &self.client.id, &target.app.id, &target.wanted());
        }
    }

    /// Makes the code.
    pub(super) fn code(&self, lab: &Lab, sign_in: SignIn) -> Result<String, Refusal> {
        let expires: Timestamp = lab.clock.now().plus(CODE_LIVES);
        let grant = Grant {
            client: self.client.id.clone(),
            sign_in,
            scope: self.redeemable(),
            resource: self.resource.clone(),
            nonce: self.nonce.clone(),
            claims: self.claims_text.clone(),
            spa: self.spa,
        };
        let code = Code {
            grant,
            redirect_uri: self.back.uri.clone(),
            challenge: self.challenge.clone(),
            expires,
            used: false,
        };
        lab.store().keep_code(code).map_err(Refusal::Page)
    }

    /// Several APIs may be asked for here, for their consent; a code that is redeemed without a scope is for the first.
    fn redeemable(&self) -> String {
        match self.asked.targets.as_slice() {
            [first, _, ..] => {
                let names =
                    if first.names.is_empty() { vec![String::from(".default")] } else { first.names.clone() };
                let own = names.iter().map(|name| first.qualified(name));
                self.asked.oidc.iter().cloned().chain(own).collect::<Vec<_>>().join(" ")
            }
            _ => self.scope.clone(),
        }
    }
}

/// Finds the client and makes sure that the redirect URI is its own.
fn client<'a>(lab: &'a Lab, authority: Authority<'a>, form: &Form) -> AadResult<(&'a App, String, bool)> {
    let client = client_auth::known(lab, authority, form.need("client_id")?)?;
    authority.admits(client)?;
    let uri = form.get("redirect_uri").ok_or_else(|| AadError::new(900_971, "No reply address provided."))?;
    let spa = redirect::registered(client, uri).ok_or_else(|| {
        AadError::new(
            50_011,
            format!("The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.", client.id),
        )
    })?;
    Ok((client, uri.to_owned(), spa))
}

fn is_called(user: &User, hint: &str) -> bool {
    user.upn.eq_ignore_ascii_case(hint) || user.mail.eq_ignore_ascii_case(hint)
}

/// `prompt` holds exactly one value: Entra does not take OpenID Connect's list.
fn prompt(prompt: Option<&str>) -> AadResult<Option<String>> {
    match prompt {
        None => Ok(None),
        Some(one @ ("login" | "none" | "consent" | "select_account" | "create")) => Ok(Some(one.to_owned())),
        Some(other) => Err(AadError::new(90_023, format!("Unsupported 'prompt' value '{other}'."))),
    }
}

fn max_age(seconds: Option<&str>) -> AadResult<Option<u64>> {
    let number = |text: &str| {
        text.parse()
            .map_err(|_| AadError::new(90_023, format!("The 'max_age' value '{text}' is not a number.")))
    };
    seconds.map(number).transpose()
}

fn challenge(challenge: Option<&str>, method: Option<&str>) -> AadResult<Option<(String, String)>> {
    let Some(challenge) = challenge else {
        return match method {
            None => Ok(None),
            Some(_) => Err(AadError::new(50_147, "The size of the Code_Challenge parameter is not valid.")),
        };
    };
    let method = method.unwrap_or("plain");
    if !matches!(method, "S256" | "plain") {
        return Err(AadError::new(50_149, "Invalid Code_Challenge_method parameter."));
    }
    if !(43..=128).contains(&challenge.len()) {
        return Err(AadError::new(501_491, "Invalid size of Code_Challenge parameter."));
    }
    Ok(Some((challenge.to_owned(), method.to_owned())))
}
