//! `doorward approvals`: the questions about single calls, and their answers, on the store of a gateway.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use doorward_approvals::{By, Question};
use doorward_flow::Approver;
use doorward_pins::{laid_out, visible};
use doorward_types::{ObjectId, Person, TenantId};

use crate::commands::serve::{self, runtime};
use crate::commands::vault::{failed, now, open};
use crate::failure::Failure;
use crate::out::{DIM, GOOD, NAME, Out, STRONG, WARN, paint};
use crate::table::{Cell, Table, cell, clean, count};

/// Look at the questions about single calls, and answer them.
#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// List the questions that wait for an answer.
    List(List),
    /// Show one question: who calls what, with which arguments, and why somebody is asked.
    Show(Show),
    /// Approve one call: exactly it, once, and only while nothing more is read before it is made.
    Approve(Answer),
    /// Refuse one call.
    Refuse(Answer),
}

/// The configuration, of each of these commands.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The configuration that the door runs with.
    #[arg(short, long, value_name = "FILE", default_value = "doorward.toml")]
    config: PathBuf,
}

/// List the questions that wait for an answer.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of this person: tenant id and object id.
    #[arg(long, value_name = "TENANT/OBJECT")]
    user: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Show one question.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The question's reference.
    #[arg(value_name = "REFERENCE")]
    reference: String,
    #[command(flatten)]
    place: Place,
}

/// Answer one question.
#[derive(Debug, Args)]
#[command(
    after_help = "The answer is good for this one call, with these arguments, until the question expires; the door records whose it was
when it is used. Restricted data needs somebody else than the person who calls."
)]
pub(crate) struct Answer {
    /// The question's reference.
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Who answers: tenant id and object id. It stands in the record.
    #[arg(long = "as", value_name = "TENANT/OBJECT")]
    by: String,
    #[command(flatten)]
    place: Place,
}

impl Approvals {
    pub(crate) fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        match self {
            Self::List(list) => list.run(out),
            Self::Show(show) => show.run(out),
            Self::Approve(answer) => answer.run(true, out),
            Self::Refuse(answer) => answer.run(false, out),
        }
    }
}

impl List {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let person = self.user.as_deref().map(person).transpose()?;
        let config = serve::load(&self.place.config)?;
        let mut questions = runtime(Some(1))?.block_on(async {
            let store = open(&config).await?;
            let questions = doorward_gateway::approvals(&config, store.clone()).pending(now()).await;
            store.close().await;
            questions.map_err(failed)
        })?;
        questions.retain(|question| person.as_ref().is_none_or(|person| *person == question.person));
        if out.json {
            out.line(serde_json::Value::from(questions.iter().map(json).collect::<Vec<_>>()));
            return Ok(ExitCode::SUCCESS);
        }
        if questions.is_empty() {
            out.note("no call waits for an approval");
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::indented(0);
        for question in &questions {
            table.row([
                Cell::new(NAME, &question.reference),
                Cell::new(STRONG, visible(&format!("{}/{}", question.server, question.name))),
                cell(needed(question)),
                Cell::new(DIM, format!("until {}", question.expires)),
            ]);
        }
        out.line(table);
        out.note(format_args!(
            "{}; doorward approvals show REFERENCE tells more",
            count(questions.len(), "question")
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    fn run(self, out: &Out) -> Result<ExitCode, Failure> {
        let config = serve::load(&self.place.config)?;
        let question = runtime(Some(1))?.block_on(async {
            let store = open(&config).await?;
            let question =
                doorward_gateway::approvals(&config, store.clone()).get(&self.reference, now()).await;
            store.close().await;
            question.map_err(failed)
        })?;
        let question = question.ok_or_else(|| unknown(&self.reference))?;
        if out.json {
            out.line(json(&question));
        } else {
            tell(&question, out);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Answer {
    fn run(self, approves: bool, out: &Out) -> Result<ExitCode, Failure> {
        let config = serve::load(&self.place.config)?;
        // Whoever can open the store holds its key: they may answer for others, and are here now.
        let by = By { person: person(&self.by)?, for_others: true, signed_in: now(), way: "command line" };
        let answered = runtime(Some(1))?.block_on(async {
            let store = open(&config).await?;
            let approvals = doorward_gateway::approvals(&config, store.clone());
            let answered = match approves {
                true => approvals.approve(&self.reference, &by, now()).await,
                false => approvals.refuse(&self.reference, &by, now()).await,
            };
            store.close().await;
            Ok::<_, Failure>(answered)
        })?;
        let question = answered.map_err(|error| {
            Failure::new(error.to_string()).help("doorward approvals list shows what waits")
        })?;
        if out.json {
            out.line(json(&question));
        } else {
            tell(&question, out);
            let word = if approves { paint(GOOD, "approved:") } else { paint(WARN, "refused:") };
            out.line(format_args!("{word} this one call, until {}", question.expires));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(question: &Question, out: &Out) {
    let Question { person, client, server, name, method, .. } = question;
    out.line(format_args!(
        "  call       {} {}",
        clean(method),
        paint(STRONG, visible(&format!("{server}/{name}")))
    ));
    out.line(format_args!(
        "  of         {}/{} with {}",
        person.tenant,
        person.object,
        clean(client.as_str())
    ));
    out.line(format_args!("  because    {}", clean(&question.why)));
    // What is invisible in them may be what the call is for.
    out.line(format_args!("  arguments  {}", laid_out(&question.arguments).replace('\n', "\n             ")));
    if question.cut > 0 {
        out.line(format_args!(
            "             {}",
            paint(WARN, format!("and {} that are not shown", count(question.cut, "character")))
        ));
    }
    out.line(format_args!("  needs      {}", needed(question)));
}

fn needed(question: &Question) -> &'static str {
    match question.approver {
        Approver::Person => "whoever calls",
        Approver::Another => "somebody else",
    }
}

fn json(question: &Question) -> serde_json::Value {
    serde_json::json!({
        "reference": question.reference,
        "person": format!("{}/{}", question.person.tenant, question.person.object),
        "client": question.client.as_str(),
        "server": question.server,
        "method": question.method,
        "name": question.name,
        "arguments": question.arguments,
        "cut": question.cut,
        "why": question.why,
        "needs": match question.approver { Approver::Person => "person", Approver::Another => "another" },
        "state": question.state,
        "expires": question.expires.to_string(),
    })
}

fn unknown(reference: &str) -> Failure {
    Failure::new(format!("there is no question `{}`, or its time is over", clean(reference)))
        .help("doorward approvals list shows what waits")
}

fn person(text: &str) -> Result<Person, Failure> {
    let read = || {
        let (tenant, object) = text.split_once('/')?;
        Some(Person { tenant: TenantId::parse(tenant).ok()?, object: ObjectId::parse(object).ok()? })
    };
    read().ok_or_else(|| {
        Failure::usage(format!("`{}` names nobody", clean(text)))
            .help("write both ids of the person, as the Entra admin center shows them: TENANT/OBJECT")
    })
}
