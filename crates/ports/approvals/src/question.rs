//! A question about one call, and its answer: the thing, and the record that stands for it in the store.

use doorward_flow::Approver;
use doorward_store::{Kind, Row, StoreError};
use doorward_types::{ClientId, ObjectId, Person, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// What has become of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has answered.
    Pending,
    /// One call may be made.
    Approved,
    /// No call may be made.
    Refused,
    /// The call was made.
    Used,
}

/// Who answered, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who.
    pub person: Person,
    /// When.
    pub at: Timestamp,
    /// By which way: `page` or `command line`.
    pub way: String,
}

/// A question about one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name, 32 hexadecimal digits.
    pub reference: String,
    /// Whose call it is.
    pub person: Person,
    /// The client that calls.
    pub client: ClientId,
    /// The server that is called.
    pub server: String,
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, prompt or resource.
    pub name: String,
    /// The arguments, as JSON: those that will be sent. Foreign text.
    pub arguments: String,
    /// How many characters of them are not shown.
    pub cut: usize,
    /// Why somebody is asked, with where it goes. It holds foreign text.
    pub why: String,
    /// Who has to answer.
    pub approver: Approver,
    /// When it was asked.
    pub asked: Timestamp,
    /// From when on neither it nor its answer counts.
    pub expires: Timestamp,
    /// What has become of it.
    pub state: State,
    /// The answer, once there is one.
    pub answer: Option<Answer>,
    /// A digest of what an approval covers.
    pub(crate) bound: [u8; 32],
}

/// What a person is shown of the arguments: more is not read.
pub(crate) const MOST_SHOWN: usize = 16_000;

#[derive(Serialize, Deserialize)]
struct Record {
    server: String,
    method: String,
    name: String,
    arguments: String,
    cut: usize,
    why: String,
    another: bool,
    asked: i64,
    state: State,
    bound: [u8; 32],
    answer: Option<AnswerRecord>,
}

#[derive(Serialize, Deserialize)]
struct AnswerRecord {
    tenant: String,
    object: String,
    at: i64,
    way: String,
}

impl Question {
    /// Reads a row.
    pub(crate) fn of(row: &Row) -> Result<Self, StoreError> {
        const ODD: StoreError = StoreError::Tampered {
            kind: Kind::Approval,
            what: "its content is not what this version writes",
        };
        let record: Record = serde_json::from_slice(row.body.expose()).map_err(|_| ODD)?;
        let answer = record.answer.map(|answer| {
            Some(Answer {
                person: Person {
                    tenant: TenantId::parse(&answer.tenant).ok()?,
                    object: ObjectId::parse(&answer.object).ok()?,
                },
                at: Timestamp::from_micros(answer.at),
                way: answer.way,
            })
        });
        Ok(Self {
            reference: row.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            person: row.person.clone().ok_or(ODD)?,
            client: row.client.clone().ok_or(ODD)?,
            server: record.server,
            method: record.method,
            name: record.name,
            arguments: record.arguments,
            cut: record.cut,
            why: record.why,
            approver: if record.another { Approver::Another } else { Approver::Person },
            asked: Timestamp::from_micros(record.asked),
            expires: row.expires.ok_or(ODD)?,
            state: record.state,
            answer: match answer {
                None => None,
                Some(answer) => Some(answer.ok_or(ODD)?),
            },
            bound: record.bound,
        })
    }

    /// Writes it down.
    pub(crate) fn body(&self) -> Vec<u8> {
        let record = Record {
            server: self.server.clone(),
            method: self.method.clone(),
            name: self.name.clone(),
            arguments: self.arguments.clone(),
            cut: self.cut,
            why: self.why.clone(),
            another: self.approver == Approver::Another,
            asked: self.asked.as_micros(),
            state: self.state,
            bound: self.bound,
            answer: self.answer.as_ref().map(|answer| AnswerRecord {
                tenant: answer.person.tenant.as_str().to_owned(),
                object: answer.person.object.as_str().to_owned(),
                at: answer.at.as_micros(),
                way: answer.way.clone(),
            }),
        };
        // Our own members, all of which can be written.
        serde_json::to_vec(&record).unwrap_or_default()
    }
}
