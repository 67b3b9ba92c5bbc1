//! Questions about single calls, from the asking to the use of the answer (D-21).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use doorward_audit::Asked;
use doorward_engine::{Approval, Plea};
use doorward_flow::Approver;
use doorward_oauth::Identity;
use doorward_store::{Kind, Row, Scope, Store, StoreError};
use doorward_types::{Person, Secret, Timestamp};

use crate::question::{Answer, MOST_SHOWN, Question, State};

/// Questions of one person that wait at once: whoever is asked more often says yes unread.
const MOST_PENDING: usize = 16;
/// An answer needs a sign-in that is no older.
const FRESH: Duration = Duration::from_secs(5 * 60);
/// How often somebody may be faster before it counts as not at hand.
const TRIES: usize = 8;

/// The questions of one store.
#[derive(Clone)]
pub struct Approvals {
    store: Store,
    /// How long a question waits, and its answer for the call.
    good_for: Duration,
    /// Where they are answered: a question's reference follows.
    page: String,
}

/// Who answers.
#[derive(Debug, Clone)]
pub struct By {
    /// The person.
    pub person: Person,
    /// Whether they may answer for others.
    pub for_others: bool,
    /// When they last proved who they are.
    pub signed_in: Timestamp,
    /// By which way they answer: `page` or `command line`.
    pub way: &'static str,
}

/// Why an answer does not count.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no such question, it has expired, or it is none of theirs.
    #[error("there is no such question, or its time is over")]
    Unknown,
    /// Somebody else has to answer.
    #[error("this call needs a second person: whoever makes it cannot approve it")]
    OwnCall,
    /// They proved who they are too long ago.
    #[error("an approval needs a sign-in of the last five minutes")]
    Stale,
    /// It was answered before.
    #[error("it was answered before")]
    Answered(State),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What came of a call that asks, with the question whose approval it used up.
pub struct Taken {
    /// What the engine is told.
    pub approval: Approval,
    /// The approval that is used up, for the record.
    pub used: Option<Question>,
    /// The question that was asked anew, for the record.
    pub asked: Option<Question>,
}

impl By {
    /// Somebody who has signed in to answer. Whoever has the approvers' role, where there is one, may answer for others.
    pub fn signed_in(identity: &Identity, approver_role: Option<&str>, at: Timestamp) -> Self {
        let has = |role: &str| identity.roles().iter().any(|own| &**own == role);
        Self {
            person: identity.person(),
            for_others: approver_role.is_some_and(has),
            signed_in: at,
            way: "page",
        }
    }
}

impl Taken {
    /// Returns what the log is to know of it.
    pub fn record(&self) -> Asked<'_> {
        let by = self.used.as_ref().and_then(|used| Some((used, used.answer.as_ref()?)));
        match (by, &self.asked) {
            (Some((used, answer)), _) => Asked::Used(&used.reference, &answer.person),
            (None, Some(asked)) => Asked::New(&asked.reference),
            (None, None) => Asked::Nothing,
        }
    }
}

impl Approvals {
    /// Uses this store. `page` is the address under which questions are answered, without a slash at its end.
    pub fn new(store: Store, good_for: Duration, page: impl Into<String>) -> Self {
        Self { store, good_for, page: page.into() }
    }

    /// Returns where a question is answered.
    pub fn url(&self, reference: &str) -> String {
        format!("{}/{reference}", self.page)
    }

    /// Returns the questions that wait, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn pending(&self, now: Timestamp) -> Result<Vec<Question>, StoreError> {
        let rows = self.store.all(Kind::Approval, now).await?;
        let mut questions = rows.iter().map(Question::of).collect::<Result<Vec<_>, _>>()?;
        questions.retain(|question| question.state == State::Pending);
        questions.sort_by_key(|question| question.asked);
        Ok(questions)
    }

    /// Returns a person's questions, answered or not, the oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_person(&self, person: &Person, now: Timestamp) -> Result<Vec<Question>, StoreError> {
        let rows = self.store.of_person(Kind::Approval, person, now).await?;
        let mut questions = rows.iter().map(Question::of).collect::<Result<Vec<_>, _>>()?;
        questions.sort_by_key(|question| question.asked);
        Ok(questions)
    }

    /// Returns one question.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn get(&self, reference: &str, now: Timestamp) -> Result<Option<Question>, StoreError> {
        Ok(self.row(reference, now).await?.map(|(_, question)| question))
    }

    /// Approves one call.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn approve(&self, reference: &str, by: &By, now: Timestamp) -> Result<Question, AnswerError> {
        self.answer(reference, by, State::Approved, now).await
    }

    /// Refuses one call; the same call is refused from then on without a question, until that would have expired.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub async fn refuse(&self, reference: &str, by: &By, now: Timestamp) -> Result<Question, AnswerError> {
        self.answer(reference, by, State::Refused, now).await
    }

    async fn answer(
        &self,
        reference: &str,
        by: &By,
        state: State,
        now: Timestamp,
    ) -> Result<Question, AnswerError> {
        let (mut row, mut question) = self.row(reference, now).await?.ok_or(AnswerError::Unknown)?;
        let own = by.person == question.person;
        // Who may not know of it learns nothing of it.
        if !own && !by.for_others {
            return Err(AnswerError::Unknown);
        }
        // Whoever makes the call may always take it back; to approve it takes who is asked for.
        if own && question.approver == Approver::Another && state == State::Approved {
            return Err(AnswerError::OwnCall);
        }
        if now.since(by.signed_in) > FRESH {
            return Err(AnswerError::Stale);
        }
        if question.state != State::Pending {
            return Err(AnswerError::Answered(question.state));
        }
        question.state = state;
        question.answer = Some(Answer { person: by.person.clone(), at: now, way: by.way.to_owned() });
        row.body = Secret::new(question.body());
        match self.store.replace(&row).await? {
            true => Ok(question),
            false => Err(AnswerError::Answered(state)),
        }
    }

    /// Asks about a call, or takes the answer to the same question: an approval is used up before this returns, once.
    pub async fn take(&self, plea: &Plea<'_>) -> Taken {
        self.try_take(plea).await.unwrap_or_else(|error| {
            tracing::error!(%error, "approvals cannot be looked up or kept");
            Taken { approval: Approval::Unavailable, used: None, asked: None }
        })
    }

    async fn try_take(&self, plea: &Plea<'_>) -> Result<Taken, StoreError> {
        let person = plea.identity.person();
        let bound = bound(plea);
        let only = |approval| Ok(Taken { approval, used: None, asked: None });
        for _ in 0..TRIES {
            let rows = self.store.of_person(Kind::Approval, &person, plea.now).await?;
            let mut pending = 0;
            let mut same = Vec::new();
            for row in rows {
                let question = Question::of(&row)?;
                pending += usize::from(question.state == State::Pending);
                if question.bound == bound && question.state != State::Used {
                    same.push((row, question));
                }
            }
            // An approval before anything else: two questions about one call may both have been asked.
            let approved = same.iter().position(|(_, question)| question.state == State::Approved);
            if let Some((mut row, mut question)) = approved.map(|at| same.swap_remove(at)) {
                question.state = State::Used;
                row.body = Secret::new(question.body());
                if self.store.replace(&row).await? {
                    let approval = Approval::Given(question.approver);
                    return Ok(Taken { approval, used: Some(question), asked: None });
                }
                // Another call took it: this one asks for itself.
                continue;
            }
            if same.iter().any(|(_, question)| question.state == State::Refused) {
                return only(Approval::Refused);
            }
            if let Some((_, question)) = same.first() {
                let url = self.url(&question.reference);
                return only(Approval::Wait { reference: question.reference.clone(), url });
            }
            if pending >= MOST_PENDING {
                return only(Approval::Full);
            }
            return self.ask(plea, &person, bound).await;
        }
        only(Approval::Unavailable)
    }

    async fn ask(&self, plea: &Plea<'_>, person: &Person, bound: [u8; 32]) -> Result<Taken, StoreError> {
        let mut id = [0; 16];
        if aws_lc_rs::rand::fill(&mut id).is_err() {
            return Ok(Taken { approval: Approval::Unavailable, used: None, asked: None });
        }
        let mut left = plea.arguments.chars();
        let arguments = left.by_ref().take(MOST_SHOWN).collect();
        let mut row = Row {
            kind: Kind::Approval,
            id: id.to_vec(),
            scope: Scope::Tenant(person.tenant.clone()),
            person: Some(person.clone()),
            client: Some(plea.identity.client().clone()),
            grant: plea.identity.grant(),
            expires: Some(plea.now.plus(self.good_for)),
            version: 0,
            body: Secret::new(Vec::new()),
        };
        let question = Question {
            reference: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            person: person.clone(),
            client: plea.identity.client().clone(),
            server: plea.server.as_str().to_owned(),
            method: plea.method.to_owned(),
            name: plea.name.to_owned(),
            arguments,
            cut: left.count(),
            why: plea.why.to_owned(),
            approver: plea.approver,
            asked: plea.now,
            expires: plea.now.plus(self.good_for),
            state: State::Pending,
            answer: None,
            bound,
        };
        row.body = Secret::new(question.body());
        self.store.insert(&row).await?;
        let (reference, url) = (question.reference.clone(), self.url(&question.reference));
        Ok(Taken { approval: Approval::Wait { reference, url }, used: None, asked: Some(question) })
    }

    async fn row(&self, reference: &str, now: Timestamp) -> Result<Option<(Row, Question)>, StoreError> {
        let Some(id) = parse(reference) else { return Ok(None) };
        let Some(row) = self.store.get(Kind::Approval, &id, now).await? else { return Ok(None) };
        let question = Question::of(&row)?;
        Ok(Some((row, question)))
    }
}

/// A digest of what an approval covers: this call, of this person with this client, under these labels.
fn bound(plea: &Plea<'_>) -> [u8; 32] {
    let mut text = b"doorward approval 1\0".to_vec();
    text.push(u8::from(plea.approver == Approver::Another));
    text.extend(plea.bound);
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(digest(&SHA256, &text).as_ref()).for_each(|(to, from)| *to = *from);
    bytes
}

fn parse(reference: &str) -> Option<[u8; 16]> {
    let plain = reference.len() == 32 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u128::from_str_radix(reference, 16).ok()).flatten().map(u128::to_be_bytes)
}
