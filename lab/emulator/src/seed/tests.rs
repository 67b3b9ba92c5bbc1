use super::*;

#[test]
fn the_compiled_in_seed_is_valid_and_has_its_people() {
    let seed = Seed::contoso().unwrap();
    assert_eq!(seed.tenants.len(), 2);
    for name in ["alice", "bob", "carol", "dave", "erin", "frank", "mallory"] {
        assert!(seed.user(name).is_some(), "{name}");
    }
    assert!(seed.user("carol").unwrap().group_ids(&seed).len() > 200, "carol is there for the overage claim");
    assert!(seed.user("frank").unwrap().disabled);
    assert_eq!(seed.app(GRAPH_APP_ID).unwrap().name, "graph");
}

#[test]
fn sign_in_looks_in_the_tenant_asked_for() {
    let seed = Seed::contoso().unwrap();
    let contoso = seed.tenant("contoso.onmicrosoft.com").unwrap();
    let fabrikam = seed.tenant("fabrikam").unwrap();
    assert!(seed.signing_in("ALICE@contoso.onmicrosoft.com", Some(contoso)).is_some());
    assert!(seed.signing_in("alice@contoso.onmicrosoft.com", Some(fabrikam)).is_none());
    assert_eq!(seed.signing_in("mallory@fabrikam.onmicrosoft.com", None).unwrap().name, "mallory");
}

#[test]
fn a_seed_that_contradicts_itself_is_refused_with_the_reason() {
    let tenant = "[[tenant]]\nname='t'\nid='11111111-1111-4111-8111-111111111111'\ndomain='t.example'\n";
    let app = |more: &str| {
        format!("{tenant}[[app]]\nname='a'\ntenant='t'\nid='a0000000-0000-4000-8000-000000000001'\n{more}")
    };
    for (text, reason) in [
        (String::from("tenant = []"), "at least one"),
        (tenant.replace("11111111-1", "1-1"), "not a GUID"),
        (tenant.repeat(2), "twice"),
        (app("token_version = 3"), "not 1 or 2"),
        (app("identifier_uris = ['api://a/']"), "ends in a slash"),
        (app("public = true\nsecrets = [{ value = 's' }]"), "no credential"),
        (app("preauthorized = { b = [] }"), "no app is called b"),
        (app("preauthorized = { a = ['x'] }"), "no scope is called x"),
        (app("colour = 'red'"), "unknown field"),
    ] {
        let error = Seed::parse(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}
