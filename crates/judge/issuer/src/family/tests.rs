//! Refresh: clients that lose answers and race, thieves early and late, Entra gone, stores put back.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_types::ObjectId;
use proptest::prelude::*;

use super::*;
use crate::testing::{CRM, NOW, REDIRECT, after, id, person};

const RULES: FamilyRules = FamilyRules {
    idle: Duration::from_secs(8 * 3600),
    absolute: Duration::from_secs(30 * 86_400),
    recheck: Duration::from_secs(1800),
    grace: Duration::from_secs(900),
    repeat: Duration::from_secs(30),
};

fn family() -> Family {
    Family {
        grant: GrantId([9; 16]),
        person: person('1'),
        client: id("dwc-1"),
        redirect: REDIRECT.to_owned(),
        resource: CRM.to_owned(),
        server: ServerName::parse("crm").unwrap(),
        scopes: vec!["tools.read".to_owned()],
        roles: vec![],
        groups: Groups::Absent,
        name: None,
        counter: 5,
        rotated: NOW,
        born: NOW,
        used: NOW,
        confirmed: NOW,
        challenge: None,
        jkt: None,
        kind: CallerKind::User,
    }
}

fn judge(family: &Family, presented: u32, secs: i64) -> RefreshVerdict {
    judge_refresh(family, presented, &id("dwc-1"), None, after(secs), &RULES)
}

fn revoked(verdict: RefreshVerdict) -> bool {
    matches!(verdict, RefreshVerdict::Revoke(_))
}

fn refused(verdict: RefreshVerdict) -> bool {
    matches!(verdict, RefreshVerdict::Refuse(_))
}

// control: D-15: the predecessor yields the same successor for 30 seconds, and any other reuse revokes
#[test]
fn refresh_tokens_rotate_with_one_step_of_grace() {
    let family = family();
    assert_eq!(judge(&family, 5, 10), RefreshVerdict::Rotate { next: 6 });
    assert_eq!(judge(&family, 4, 0), RefreshVerdict::Repeat { current: 5 });
    assert_eq!(judge(&family, 4, 30), RefreshVerdict::Repeat { current: 5 });
    assert_eq!(judge(&family, 4, -2), RefreshVerdict::Repeat { current: 5 });
    for (presented, secs) in [(4, 31), (4, -31), (3, 0), (0, 0), (6, 0), (u32::MAX, 0)] {
        assert!(revoked(judge(&family, presented, secs)), "{presented} after {secs}");
    }
    // However old the family is: a thief does not escape by coming late.
    assert!(revoked(judge(&family, 3, 40 * 86_400)));
    let last = Family { counter: u32::MAX, ..family };
    assert!(refused(judge(&last, u32::MAX, 0)));
}

// control: D-15, TOK-05: a family keeps to its client and its key
#[test]
fn a_family_keeps_to_its_client_and_key() {
    let bound = Family { jkt: Some("K".to_owned()), ..family() };
    let ask = |presented, client: &str, jkt| judge_refresh(&bound, presented, &id(client), jkt, NOW, &RULES);
    assert_eq!(ask(5, "dwc-1", Some("K")), RefreshVerdict::Rotate { next: 6 });
    assert!(refused(ask(5, "dwc-1", None)) && refused(ask(5, "dwc-1", Some("T"))));
    assert_eq!(ask(4, "dwc-1", Some("K")), RefreshVerdict::Repeat { current: 5 });
    assert!(revoked(ask(4, "dwc-1", None)) && revoked(ask(4, "dwc-1", Some("T"))));
    assert!(revoked(ask(5, "dwc-2", Some("K"))));
}

// control: SES-04, D-15: families end by idleness and by age
#[test]
fn families_end() {
    let hour = 3600;
    assert_eq!(judge(&family(), 5, 8 * hour - 1), RefreshVerdict::Rotate { next: 6 });
    assert!(refused(judge(&family(), 5, 8 * hour)));
    let busy = Family { used: after(30 * 24 * hour - 1), rotated: after(30 * 24 * hour - 1), ..family() };
    assert_eq!(judge(&busy, 5, 30 * 24 * hour - 1), RefreshVerdict::Rotate { next: 6 });
    assert!(refused(judge(&busy, 5, 30 * 24 * hour)) && refused(judge(&busy, 4, 30 * 24 * hour)));
}

// control: D-16: a family with an open challenge refreshes nothing, and is not ended by asking
#[test]
fn an_open_challenge_holds_the_family() {
    let challenged = Family { challenge: Some("{}".to_owned()), ..family() };
    assert!(refused(judge(&challenged, 5, 1)) && refused(judge(&challenged, 4, 1)));
    assert!(revoked(judge(&challenged, 3, 1)));
}

// control: D-15, REM-07: Entra confirms the person at every recheck, and its silence is borne for 15 minutes
#[test]
fn entra_is_asked_again() {
    for (secs, check, without) in [
        (0, EntraCheck::Fresh, true),
        (1800, EntraCheck::Fresh, true),
        (1801, EntraCheck::AskFirst, true),
        (2700, EntraCheck::AskFirst, true),
        (2701, EntraCheck::AskFirst, false),
    ] {
        assert_eq!(entra_needed(&family(), after(secs), &RULES), check, "{secs}");
        assert_eq!(without_entra(&family(), after(secs), &RULES), without, "{secs}");
    }
}

// control: D-15: a refresh token that this door did not make for this client is none
#[test]
fn refresh_tokens_are_not_forged() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
    let (grant, client) = (GrantId([9; 16]), id("dwc-1"));
    let token = refresh_token(&key, &grant, 5, &client);
    let text = token.expose();
    assert_eq!((text.len(), text.get(..4)), (74, Some("dwr.")));
    assert_eq!(read_refresh_token(&key, text, &client), Ok((grant, 5)));
    assert_eq!(text, refresh_token(&key, &grant, 5, &client).expose());
    assert_eq!(read_refresh_token(&key, text, &id("dwc-2")), Err(RefreshError::Forged));
    let other = hmac::Key::new(hmac::HMAC_SHA256, &[2; 32]);
    assert_eq!(read_refresh_token(&other, text, &client), Err(RefreshError::Forged));
    let mut bytes = URL_SAFE_NO_PAD.decode(text.get(4..).unwrap()).unwrap();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        let forged = format!("dwr.{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert_eq!(read_refresh_token(&key, &forged, &client), Err(RefreshError::Forged), "byte {at}");
        bytes[at] ^= 1;
    }
    let padded = format!("{text}=");
    for bad in ["", "dwr.", "dwr.AAAA", "eyJ", text.get(4..).unwrap(), &padded, text.get(..73).unwrap()] {
        assert_eq!(read_refresh_token(&key, bad, &client), Err(RefreshError::Malformed), "{bad}");
    }
}

#[test]
fn a_family_is_read_as_it_was_stored() {
    let ids: BTreeSet<_> = [ObjectId::parse("aaaaaaaa-bbbb-cccc-dddd-000000000001").unwrap()].into();
    for family in [
        family(),
        Family { groups: Groups::Overage, kind: CallerKind::App, ..family() },
        Family {
            groups: Groups::Listed(ids),
            name: Some("Ada \"L\" \u{1}".to_owned()),
            challenge: Some(r#"{"access_token":{}}"#.to_owned()),
            jkt: Some("K".to_owned()),
            roles: vec!["Admin".to_owned()],
            counter: u32::MAX,
            ..family()
        },
    ] {
        assert_eq!(Family::from_record(&family.to_record()), Ok(family));
    }
    assert!(Family::from_record(br#"{"v":"family/1","grant":"00"}"#).is_err());
}

/// A store with one family, as the façade keeps it.
struct Door {
    family: Option<Family>,
    now: i64,
}

impl Door {
    fn refresh(&mut self, token: u32) -> Option<u32> {
        let family = self.family.as_mut()?;
        match judge_refresh(family, token, &id("dwc-1"), None, after(self.now), &RULES) {
            RefreshVerdict::Rotate { next } => {
                (family.counter, family.rotated, family.used) = (next, after(self.now), after(self.now));
                Some(next)
            }
            RefreshVerdict::Repeat { current } => Some(current),
            RefreshVerdict::Revoke(_) => {
                self.family = None;
                None
            }
            RefreshVerdict::Refuse(_) => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(i64),
    Refresh,
    /// The answer does not arrive.
    Lost,
    /// Two processes of the client at once.
    Race,
    Steal,
    Thief,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..45i64).prop_map(Step::Wait),
        Just(Step::Refresh),
        Just(Step::Refresh),
        Just(Step::Lost),
        Just(Step::Race),
        Just(Step::Steal),
        Just(Step::Thief),
        Just(Step::Thief),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    // control: D-15: whatever a client and a thief do, a used token yields nothing after 30 seconds or once its successor was used
    #[test]
    fn a_stolen_predecessor_never_outlives_its_grace(steps in steps()) {
        let mut door = Door { family: Some(Family { counter: 0, ..family() }), now: 0 };
        let (mut held, mut stolen) = (0, None);
        // When each token was first used, kept apart from the code under test.
        let mut used: BTreeMap<u32, i64> = BTreeMap::new();
        let mut yielded: BTreeMap<u32, u32> = BTreeMap::new();
        let mut present = |door: &mut Door, token: u32| {
            let dead = door.family.is_none();
            let answer = door.refresh(token);
            let first = used.get(&token).copied();
            let reused = first.is_some_and(|first| door.now - first > 30) || (first.is_some() && used.contains_key(&(token + 1)));
            if dead || reused {
                prop_assert_eq!(answer, None, "token {} came back", token);
                prop_assert!(door.family.is_none(), "the family outlived the reuse of {}", token);
            }
            if let Some(next) = answer {
                used.entry(token).or_insert(door.now);
                prop_assert_eq!(*yielded.entry(token).or_insert(next), next);
            }
            Ok(answer)
        };
        for step in steps {
            match step {
                Step::Wait(secs) => door.now += secs,
                Step::Refresh => held = present(&mut door, held)?.unwrap_or(held),
                Step::Lost => { present(&mut door, held)?; }
                Step::Race => {
                    let (one, two) = (present(&mut door, held)?, present(&mut door, held)?);
                    prop_assert_eq!(one, two);
                    held = one.unwrap_or(held);
                }
                Step::Steal => stolen = Some(held),
                Step::Thief => if let Some(token) = stolen {
                    stolen = present(&mut door, token)?.or(stolen);
                },
            }
        }
    }

    #[test]
    fn an_honest_client_is_never_signed_out(steps in steps()) {
        let mut door = Door { family: Some(Family { counter: 0, ..family() }), now: 0 };
        let mut held = 0;
        for step in steps {
            match step {
                Step::Wait(secs) => door.now += secs,
                // Whoever loses an answer asks again soon.
                Step::Lost | Step::Steal => {
                    door.refresh(held);
                    door.now += 5;
                    held = door.refresh(held).unwrap();
                }
                Step::Race => {
                    let (one, two) = (door.refresh(held), door.refresh(held));
                    prop_assert_eq!(one, two);
                    held = one.unwrap();
                }
                Step::Refresh | Step::Thief => held = door.refresh(held).unwrap(),
            }
        }
    }
}

// control-off: D-15: where old refresh tokens stay good, a thief comes back whenever he likes
#[test]
fn a_naive_door_lets_a_thief_back_in() {
    let naive = |family: &Family, presented: u32| presented <= family.counter;
    assert!(naive(&family(), 1));
    assert!(revoked(judge(&family(), 1, 31)));
}
