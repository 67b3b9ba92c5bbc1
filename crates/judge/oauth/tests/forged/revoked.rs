//! What was taken back opens nothing; what was not stays open.

use std::collections::HashMap;

use doorward_oauth::{EntraTokens, Identity, Revocations, Revoked, verify};
use doorward_types::{ClientId, GrantId, ObjectId, Person, TenantId, Timestamp};
use proptest::prelude::*;

use super::forge::{
    CLIENT, Keys, NOW, OTHER_TENANT, OWN_CLIENT, PERSON, SID, TENANT, app_only, now, own, own_app,
    own_expectation, v2,
};

fn person(tenant: &str, object: &str) -> Revoked {
    Revoked::Person(Person {
        tenant: TenantId::parse(tenant).unwrap(),
        object: ObjectId::parse(object).unwrap(),
    })
}

fn at(what: Revoked, epoch: u64, secs: i64) -> Revocations {
    Revocations::new([(what, epoch, Timestamp::from_secs(secs))])
}

struct Tokens {
    own: Identity,
    machine: Identity,
    entra: Identity,
    app: Identity,
}

/// The door's own are of epoch 7, Entra's were issued five minutes ago.
fn tokens() -> Tokens {
    let (keys, ring) = Keys::generate().ring();
    let mut expected = own_expectation();
    expected.entra = EntraTokens::All;
    expected.allow_app_only = true;
    expected.required_scope = vec![];
    let judge = |token: String| verify(&token, &ring, &expected, now()).unwrap();
    Tokens {
        own: judge(keys.own(&own())),
        machine: judge(keys.own(&own_app())),
        entra: judge(keys.good(&v2())),
        app: judge(keys.good(&app_only())),
    }
}

// control: TOK-10: a revocation ends the tokens that it names and came after, and no others
#[test]
fn a_revocation_ends_what_it_names() {
    let Tokens { own, machine, entra, app } = tokens();
    let client = Revoked::Client(ClientId::registered(OWN_CLIENT).unwrap());
    let foreign = Revoked::Client(ClientId::parse(CLIENT).unwrap());
    let grant = Revoked::Grant(GrantId::parse(SID).unwrap());
    let issued = NOW - 300;
    // Revocation, its epoch and time; whether it spares the door's own, the machine's, Entra's, the application's.
    for (what, epoch, secs, spares) in [
        (Revoked::All, 8, NOW, [false, false, false, false]),
        (Revoked::All, 7, NOW, [true, true, false, false]),
        (Revoked::All, 8, issued, [false, false, false, false]),
        (Revoked::All, 8, issued - 1, [false, false, true, true]),
        (person(TENANT, PERSON), 8, NOW, [false, false, false, false]),
        (person(TENANT, PERSON), 7, issued - 1, [true, true, true, true]),
        (person(OTHER_TENANT, PERSON), 8, NOW, [true, true, true, true]),
        (person(TENANT, CLIENT), 8, NOW, [true, true, true, true]),
        (client.clone(), 8, NOW, [false, false, true, true]),
        (client, 7, NOW, [true, true, true, true]),
        (foreign, 8, NOW, [true, true, false, false]),
        (grant.clone(), 8, NOW, [false, true, true, true]),
        (grant, 7, NOW, [true, true, true, true]),
        (Revoked::Grant(GrantId([9; 16])), 8, NOW, [true, true, true, true]),
    ] {
        let revocations = at(what.clone(), epoch, secs);
        let found = [&own, &machine, &entra, &app].map(|identity| revocations.admits(identity));
        assert_eq!(found, spares, "{what:?} in epoch {epoch}");
    }
    let none = Revocations::default();
    assert!([&own, &machine, &entra, &app].into_iter().all(|identity| none.admits(identity)));
}

// control-off: TOK-10: a token that is believed until it expires outlives its revocation
#[test]
fn without_revocations_a_token_lives_on() {
    let Tokens { own, .. } = tokens();
    let revocations = at(Revoked::All, 8, NOW);
    assert!(own.expires() > now() && !revocations.admits(&own));
}

proptest! {
    // control: TOK-10: of many revocations each holds, in whatever order they are listed
    #[test]
    fn every_listed_revocation_holds(listed in proptest::collection::vec((0_usize..6, 5_u64..10), 0..12)) {
        static TOKENS: std::sync::OnceLock<Tokens> = std::sync::OnceLock::new();
        let Tokens { own, .. } = TOKENS.get_or_init(tokens);
        let kinds = [
            (Revoked::All, true),
            (person(TENANT, PERSON), true),
            (Revoked::Client(ClientId::registered(OWN_CLIENT).unwrap()), true),
            (Revoked::Grant(GrantId::parse(SID).unwrap()), true),
            (person(OTHER_TENANT, PERSON), false),
            (Revoked::Grant(GrantId([1; 16])), false),
        ];
        let mut newest: HashMap<usize, u64> = HashMap::new();
        for (kind, epoch) in &listed {
            let known = newest.entry(*kind).or_default();
            *known = (*known).max(*epoch);
        }
        let ended = newest.iter().any(|(kind, epoch)| kinds[*kind].1 && *epoch > 7);
        let revocations = Revocations::new(
            listed.iter().map(|(kind, epoch)| (kinds[*kind].0.clone(), *epoch, Timestamp::from_secs(NOW))),
        );
        prop_assert_eq!(revocations.admits(own), !ended);
    }
}
