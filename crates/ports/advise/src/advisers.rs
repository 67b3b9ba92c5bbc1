//! A question, cut into pieces, goes to all who are asked at once, and their answers become one opinion.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{hmac, rand};
use bytes::Bytes;
use doorward_net::{Fetch, Flights, Origin, Scheme, Sleeper, Stopwatch};
use doorward_wire::quote;
use futures_util::future::join3;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use crate::answer::{read_analysis, read_shields};
use crate::chunk::cut;
use crate::credential::AdviserCredential;
use crate::local::LocalModel;
use crate::opinion::{Category, Content, Heard, NoOpinion, Opinion, Service};
use crate::service::{Line, Time, Way};

/// Pieces of one question that are asked about at once.
const AT_ONCE: usize = 4;
/// Requests of all questions at once.
const REQUESTS: usize = 64;

/// What [`Advisers`] are made from.
pub struct AdvisersConfig {
    /// Azure's services, if they are asked.
    pub azure: Option<AzureConfig>,
    /// A model on this machine, if there is one.
    pub model: Option<LocalModel>,
    /// The most pieces that one question is cut into; what is beyond is not asked about, and the opinion says so.
    pub pieces: usize,
    /// How long an answer is kept.
    pub keep: Duration,
    /// Answers that are kept at once, of each service.
    pub kept: usize,
}

/// Which of Azure's services are asked, and how.
pub struct AzureConfig {
    /// `https://NAME.cognitiveservices.azure.com`.
    pub endpoint: Origin,
    /// With what to ask.
    pub credential: AdviserCredential,
    /// Whether Prompt Shields are asked.
    pub prompt_shields: bool,
    /// What Content Safety is asked, if it is.
    pub content: Option<ContentSettings>,
}

/// What Content Safety is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentSettings {
    /// What harm to look for; none is a question about lists alone.
    pub categories: Vec<Category>,
    /// Lists of the resource's own to compare with.
    pub blocklists: Vec<String>,
}

/// Why there are no advisers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdvisersError {
    /// Texts and the credential would cross the network in the clear.
    #[error("{0} is no https endpoint")]
    Plaintext(Origin),
    /// The endpoint makes no URL.
    #[error("{0} is no endpoint")]
    Endpoint(Origin),
    /// There is nothing to ask.
    #[error("neither Prompt Shields, nor Content Safety, nor a local model are to be asked")]
    Nothing,
    /// The operating system gives no randomness.
    #[error("the operating system gives no randomness")]
    Random,
}

/// Whose words a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What a person or a client writes: arguments, answers to forms. It may try to change the rules itself.
    UserPrompt,
    /// What a server brings: results, resources, definitions. It may give orders that nobody asked for.
    Documents,
}

/// What is asked about.
pub struct Question<'a> {
    /// Whose text it is. Answers are shared within a tenant and never beyond.
    pub tenant: &'a str,
    /// Which way it goes.
    pub direction: Direction,
    /// The texts, in the order in which a model reads them: an attack may begin in one and end in the next.
    pub texts: &'a [&'a str],
}

/// Asks for second opinions. Cheap to clone; clones share the cache, the breakers and the pauses.
#[derive(Clone)]
pub struct Advisers {
    shared: Arc<Shared>,
}

struct Shared {
    time: Time,
    shields: Option<Asker<bool>>,
    content: Option<(Asker<Arc<Content>>, ContentSettings)>,
    model: Option<(LocalModel, Answers<u8>)>,
    pieces: usize,
    keep: Duration,
    /// Keys of the cache are made under a key of this process: not even a copy of its memory can be searched for a text
    /// that somebody guesses.
    key: hmac::Key,
}

/// What was said lately.
type Answers<V> = Flights<[u8; 32], V, NoOpinion>;

/// One service and what it said lately.
struct Asker<V> {
    line: Arc<Line>,
    answers: Answers<V>,
}

impl Advisers {
    /// Makes advisers; nothing is asked yet.
    ///
    /// # Errors
    /// An [`AdvisersError`].
    pub fn new(
        fetch: Arc<dyn Fetch>,
        config: AdvisersConfig,
        clock: Stopwatch,
        sleeper: Sleeper,
    ) -> Result<Self, AdvisersError> {
        let AdvisersConfig { azure, model, pieces, keep, kept } = config;
        let time = Time { clock: clock.clone(), sleeper };
        let (shields, content) = match azure {
            Some(azure) => services(azure, fetch, &time, kept)?,
            None => (None, None),
        };
        if shields.is_none() && content.is_none() && model.is_none() {
            return Err(AdvisersError::Nothing);
        }
        let model = model.map(|model| (model, Flights::new(kept, clock)));
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| AdvisersError::Random)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        Ok(Self { shared: Arc::new(Shared { time, shields, content, model, pieces, keep, key }) })
    }

    /// Asks, and returns within the deadline what was said by then.
    pub async fn ask(&self, question: &Question<'_>, deadline: Duration) -> Opinion {
        let shared = &*self.shared;
        let until = shared.time.now().saturating_add(deadline);
        let text = question.texts.join("\n");
        let cut = cut(&text, shared.pieces);
        // A service has nothing to say of blanks, and refuses them.
        let pieces: Vec<&str> = cut.pieces.into_iter().filter(|piece| !piece.trim().is_empty()).collect();
        let (shields, content, model) = join3(
            shared.ask_shields(question, &pieces, until),
            shared.ask_content(question, &pieces, until),
            shared.ask_model(question, &pieces, until),
        )
        .await;
        Opinion { shields, content, model, unread: cut.unread }
    }
}

/// Who is asked of Azure's.
type Services = (Option<Asker<bool>>, Option<(Asker<Arc<Content>>, ContentSettings)>);

/// The lines to those of Azure's services that are to be asked.
fn services(
    azure: AzureConfig,
    fetch: Arc<dyn Fetch>,
    time: &Time,
    kept: usize,
) -> Result<Services, AdvisersError> {
    let AzureConfig { endpoint, credential, prompt_shields, content } = azure;
    if endpoint.scheme() != Scheme::Https {
        return Err(AdvisersError::Plaintext(endpoint));
    }
    let way = Arc::new(Way { fetch, credential, time: time.clone(), gate: Semaphore::new(REQUESTS) });
    let line = |service| {
        let line = Line::new(service, &endpoint, Arc::clone(&way));
        line.map(Arc::new).map_err(|_| AdvisersError::Endpoint(endpoint.clone()))
    };
    let shields = if prompt_shields {
        let answers = Flights::new(kept, time.clock.clone());
        Some(Asker { line: line((Service::PromptShields, "text:shieldPrompt"))?, answers })
    } else {
        None
    };
    let content = match content.filter(|it| !it.categories.is_empty() || !it.blocklists.is_empty()) {
        Some(settings) => {
            let answers = Flights::new(kept, time.clock.clone());
            Some((Asker { line: line((Service::ContentSafety, "text:analyze"))?, answers }, settings))
        }
        None => None,
    };
    Ok((shields, content))
}

impl Shared {
    async fn ask_shields(
        &self,
        question: &Question<'_>,
        pieces: &[&str],
        until: Duration,
    ) -> Option<Heard<bool>> {
        let asker = self.shields.as_ref()?;
        let prompt = question.direction == Direction::UserPrompt;
        let mut asked = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let key = self.key_of(question, &["shields", if prompt { "prompt" } else { "document" }], piece);
            let body = shields_body(piece, prompt);
            let read = move |answer| read_shields(answer, prompt, usize::from(!prompt));
            let line = Arc::clone(&asker.line);
            let ask = async move { line.ask(body, until, read).await };
            asked.push(self.one(&asker.answers, key, until, ask));
        }
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        let mut heard = Heard::default();
        while let Some(said) = answers.next().await {
            match said {
                // More cannot be said: the other pieces need not be paid for.
                Ok(true) => return Some(Heard { answer: true, missing: heard.missing }),
                Ok(false) => {}
                Err(why) => heard.missing = heard.missing.or(Some(why)),
            }
        }
        Some(heard)
    }

    async fn ask_content(
        &self,
        question: &Question<'_>,
        pieces: &[&str],
        until: Duration,
    ) -> Option<Heard<Content>> {
        let (asker, settings) = self.content.as_ref()?;
        let mut settings_key = vec!["content"];
        settings_key.extend(settings.categories.iter().map(|category| category.as_str()));
        settings_key.push("lists");
        settings_key.extend(settings.blocklists.iter().map(String::as_str));
        let settings_key = settings_key.as_slice();
        let mut asked = Vec::with_capacity(pieces.len());
        for piece in pieces {
            let key = self.key_of(question, settings_key, piece);
            let body = analysis_body(piece, settings);
            let wanted = settings.clone();
            let read =
                move |answer| read_analysis(answer, &wanted.categories, &wanted.blocklists).map(Arc::new);
            let line = Arc::clone(&asker.line);
            let ask = async move { line.ask(body, until, read).await };
            asked.push(self.one(&asker.answers, key, until, ask));
        }
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        let mut heard: Heard<Content> = Heard::default();
        while let Some(said) = answers.next().await {
            match said {
                Ok(content) => heard.answer.add(&content),
                Err(why) => heard.missing = heard.missing.or(Some(why)),
            }
        }
        Some(heard)
    }

    async fn ask_model(
        &self,
        question: &Question<'_>,
        pieces: &[&str],
        until: Duration,
    ) -> Option<Heard<u8>> {
        let (model, answers) = self.model.as_ref()?;
        let mut heard: Heard<u8> = Heard::default();
        // One after the other: there is one process, and what it is sure of needs no more pieces.
        for piece in pieces {
            let key = self.key_of(question, &["model"], piece);
            let (sure, own, text) = (model.sure(), model.clone(), (*piece).to_owned());
            let ask = async move { own.ask(text, until).await };
            match self.one(answers, key, until, ask).await {
                Ok(percent) => heard.answer = heard.answer.max(percent),
                Err(why) => heard.missing = heard.missing.or(Some(why)),
            }
            if heard.answer >= sure {
                break;
            }
        }
        Some(heard)
    }

    /// Asks about one piece, together with all who ask the same at this time; answers are kept, failures are not.
    async fn one<V: Clone + Send + Sync + 'static>(
        &self,
        answers: &Answers<V>,
        key: [u8; 32],
        until: Duration,
        ask: impl Future<Output = Result<V, NoOpinion>> + Send + 'static,
    ) -> Result<V, NoOpinion> {
        let keep = self.keep;
        let fly = move || async move { Ok((ask.await?, keep)) };
        // The flight keeps the deadline of the one who began it. Who joins it may have less time.
        let flight = answers.get(key, fly, NoOpinion::Interrupted);
        self.time.before(until, flight).await.unwrap_or(Err(NoOpinion::Deadline))
    }

    /// Where an answer is kept: each part with its length in front, so that no two questions run into one.
    fn key_of(&self, question: &Question<'_>, settings: &[&str], piece: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        let count = settings.len().to_string();
        for part in [question.tenant, count.as_str()].iter().chain(settings).chain([&piece]) {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let mut key = [0; 32];
        key.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        key
    }
}

fn shields_body(piece: &str, prompt: bool) -> Bytes {
    let text = quote(piece);
    Bytes::from(if prompt {
        format!(r#"{{"userPrompt":{text},"documents":[]}}"#)
    } else {
        format!(r#"{{"userPrompt":"","documents":[{text}]}}"#)
    })
}

fn analysis_body(piece: &str, settings: &ContentSettings) -> Bytes {
    let quoted = |names: &mut dyn Iterator<Item = &str>| names.map(quote).collect::<Vec<_>>().join(",");
    let categories = quoted(&mut settings.categories.iter().map(|category| category.as_str()));
    let lists = quoted(&mut settings.blocklists.iter().map(String::as_str));
    // Not halted at a hit: the severities would be missing then, and a list that somebody hits on purpose would hide them.
    Bytes::from(format!(
        r#"{{"text":{},"categories":[{categories}],"blocklistNames":[{lists}],"haltOnBlocklistHit":false,"outputType":"EightSeverityLevels"}}"#,
        quote(piece)
    ))
}

impl fmt::Debug for Advisers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = self.shared.content.as_ref().map(|(_, settings)| settings);
        f.debug_struct("Advisers")
            .field("shields", &self.shared.shields.is_some())
            .field("content", &content)
            .field("model", &self.shared.model.is_some())
            .finish_non_exhaustive()
    }
}
