//! Rounds of 2026-07-28: a server answers that it wants input first, and the client asks again with the input and with a
//! state of the server's. That state is all the server has to know the round by, so it leaves the door sealed, and opens
//! here for whom it was made alone: the same person and client, the same server, method and name (L-15). Arguments are not
//! bound: clients write them anew for each round, and not byte for byte.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::Timestamp;
use doorward_wire::{Edits, Frame, FrameKind, Method, quote};

use crate::door::Door;
use crate::ports::{Ports, RandomUnavailable};
use crate::refusal::Reason;
use crate::sessions::Owner;
use crate::snapshot::ServerRules;
use crate::stage::{Asked, InSession, Step};

/// How long a person may take to answer: a day. The seal's key lives no longer than this process.
const GOOD_FOR: i64 = 24 * 3600;
/// Under which name the door itself asks a person to connect their account elsewhere.
pub(crate) const CONNECT: &str = "doorward-connect";
/// Under which name it asks for an approval.
pub(crate) const APPROVE: &str = "doorward-approval";
const PURPOSE: &[u8] = b"doorward request state 1";

/// Seals the states of one door.
pub(crate) struct Rounds {
    key: LessSafeKey,
    /// Counts the seals: no two have the same nonce.
    sealed: AtomicU64,
}

/// What a round belongs to.
pub(crate) struct Round<'a> {
    pub(crate) owner: &'a Owner,
    pub(crate) server: &'a ServerRules,
    pub(crate) method: Method,
    /// The tool, prompt or resource.
    pub(crate) name: &'a str,
}

impl Round<'_> {
    fn digest(&self) -> [u8; 32] {
        let mut hash = Context::new(&SHA256);
        let Owner { tenant, object, client } = self.owner;
        let method = format!("{:?}", self.method);
        let parts = [
            tenant.as_str(),
            object.as_str(),
            client.as_str(),
            self.server.name.as_str(),
            &method,
            self.name,
        ];
        for part in parts {
            // Lengths in front, so that no two rounds write the same.
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut digest = [0; 32];
        digest.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
        digest
    }
}

/// Why a state opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateError {
    /// This door did not make it, somebody changed it, or it is too old.
    Invalid,
    /// It was made for another round: another's, or one of another server or tool.
    Foreign,
}

impl Rounds {
    pub(crate) fn new<P: Ports>(ports: &P) -> Result<Self, RandomUnavailable> {
        let key = UnboundKey::new(&AES_256_GCM, &ports.random()?).map_err(|_| RandomUnavailable)?;
        Ok(Self { key: LessSafeKey::new(key), sealed: AtomicU64::new(0) })
    }

    /// Seals a state, given and returned as raw JSON.
    fn seal(&self, state: &str, round: &Round<'_>, now: Timestamp) -> Option<String> {
        let count = self.sealed.fetch_add(1, Ordering::Relaxed);
        let mut text = now.as_secs().saturating_add(GOOD_FOR).to_be_bytes().to_vec();
        text.extend(round.digest());
        text.extend(state.as_bytes());
        self.key.seal_in_place_append_tag(nonce(count), Aad::from(PURPOSE), &mut text).ok()?;
        let sealed: Vec<u8> = count.to_be_bytes().into_iter().chain(text).collect();
        Some(quote(&URL_SAFE_NO_PAD.encode(sealed)))
    }

    fn open(&self, sealed: &str, round: &Round<'_>, now: Timestamp) -> Result<String, StateError> {
        let read = || {
            let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let count = u64::from_be_bytes(bytes.get(..8)?.try_into().ok()?);
            let text = self.key.open_in_place(nonce(count), Aad::from(PURPOSE), bytes.get_mut(8..)?).ok()?;
            let (expires, rest) = text.split_at_checked(8)?;
            let (digest, state) = rest.split_at_checked(32)?;
            let good = now.as_secs() < i64::from_be_bytes(expires.try_into().ok()?);
            good.then(|| Some((digest == round.digest(), String::from_utf8(state.to_vec()).ok()?)))?
        };
        match read() {
            Some((true, state)) => Ok(state),
            Some((false, _)) => Err(StateError::Foreign),
            None => Err(StateError::Invalid),
        }
    }

    /// Puts the sealed state in the place of the server's own, in an answer that asks for input.
    pub(crate) fn hand_out(
        &self,
        result: doorward_wire::Value<'_>,
        round: &Round<'_>,
        now: Timestamp,
        edits: &mut Edits,
    ) -> Option<()> {
        let Some(state) = result.get("requestState") else { return Some(()) };
        edits.replace(state.span(), self.seal(state.raw(), round, now)?);
        Some(())
    }
}

fn nonce(count: u64) -> Nonce {
    let [a, b, c, d, e, f, g, h] = count.to_be_bytes();
    Nonce::assume_unique_for_key([0, 0, 0, 0, a, b, c, d, e, f, g, h])
}

/// Says in which requests a state has a place (L-13).
pub(crate) fn has_rounds(method: Method) -> bool {
    matches!(method, Method::ToolsCall | Method::PromptsGet | Method::ResourcesRead)
}

/// Gives a frame that goes on with a round the server's own state back. What is judged from here on is what the server
/// will read (D-02).
pub(crate) fn rejoin<'a, P: Ports>(door: &Door<P>, seated: InSession<'a, P>) -> Step<InSession<'a, P>> {
    let InSession { trail, caller, headers, seat, asked } = seated;
    let (frame, method) = match &asked {
        Asked::Frame { frame, method } if seat.session().is_none() && frame.kind() == FrameKind::Request => {
            (frame, *method)
        }
        _ => return Ok(InSession { trail, caller, headers, seat, asked }),
    };
    let mut edits = Edits::new();
    let params = frame.params();
    // The answer to a question of the door's own: the server never asked it.
    if let Some(answers) = params.and_then(|params| params.get("inputResponses")) {
        edits.remove_member(answers, CONNECT);
        edits.remove_member(answers, APPROVE);
    }
    if let Some(state) = params.and_then(|params| params.get("requestState")).filter(|state| !state.is_null())
    {
        let name = trail.subject.name();
        let round = Round { owner: &caller.owner, server: &trail.server, method, name };
        let text = state.as_str().filter(|_| has_rounds(method));
        let opened =
            text.ok_or(StateError::Invalid).and_then(|text| door.rounds.open(&text, &round, trail.now));
        match opened {
            Ok(own) => edits.replace(state.span(), own),
            Err(StateError::Invalid) => return Err(trail.refuse(Reason::StateInvalid)),
            Err(StateError::Foreign) => return Err(trail.refuse(Reason::StateForeign)),
        }
    }
    if edits.is_empty() {
        return Ok(InSession { trail, caller, headers, seat, asked });
    }
    let bytes = edits.apply(frame.tree()).ok();
    let limits = &trail.server.request_limits;
    let Some(frame) = bytes.and_then(|bytes| Frame::parse(bytes, limits).ok()) else {
        return Err(trail.refuse(Reason::StateInvalid));
    };
    Ok(InSession { trail, caller, headers, seat, asked: Asked::Frame { frame, method } })
}
