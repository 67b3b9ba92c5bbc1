//! `/account/approvals/REFERENCE`: one call that waits for a person's yes (D-21). The way to it leads through Entra, always: whoever
//! answers has proved just now who they are. What is asked is shown as it will be sent, to those alone who may answer.

use doorward_approvals::{AnswerError, By, Question, State};
use doorward_flow::Approver;
use doorward_pins::{laid_out, visible};
use doorward_types::Timestamp;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::callback::SignedIn;
use crate::console::is_fresh;
use crate::grant::{Goal, Who};
use crate::pages::{ApprovePage, bits, said};
use crate::respond::{Answer, FormsLead, page, plain};
use crate::seal::Purpose;
use crate::tell::Told;
use crate::{Asked, Facade};

/// Where questions are answered.
pub(crate) const APPROVALS: &str = "/account/approvals";

/// How long the page's buttons work: as long as the sign-in counts.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(300);

/// What the buttons of a page stand for. Nobody else can make one, so it needs no session beside it: a form that somebody has another
/// browser send decides in their own name.
#[derive(Serialize, Deserialize)]
struct Pressed {
    who: Who,
    for_others: bool,
    /// When they proved who they are, in seconds.
    proved: i64,
    reference: String,
}

impl Facade {
    /// `GET /account/approvals/REFERENCE`
    pub(crate) fn approval(&self, asked: &Asked<'_>, path: &str) -> Answer {
        let reference = path.strip_prefix(APPROVALS).and_then(|rest| rest.strip_prefix('/'));
        let is_one = |text: &&str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (reference.filter(is_one), &self.parts.approvals) {
            (Some(reference), Some(_)) => {
                let goal = Goal::Approve { reference: reference.to_owned(), since: asked.now.as_secs() };
                self.leave(asked, goal, None, 0, None)
            }
            _ => self.no_question(),
        }
    }

    /// Shows the question to somebody who has just signed in for it.
    pub(crate) async fn to_approval(
        &self,
        asked: &Asked<'_>,
        signed_in: &SignedIn,
        (reference, since): (&str, i64),
    ) -> Answer {
        let Some(approvals) = &self.parts.approvals else { return self.no_question() };
        let Some(proved) = signed_in.proved.filter(|at| is_fresh(*at, since)) else {
            self.count(asked.source, "approval-without-fresh-sign-in", asked.now);
            return self.not_fresh(&format!("{APPROVALS}/{reference}"));
        };
        let question = match approvals.get(reference, asked.now).await {
            Ok(question) => question,
            Err(error) => return self.store_failed(&error),
        };
        let role = self.settings.approver_role.as_ref();
        let for_others = role.is_some_and(|role| signed_in.roles.iter().any(|held| held == role));
        let Some(question) = question else { return self.no_question() };
        let own = question.person == signed_in.person;
        if !own && !for_others {
            // Whoever sent the link on wants another's yes. To them the question is not there.
            self.alarm("approval-opened-by-another", &signed_in.person, None, asked.now).await;
            return self.no_question();
        }
        if question.state != State::Pending {
            return self.answered(&question);
        }
        let pressed = Pressed {
            who: Who::of(&signed_in.person, &signed_in.name),
            for_others,
            proved: proved.as_secs(),
            reference: reference.to_owned(),
        };
        let Ok(form) = self.keys.sealer.seal(Purpose::Approve, &pressed, asked.now.plus(PATIENCE)) else {
            return self.broken("The question could not be prepared.");
        };
        let template = ApprovePage {
            host: &self.settings.host,
            name: &signed_in.name,
            server: &question.server,
            method: &question.method,
            called: visible(&question.name),
            client: visible(question.client.as_str()),
            called_by: (!own).then(|| format!("{}/{}", question.person.tenant, question.person.object)),
            why: said(&question.why),
            arguments: bits(&laid_out(&question.arguments)),
            cut: question.cut,
            can_approve: !own || question.approver != Approver::Another,
            form: &form,
        };
        page(StatusCode::OK, &template, &FormsLead::default())
    }

    /// `POST /account/approvals`
    pub(crate) async fn approval_answered(&self, asked: &Asked<'_>) -> Answer {
        let form = match self.form_of_ours(asked) {
            Ok(form) => form,
            Err(answer) => return *answer,
        };
        let pressed: Option<Pressed> =
            form.get("form").and_then(|form| self.keys.sealer.open(Purpose::Approve, form, asked.now));
        let known = pressed.and_then(|pressed| Some((pressed.who.person()?, pressed)));
        let (Some((person, pressed)), Some(approvals)) = (known, &self.parts.approvals) else {
            return self.again("The page was open for too long.", StatusCode::BAD_REQUEST);
        };
        let by = By {
            person: person.clone(),
            for_others: pressed.for_others,
            signed_in: Timestamp::from_secs(pressed.proved),
            way: "page",
        };
        let (what, answered) = match form.get("answer") {
            Some("approve") => {
                ("approval-approved", approvals.approve(&pressed.reference, &by, asked.now).await)
            }
            Some("refuse") => {
                ("approval-refused", approvals.refuse(&pressed.reference, &by, asked.now).await)
            }
            _ => return self.again("The form could not be read.", StatusCode::BAD_REQUEST),
        };
        match answered {
            Ok(question) => {
                let told = Told { person: Some(&person), reason: Some(&pressed.reference), ..Told::default() };
                if let Err(error) = self.tell(what, told, asked.now).await {
                    return self.log_failed(&error);
                }
                self.answered(&question)
            }
            Err(AnswerError::Answered(_)) => self.no_question(),
            Err(AnswerError::Unknown) => self.no_question(),
            Err(AnswerError::Stale) => self.not_fresh(&format!("{APPROVALS}/{}", pressed.reference)),
            Err(AnswerError::OwnCall) => self
                .message("Somebody else has to answer")
                .say("This call carries restricted data. Whoever makes it cannot approve it; send the address of this page to somebody who may.")
                .answer(StatusCode::FORBIDDEN),
            Err(AnswerError::Store(error)) => self.store_failed(&error),
        }
    }

    fn answered(&self, question: &Question) -> Answer {
        let (title, text) = match question.state {
            State::Approved => {
                ("Approved", "This one call may be made. Go back to your application and have it try again.")
            }
            State::Refused => ("Refused", "This call will not be made. You can close this page."),
            State::Used => ("Approved and made", "This call was made. Another one is asked about again."),
            State::Pending => ("It waits", "Nobody has answered yet."),
        };
        self.message(title).say(text).answer(StatusCode::OK)
    }

    /// One answer for what does not exist, is over, or is not theirs.
    fn no_question(&self) -> Answer {
        self.message("There is no such question")
            .say("Its time is over, it was answered, or it is not yours to answer. Try again in your application.")
            .answer(StatusCode::NOT_FOUND)
    }
}

/// Answers where nobody can sign in: the question is there, and the page is not.
pub fn approvals_by_command_alone(path: &str) -> Option<Answer> {
    path.strip_prefix(APPROVALS)?;
    Some(plain(
        StatusCode::NOT_FOUND,
        "this door signs nobody in, so its operator answers: doorward approvals list",
    ))
}
