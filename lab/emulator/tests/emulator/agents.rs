use doorward_emulator::MintRequest;
use serde_json::json;

use crate::support::{Answer, DOOR, Lab, changed, part};

const BLUEPRINT: &str = "b1e90000-0000-4000-8000-0000000000a0";
const AGENT: &str = "a6e47000-0000-4000-8000-0000000000a1";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FIRST: [(&str, &str); 5] = [
    ("grant_type", "client_credentials"),
    ("client_id", BLUEPRINT),
    ("client_secret", "blueprint-secret-for-the-lab"),
    ("scope", "api://AzureADTokenExchange/.default"),
    ("fmi_path", AGENT),
];

async fn first(lab: &Lab, changes: &[(&str, &str)]) -> Answer {
    lab.token(&changed(&FIRST, changes)).await
}

async fn second(lab: &Lab, assertion: &str, changes: &[(&str, &str)]) -> Answer {
    let scope = format!("api://{DOOR}/.default");
    let base = [
        ("grant_type", "client_credentials"),
        ("client_id", AGENT),
        ("client_assertion_type", ASSERTION_TYPE),
        ("client_assertion", assertion),
        ("scope", &scope),
    ];
    lab.token(&changed(&base, changes)).await
}

fn token(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_blueprint_speaks_for_its_agent() {
    let lab = Lab::start().await;
    let one = token(&first(&lab, &[]).await);
    let alone = part(&token(&second(&lab, &one, &[]).await), 1);
    assert_eq!((&alone["azp"], &alone["xms_par_app_azp"]), (&json!(AGENT), &json!(BLUEPRINT)));
    assert_eq!((&alone["xms_act_fct"], &alone["xms_sub_fct"]), (&json!("11"), &json!("11")));
    assert_eq!((&alone["idtyp"], &alone["roles"]), (&json!("app"), &json!(["Service"])));

    let person = lab.control().mint(&MintRequest::user("alice").resource("blueprint")).unwrap();
    let obo = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", person.as_str()),
        ("scope", "api://51b11000-0000-4000-8000-0000000000d2/items.read"),
    ];
    let acting = part(&token(&second(&lab, &one, &obo).await), 1);
    assert_eq!((&acting["azp"], &acting["xms_act_fct"]), (&json!(AGENT), &json!("11")));
    assert_eq!((&acting["scp"], &acting["xms_sub_fct"]), (&json!("items.read"), &json!(null)));
    let foreign = lab.control().mint(&MintRequest::user("alice")).unwrap();
    let obo = changed(&obo, &[("assertion", foreign.as_str())]);
    second(&lab, &one, &obo).await.refused("a token for another API", 400, "invalid_grant", 500_131);
}

#[tokio::test]
async fn agents_are_refused_what_is_not_theirs() {
    let lab = Lab::start().await;
    let scope = format!("api://{DOOR}/.default");
    for (what, changes, status, error, code) in [
        ("for itself", vec![("scope", scope.as_str()), ("fmi_path", "")], 400, "unauthorized_client", 82_001),
        ("no agent of it", vec![("fmi_path", DOOR)], 400, "unauthorized_client", 82_001),
        ("wrong secret", vec![("client_secret", "x")], 401, "invalid_client", 7_000_215),
    ] {
        first(&lab, &changes).await.refused(what, status, error, code);
    }
    let one = token(&first(&lab, &[]).await);
    let for_nobody = token(&first(&lab, &[("fmi_path", "")]).await);
    second(&lab, &for_nobody, &[]).await.refused("names no agent", 401, "invalid_client", 700_213);
    let daemon = lab.control().mint(&MintRequest::app("daemon")).unwrap();
    second(&lab, &daemon, &[]).await.refused("another audience", 401, "invalid_client", 700_212);
    let (head, _) = one.rsplit_once('.').unwrap();
    second(&lab, &format!("{head}.AAAA"), &[]).await.refused("forged", 401, "invalid_client", 50_013);
    let code = [("grant_type", "refresh_token"), ("refresh_token", "x")];
    second(&lab, &one, &code).await.refused("a person's grant", 400, "unauthorized_client", 82_001);
    let bare = [("client_assertion", ""), ("client_assertion_type", ""), ("client_secret", "x")];
    second(&lab, &one, &bare).await.refused("a secret", 401, "invalid_client", 7_000_215);
}
