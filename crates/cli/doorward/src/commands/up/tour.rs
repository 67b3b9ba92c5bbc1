//! `doorward up --tour`: a visit. Every request is real, and so is every refusal; where one did not come as it must,
//! the tour ends with an error.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use bytes::Bytes;
use doorward_audit::{PublicKey, VerifyInputs, verify};
use doorward_emulator::MintRequest;
use doorward_net::{Connector, FetchLimits, Reach};
use http::{Request, StatusCode};

use super::house::House;
use super::lab_client::connector;
use super::visitor::{Heard, Visitor};
use crate::commands::lab::failed;
use crate::failure::Failure;
use crate::out::{BAD, DIM, GOOD, NAME, Out, STRONG, paint};

/// The client that signs in: the seed's native VS Code registration.
const VSCODE: &str = "aebc6443-996d-45c2-90f0-388ff96faa56";

pub(crate) async fn take(out: &Out) -> Result<ExitCode, Failure> {
    let began = Instant::now();
    let folder = Folder::new()?;
    let house = House::build(&folder.0, SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    out.line(paint(STRONG, "A visit to Doorward"));
    out.line(paint(
        DIM,
        "An emulated Entra, a small library of documents, and the door between them and you.",
    ));
    out.line(paint(DIM, format_args!("The door is at {}.", house.url())));
    let mut guide = Guide {
        out,
        connector: connector(&house.emulator.authority, house.emulator.ca_pem.clone().into())?,
        scene: 0,
    };
    let visited = guide.visit(&house).await;
    let data = house.data.clone();
    house.stop().await;
    let visited = match visited {
        Ok(()) => guide.the_record(&data),
        Err(failure) => Err(failure),
    };
    visited?;
    out.line("");
    out.line(format_args!(
        "{} {} scenes in {:.1} s. Start it for yourself: {}",
        paint(GOOD, "That was the visit:"),
        guide.scene,
        began.elapsed().as_secs_f64(),
        paint(STRONG, "doorward up")
    ));
    Ok(ExitCode::SUCCESS)
}

/// Keys, policies and log of the visit, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let name = format!("doorward-tour-{}-{}", std::process::id(), Instant::now().elapsed().as_nanos());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)
            .map_err(|error| Failure::new(format!("cannot make {}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind after a failure is small and lies where such things are swept.
        let _swept = std::fs::remove_dir_all(&self.0);
    }
}

struct Guide<'a> {
    out: &'a Out,
    connector: Connector,
    scene: u32,
}

impl Guide<'_> {
    async fn visit(&mut self, house: &House) -> Result<(), Failure> {
        let url = house.url();
        let alice_token = self.sign_in(house, "alice").await?;
        let mut alice = Visitor::new(self.connector.clone(), url.clone(), Some(alice_token));

        self.scene("Alice says hello and asks what there is");
        let hello = alice.hello().await?;
        self.must(hello.good() && alice.session.is_some(), "the door opened a session for her", &hello)?;
        let list = alice.ask("tools/list", "{}").await?;
        let tools = list.tools();
        self.must(
            tools.iter().any(|tool| tool == "read_document"),
            &format!("she sees {}", tools.join(", ")),
            &list,
        )?;
        let hidden = !tools.iter().any(|tool| tool == "delete_document" || tool == "write_document");
        self.must(
            hidden,
            "what she may not call is not on her list: no write_document, no delete_document",
            &list,
        )?;

        self.scene("She reads");
        let documents = alice.call("list_documents", "{}").await?;
        self.must(documents.good(), "list_documents", &documents)?;
        let search = alice.call("search_documents", r#"{"query":"the"}"#).await?;
        self.must(search.good(), &format!("search_documents: {}", first_line(&search.text())), &search)?;

        self.scene("She tries a tool that is not for her");
        let forbidden = alice.call("delete_document", r#"{"name":"minutes"}"#).await?;
        self.refused(
            !forbidden.good(),
            &forbidden,
            "the same words as for a tool that does not exist: she learns nothing",
        )?;

        self.scene("She asks for somebody else's profile");
        let own = alice.call("get_profile", r#"{"user_id":"a11ce000-0000-4000-8000-000000000001"}"#).await?;
        self.must(own.good(), "her own is hers to see", &own)?;
        let other =
            alice.call("get_profile", r#"{"user_id":"b0b00000-0000-4000-8000-000000000002"}"#).await?;
        self.refused(
            !other.good(),
            &other,
            "policy own-profile compares the argument with who she is, not with what she says",
        )?;

        self.scene("She sends arguments that do not fit, and a number where a word belongs");
        let unfit = alice.call("read_document", r#"{"name":42}"#).await?;
        self.refused(!unfit.good(), &unfit, "judged by the tool's own schema before the server hears of it")?;

        self.scene("Bob steals her session id");
        let bob_token = house.token("bob")?;
        let mut bob = Visitor::new(self.connector.clone(), url.clone(), Some(bob_token));
        bob.session = alice.session.clone();
        let stolen = bob.call("list_documents", "{}").await?;
        self.refused(
            stolen.status == StatusCode::NOT_FOUND,
            &stolen,
            "a session belongs to one person, one client and one server; an alarm was recorded",
        )?;

        self.scene("Somebody has the session id and no token at all");
        let mut nobody = Visitor::new(self.connector.clone(), url.clone(), None);
        nobody.session = alice.session.clone();
        let without = nobody.call("list_documents", "{}").await?;
        self.refused(
            without.status == StatusCode::UNAUTHORIZED,
            &without,
            "a session never stands in for a token",
        )?;

        self.scene("Alice's token for Microsoft Graph is tried on the door");
        let graph =
            house.emulator.control().mint(&MintRequest::user("alice").resource("graph")).map_err(failed)?;
        let mut misled = Visitor::new(self.connector.clone(), url, Some(graph));
        let misled = misled.hello().await?;
        self.refused(
            misled.status == StatusCode::UNAUTHORIZED,
            &misled,
            "it is real and it is hers, but it was not issued for this door",
        )
    }

    /// Signs somebody in with the device code flow, as a terminal client would.
    async fn sign_in(&mut self, house: &House, name: &str) -> Result<String, Failure> {
        self.scene("Alice, a reader, signs in with Entra (emulated), by device code");
        let authority = format!("{}/contoso.onmicrosoft.com/oauth2/v2.0", house.emulator.authority);
        let scope = "api%3A%2F%2Fd0012000-0000-4000-8000-0000000000d1%2Fmcp.access";
        let device = self
            .post(&format!("{authority}/devicecode"), &format!("client_id={VSCODE}&scope={scope}"))
            .await?;
        let (user_code, device_code) = (text(&device, "user_code"), text(&device, "device_code"));
        self.say(&format!("Entra shows the code {} and waits", paint(STRONG, &user_code)));
        house.emulator.control().approve_device(&user_code, name).map_err(failed)?;
        let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
        let form = format!("grant_type={grant}&client_id={VSCODE}&device_code={device_code}");
        let token = self.post(&format!("{authority}/token"), &form).await?;
        let access = text(&token, "access_token");
        if access.is_empty() {
            return Err(Failure::new(format!("Entra gave no token: {}", text(&token, "error_description"))));
        }
        self.say("she gets a token for this door, and for nothing else");
        Ok(access)
    }

    async fn post(&self, url: &str, form: &str) -> Result<serde_json::Value, Failure> {
        let request = Request::post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::copy_from_slice(form.as_bytes()))
            .map_err(|error| Failure::new(error.to_string()))?;
        let answer = self.connector.fetch(request, Reach::Lab, FetchLimits::default()).await;
        let answer = answer.map_err(|error| Failure::new(error.to_string()))?;
        serde_json::from_slice(answer.body()).map_err(|error| Failure::new(format!("{url}: {error}")))
    }

    /// The record of the visit: whole as it lies there, and found out when a single letter of it is changed.
    fn the_record(&mut self, data: &Path) -> Result<(), Failure> {
        let audit = |error: doorward_audit::AuditError| Failure::new(format!("the audit log: {error}"));
        let key =
            PublicKey::load(&data.join("keys/audit.pub")).map_err(|error| Failure::new(error.to_string()))?;
        let inputs = |dir: PathBuf| VerifyInputs {
            dir,
            public_key: Some(key),
            checkpoints: Some(data.join("checkpoints/checkpoints.jsonl")),
            known: None,
        };
        self.scene("Everything that happened is in the audit log");
        let report = verify(&inputs(data.join("audit"))).map_err(audit)?;
        if !report.is_intact() {
            return Err(Failure::new(format!("the log should be intact: {report}")));
        }
        self.out.line(format_args!("   {} {report}", paint(GOOD, "✓")));

        self.scene("Somebody edits it: one refusal shall look like something else");
        let forged = data.join("forged");
        copy(&data.join("audit"), &forged)?;
        let segment = forged.join("audit-000001.jsonl");
        let text = std::fs::read_to_string(&segment)
            .map_err(|error| Failure::new(format!("{}: {error}", segment.display())))?;
        let edited = text.replacen("session-foreign", "session-unknown", 1);
        std::fs::write(&segment, &edited)
            .map_err(|error| Failure::new(format!("{}: {error}", segment.display())))?;
        let report = verify(&inputs(forged)).map_err(audit)?;
        if edited == text || report.is_intact() {
            return Err(Failure::new("an edited log was taken for a whole one"));
        }
        let problem = report.problems.first().map(ToString::to_string).unwrap_or_default();
        self.out.line(format_args!("   {} {}", paint(BAD, "✗"), paint(BAD, problem)));
        self.say(&paint(DIM, "each record holds the hash of the one before, and checkpoints are signed and kept in a second place"));
        Ok(())
    }

    fn scene(&mut self, title: &str) {
        self.scene += 1;
        self.out.line("");
        self.out.line(format_args!(
            "{} {}",
            paint(NAME, format_args!("{:>2}", self.scene)),
            paint(STRONG, title)
        ));
    }

    fn say(&self, what: &str) {
        self.out.line(format_args!("     {what}"));
    }

    fn must(&self, held: bool, what: &str, heard: &Heard) -> Result<(), Failure> {
        if held {
            self.out.line(format_args!("   {} {what}", paint(GOOD, "✓")));
            return Ok(());
        }
        Err(Failure::new(format!("this should have gone well: {what} ({} {})", heard.status, heard.text())))
    }

    fn refused(&self, held: bool, heard: &Heard, why: &str) -> Result<(), Failure> {
        if !held {
            return Err(Failure::new(format!(
                "this should have been refused ({} {}): {why}",
                heard.status,
                heard.text()
            )));
        }
        let status = heard.status.as_u16();
        self.out.line(format_args!(
            "   {} {} {}",
            paint(BAD, "✗"),
            paint(DIM, status),
            paint(BAD, heard.text())
        ));
        self.say(&paint(DIM, why));
        Ok(())
    }
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let copied = std::fs::create_dir(to).and_then(|()| {
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    });
    copied.map_err(|error| Failure::new(format!("cannot copy {}: {error}", from.display())))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(90).collect()
}

fn text(value: &serde_json::Value, member: &str) -> String {
    value.get(member).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
