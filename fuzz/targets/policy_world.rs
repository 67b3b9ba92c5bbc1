//! What the policy targets share: servers, a caller, and that a decision is what its policies say one by one.

use std::collections::BTreeSet;

use bytes::Bytes;
use doorward_policy::{
    Ask, Outcome, Policies, PolicyProblem, PolicyText, Principal, PrincipalFacts, PrincipalKind, PromptShape,
    ServerShape, ToolShape,
};
use doorward_types::{ClientId, ObjectId, ServerName, TenantId};
use doorward_wire::{Limits, Tree};

pub(crate) const ALICE: &str = "11111111-1111-4111-8111-111111111111";
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const STAFF: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const CLIENT: &str = "cccccccc-cccc-4ccc-8ccc-cccccccccccc";

/// One argument of every kind that has a Cedar type, and one that has none.
pub(crate) const READ: &str = r#"{"type":"object","required":["user_id"],"properties":{
    "user_id":{"type":"string"},"n":{"type":"integer"},"flag":{"type":"boolean"},
    "tags":{"type":"array","items":{"type":"string"}},"price":{"type":"number"},
    "filter":{"type":"object","required":["owner"],
        "properties":{"owner":{"type":"string"},"limit":{"type":["integer","null"]}}}}}"#;

/// The servers `crm`, with a prompt and the tools given, and `later`, which was never reached.
pub(crate) fn compile(text: &PolicyText, tools: &[(&str, &Tree)]) -> Result<Policies, Vec<PolicyProblem>> {
    let (crm, later) = (crm(), ServerName::parse("later").unwrap());
    let tools = tools
        .iter()
        .map(|(name, schema)| ToolShape { name: (*name).into(), input_schema: Some(schema.root()) })
        .collect();
    let prompts = vec![PromptShape { name: "greet".into(), arguments: vec!["name".into()] }];
    let shapes = [
        ServerShape { name: &crm, tools, prompts, complete: true },
        ServerShape { name: &later, tools: vec![], prompts: vec![], complete: false },
    ];
    Policies::compile(text, &shapes)
}

pub(crate) fn crm() -> ServerName {
    ServerName::parse("crm").unwrap()
}

/// Alice of the staff, who is a reader.
pub(crate) fn alice(policies: &Policies) -> Principal {
    policies.principal(&PrincipalFacts {
        tenant: &TenantId::parse(TENANT).unwrap(),
        object: &ObjectId::parse(ALICE).unwrap(),
        client: &ClientId::parse(CLIENT).unwrap(),
        kind: PrincipalKind::User,
        scopes: &["tools.read".into()],
        roles: &["Reader".into()],
        groups: &BTreeSet::from([ObjectId::parse(STAFF).unwrap()]),
    })
}

/// Parses what the target itself wrote, or an input within the limits of a request.
pub(crate) fn tree(text: &[u8]) -> Option<Tree> {
    let limits = Limits { max_nodes: 10_000, ..Limits::default() };
    Tree::parse(Bytes::copy_from_slice(text), &limits).ok()
}

/// Decides, and holds the answer against that of each policy evaluated whole and alone: one that fails or forbids
/// refuses, whatever else permits.
pub(crate) fn decide(policies: &Policies, who: &Principal, ask: &Ask<'_>) -> bool {
    let answer = policies.decide(who, ask);
    let explained = policies.explain(who, ask);
    let (mut permits, mut refuses) = (Vec::new(), false);
    for policy in &explained.considered {
        match &policy.outcome {
            Outcome::Failed(_) => refuses = true,
            Outcome::Matched if policy.permits => permits.push(policy.policy.clone()),
            Outcome::Matched => refuses = true,
            Outcome::OutOfScope(_) | Outcome::NotMet(_) => {}
        }
    }
    permits.dedup();
    match &answer {
        Ok(permit) => {
            assert!(!refuses && !permits.is_empty(), "permitted against a policy: {explained}");
            assert_eq!(permit.policies(), permits, "{explained}");
        }
        Err(denial) => {
            let pending = denial.reason() == "server-pending";
            assert!(refuses || permits.is_empty() || pending, "refused without a reason: {explained}");
            assert!(!denial.to_string().is_empty());
        }
    }
    answer.is_ok()
}
