//! The identify step: from a bearer token to a caller, before a byte of the body is read.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use doorward_issuer::dpop::{self, DpopError};
use doorward_oauth::{
    Assertion, BearerError, CallerKind, Groups, Identity, KeyRing, Scheme, TokenError, TokenKey, presented,
    verify, verify_keeping,
};
use doorward_policy::{PrincipalFacts, PrincipalKind};
use doorward_types::Timestamp;
use doorward_wire::Verb;

use crate::door::Door;
use crate::hear::overhear;
use crate::pipe::Carrier;
use crate::ports::Ports;
use crate::refusal::{Reason, Refusal};
use crate::sessions::Owner;
use crate::snapshot::{ServerRules, Snapshot};
use crate::stage::{Arrived, Caller, Identified, Sole, Step, Trail};

pub(crate) async fn identify<'a, P: Ports>(
    door: &Door<P>,
    arrived: Arrived<'a, P>,
) -> Step<Identified<'a, P>> {
    let Arrived {
        snapshot,
        server,
        verb,
        authorization,
        proof,
        content_type,
        accept,
        headers,
        carrier,
        body,
        source,
        trace,
        now,
    } = arrived;
    let mut trail = Box::new(Trail { source, trace, now, ..Trail::new(snapshot, server, &door.ports) });
    if carrier.is_at_home() {
        match at_home(door, &trail, &carrier).await {
            Ok(caller) => trail.caller = Some(Arc::clone(&caller)),
            Err(refusal) => {
                overhear(door, &mut trail, body).await;
                return Err(trail.refused(refusal));
            }
        }
    }
    if let Some(caller) = trail.caller.clone() {
        trail.times.identify = trail.lap(&door.ports);
        return Ok(Identified { trail, caller, verb, content_type, accept, headers, carrier, body });
    }
    // A session never stands in for a token: every request on every verb brings its own (A-06, SES-01).
    let (scheme, token) = match authorization {
        Sole::Absent => return Err(trail.refuse(Reason::NoToken("no-token"))),
        Sole::Several => return Err(trail.refuse(Reason::NoToken("several-authorization-headers"))),
        Sole::One(value) => match presented(value) {
            // Only the door's own tokens are bound to keys.
            Ok((Scheme::Dpop, _)) if trail.server.expectation.door.is_none() => {
                return Err(trail.refuse(Reason::NoToken("no-token")));
            }
            Ok(presented) => presented,
            Err(BearerError::OtherScheme) => return Err(trail.refuse(Reason::NoToken("no-token"))),
            Err(_) => return Err(trail.refuse(Reason::NoToken("authorization-malformed"))),
        },
    };
    let caller = match caller(door, &trail.snapshot, &trail.server, token, source, now).await {
        Ok(caller) => caller,
        Err((refusal, verified)) => {
            trail.verified = verified;
            return Err(trail.refused(refusal));
        }
    };
    trail.caller = Some(Arc::clone(&caller));
    // That a token was seen before says nothing of who brings it now: its key is proven on every request (TOK-05).
    if let Err(refusal) = possession(door, &trail, &caller.identity, (scheme, token), verb, proof) {
        return Err(trail.refused(refusal));
    }
    trail.times.identify = trail.lap(&door.ports);
    Ok(Identified { trail, caller, verb, content_type, accept, headers, carrier, body })
}

/// Knows the person whose process this is. Whoever could write to its standard input could start one of their own.
async fn at_home<P: Ports>(door: &Door<P>, trail: &Trail, carrier: &Carrier) -> Result<Arc<Caller>, Refusal> {
    let identity = door.ports.at_home().ok_or_else(|| Refusal::new(Reason::NoToken("signed-out")))?;
    if identity.expires() <= trail.now {
        return Err(Refusal::new(Reason::Token(TokenError::Expired)));
    }
    let pipe = match carrier {
        Carrier::Pipe(pipe) => Some(pipe),
        _ => None,
    };
    if let Some(known) = pipe.and_then(|pipe| pipe.known(&identity, trail.snapshot.id())) {
        return Ok(known);
    }
    let caller = Arc::new(prepare(door, &trail.snapshot, identity, None).await?);
    pipe.into_iter().for_each(|pipe| pipe.know(trail.snapshot.id(), &caller));
    Ok(caller)
}

/// Returns what is known now of somebody who was at home, if they are so still.
pub(crate) fn still_at_home<P: Ports>(door: &Door<P>, identity: &Identity) -> Option<Arc<Identity>> {
    door.ports.at_home().filter(|who| who.person() == identity.person())
}

/// Asks who brings a token that is bound to a key for a proof that they hold it (RFC 9449 section 7, D-17).
fn possession<P: Ports>(
    door: &Door<P>,
    trail: &Trail,
    identity: &Identity,
    (scheme, token): (Scheme, &str),
    verb: Verb,
    proof: Sole<'_>,
) -> Result<(), Refusal> {
    // The caller may not know why; the operator must: a wrong `public_url` looks like an attack from outside.
    let refuse = |error: DpopError| Refusal::because(Reason::Proof(error), error.to_string());
    let bound_to = match (scheme, identity.bound_to()) {
        (Scheme::Bearer, None) => return Ok(()),
        (Scheme::Dpop, None) => return Err(Refusal::new(Reason::NoToken("token-not-bound"))),
        (_, Some(bound_to)) => bound_to,
    };
    // A thief's token is known, so nothing else bounds how often they try.
    if !door.ports.may_knock(trail.source, trail.now) {
        return Err(Refusal::new(Reason::TooManyKnocks));
    }
    if scheme == Scheme::Bearer {
        return Err(Refusal::new(Reason::Unproven));
    }
    let proof = match proof {
        Sole::Absent => return Err(refuse(DpopError::Missing)),
        Sole::Several => return Err(refuse(DpopError::Several)),
        Sole::One(proof) => std::str::from_utf8(proof).map_err(|_| refuse(DpopError::Malformed))?,
    };
    let asked =
        dpop::Asked { method: verb.as_str(), htu: &trail.server.resource, token: Some((token, bound_to)) };
    door.possession().prove(proof, &asked, trail.now).map(drop).map_err(refuse)
}

/// Verifies a token, or finds it verified under this very snapshot, server, key and epoch (D-03).
async fn caller<P: Ports>(
    door: &Door<P>,
    snapshot: &Snapshot,
    server: &ServerRules,
    token: &str,
    source: Option<IpAddr>,
    now: Timestamp,
) -> Result<Arc<Caller>, (Refusal, Option<Arc<Identity>>)> {
    let epoch = door.epoch();
    let key = TokenKey::new(token, snapshot.id());
    let known = server.tokens.read().unwrap_or_else(PoisonError::into_inner).get(&key, now, epoch);
    // A key that is no longer published opens nothing, whatever was verified with it before (TOK-03).
    if let Some(caller) = known
        && door.ports.keys().has(caller.identity.kid())
    {
        return Ok(caller);
    }
    // Something was revoked since it was verified: it need not be verified again, but asked about.
    let unasked = server.tokens.read().unwrap_or_else(PoisonError::into_inner).unasked(&key, now);
    if let Some(caller) = unasked
        && door.ports.keys().has(caller.identity.kid())
    {
        admit(door, &caller.identity)?;
        remember(server, key, &caller, epoch);
        return Ok(caller);
    }
    // Judging a token costs an RSA verification: a place that sends bad ones is made to wait, while callers whose tokens
    // are known already are let through.
    if !door.ports.may_knock(source, now) {
        return Err((Refusal::new(Reason::TooManyKnocks), None));
    }
    let mut verdict = judge(token, &door.ports.keys(), server, now);
    if let Err(TokenError::UnknownKid { kid }) = &verdict
        && door.ports.refresh_keys(kid).await
    {
        verdict = judge(token, &door.ports.keys(), server, now);
    }
    let (identity, assertion) = verdict.map_err(|error| (Refusal::new(Reason::Token(error)), None))?;
    let (identity, assertion) = (Arc::new(identity), assertion.map(Arc::new));
    admit(door, &identity)?;
    // A person whose groups cannot be read is no stranger: their refusal is recorded under their name (D-11).
    let prepared = prepare(door, snapshot, Arc::clone(&identity), assertion).await;
    let caller = Arc::new(prepared.map_err(|refusal| (refusal, Some(identity)))?);
    remember(server, key, &caller, epoch);
    Ok(caller)
}

/// Refuses who was revoked, in their name: they are no strangers either (TOK-10).
fn admit<P: Ports>(door: &Door<P>, identity: &Arc<Identity>) -> Result<(), (Refusal, Option<Arc<Identity>>)> {
    if door.ports.revocations().admits(identity) {
        return Ok(());
    }
    Err((Refusal::new(Reason::Token(TokenError::Revoked)), Some(Arc::clone(identity))))
}

/// Remembers a caller under the epoch that was read before revocations were asked: one that came in between is not
/// missed, since the present epoch is another then.
fn remember(server: &ServerRules, key: TokenKey, caller: &Arc<Caller>, epoch: u64) {
    let (kid, expires) = (Arc::clone(caller.identity.kid()), caller.identity.expires());
    let mut tokens = server.tokens.write().unwrap_or_else(PoisonError::into_inner);
    tokens.insert(key, Arc::clone(caller), kid, expires, epoch);
}

/// Judges a token, and keeps it only where the server is called with what it can be exchanged for.
fn judge(
    token: &str,
    keys: &KeyRing,
    server: &ServerRules,
    now: Timestamp,
) -> Result<(Identity, Option<Assertion>), TokenError> {
    if server.keeps_assertion {
        verify_keeping(token, keys, &server.expectation, now)
    } else {
        verify(token, keys, &server.expectation, now).map(|identity| (identity, None))
    }
}

/// Makes a known caller anew under another snapshot.
pub(crate) async fn renew<P: Ports>(
    door: &Door<P>,
    snapshot: &Snapshot,
    caller: &Caller,
) -> Result<Caller, Refusal> {
    prepare(door, snapshot, Arc::clone(&caller.identity), caller.assertion.clone()).await
}

/// Makes the policy's view of an identity, under one snapshot.
async fn prepare<P: Ports>(
    door: &Door<P>,
    snapshot: &Snapshot,
    identity: Arc<Identity>,
    assertion: Option<Arc<Assertion>>,
) -> Result<Caller, Refusal> {
    let none = BTreeSet::new();
    let resolved;
    let groups = match identity.groups() {
        Groups::Listed(groups) => groups,
        // Too many to list: they are asked for where a policy needs them, and a failure closes (AUT-01).
        Groups::Overage if snapshot.policies().mentions_groups() => {
            let asked = door.ports.groups(&identity).await;
            resolved = asked.map_err(|why| Refusal::because(Reason::GroupsUnavailable, why.0))?;
            &resolved
        }
        Groups::Absent | Groups::Overage => &none,
    };
    let principal = snapshot.policies().principal(&PrincipalFacts {
        tenant: identity.tenant(),
        object: identity.object(),
        client: identity.client(),
        kind: match identity.kind() {
            CallerKind::User => PrincipalKind::User,
            CallerKind::App => PrincipalKind::App,
        },
        scopes: identity.scopes(),
        roles: identity.roles(),
        groups,
    });
    let owner = Owner::of(&identity);
    Ok(Caller { identity, principal, owner, assertion })
}
